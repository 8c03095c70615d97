"""The local endpoint of AWS's APIs, and the resources that it has from its start."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .identity import Endpoint, Identity

__all__ = ["AWS_API", "AWS_API_PORT", "AwsApi", "AwsResource"]

AWS_API: Final = "aws"
"""The name of the endpoint among everything that runs."""
AWS_API_PORT: Final = 4566


@dataclass(frozen=True, slots=True)
class AwsResource:
    """A resource that the endpoint has from its start. `properties` are the template's, and may refer to secrets."""

    identity: Identity
    properties: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AwsApi:
    """The endpoint, its resources, and where requests to services that it does not have are forwarded to."""

    endpoint: Endpoint
    resources: tuple[AwsResource, ...] = ()
    forward_to: str | None = None

    @property
    def url(self) -> str:
        """What ``AWS_ENDPOINT_URL`` is here."""
        return f"http://{self.endpoint.address}:{self.endpoint.port}"
