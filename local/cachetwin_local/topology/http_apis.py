"""HTTP and REST APIs of API Gateway: routes, what answers them, who may call, and the stages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .functions import Cors
from .identity import Endpoint, Identity

__all__ = ["ApiAuthorizer", "ApiIntegration", "ApiRoute", "ApiStage", "FixedAnswer", "HttpApi", "Throttle"]


@dataclass(frozen=True, slots=True)
class FixedAnswer:
    """The answer of a MOCK integration."""

    status_code: int
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


@dataclass(frozen=True, slots=True)
class ApiIntegration:
    """What answers a route: a function (its `key`, and the ARN that names it), another server at `uri`, or `fixed`."""

    function: str | None
    arn: str = ""
    uri: str = ""
    method: str = "ANY"
    payload_format: Literal["1.0", "2.0"] = "2.0"
    timeout_s: float = 30.0
    fixed: FixedAnswer | None = None


@dataclass(frozen=True, slots=True)
class ApiAuthorizer:
    """Who may call: a JWT of an issuer, or what a function says of the request.

    `identity_sources` are the places of the token, such as ``$request.header.Authorization``.
    """

    identity: Identity
    kind: Literal["JWT", "REQUEST", "TOKEN"]
    name: str
    identity_sources: tuple[str, ...] = ()
    issuer: str = ""
    audiences: tuple[str, ...] = ()
    function: str | None = None
    function_arn: str = ""
    payload_format: Literal["1.0", "2.0"] = "1.0"
    simple_responses: bool = False
    cache_ttl_s: int = 0


@dataclass(frozen=True, slots=True)
class ApiRoute:
    """A route by its key, ``GET /items/{id}`` or ``$default``, and who may use it.

    `required_parameters` are names such as ``method.request.querystring.page``.
    """

    route_key: str
    integration: ApiIntegration
    authorization: Literal["NONE", "JWT", "AWS_IAM", "CUSTOM"] = "NONE"
    authorizer: ApiAuthorizer | None = None
    scopes: tuple[str, ...] = ()
    operation_name: str = ""
    api_key_required: bool = False
    required_parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Throttle:
    """Requests a second, and how many may come at once above that. None where the stage sets nothing."""

    rate: float | None = None
    burst: int | None = None


@dataclass(frozen=True, slots=True)
class ApiStage:
    """A stage: ``$default`` answers at the root, another one below ``/<name>``.

    `routes` are throttles by route key. `access_log_format` is empty where the stage writes no access log.
    """

    name: str
    variables: Mapping[str, str] = field(default_factory=dict)
    throttle: Throttle = field(default_factory=Throttle)
    routes: Mapping[str, Throttle] = field(default_factory=dict)
    access_log_format: str = ""


@dataclass(frozen=True, slots=True)
class HttpApi:
    """An HTTP API or a REST API. `host` is its name on AWS. `api_keys` are the values that methods with a key take."""

    identity: Identity
    name: str
    host: str
    endpoint: Endpoint
    routes: tuple[ApiRoute, ...]
    stages: tuple[ApiStage, ...]
    cors: Cors | None = None
    kind: Literal["HTTP", "REST"] = "HTTP"
    api_keys: tuple[str, ...] = ()

    @property
    def depends_on(self) -> tuple[str, ...]:
        """The functions that answer its routes or decide who may call."""
        functions = {route.integration.function for route in self.routes}
        functions |= {route.authorizer.function for route in self.routes if route.authorizer}
        return tuple(sorted(key for key in functions if key))
