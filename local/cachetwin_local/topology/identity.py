"""What a resource is called on AWS and where it listens here, and what a role allows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cachetwin_local.identity.policies import Policy


@dataclass(frozen=True, slots=True)
class Identity:
    """The AWS identity of a resource.

    `stack` is the stack's name, `path` the construct path the CDK left in the template's metadata (the logical id
    without one), `physical_name` what `Ref` gives unless the type's `Ref` is an ARN, `attributes` what `Fn::GetAtt`
    gives.
    """

    stack: str
    logical_id: str
    type: str
    path: str
    physical_name: str
    arn: str
    attributes: Mapping[str, object] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name of this resource within a topology."""
        return f"{self.stack}/{self.logical_id}"

    @property
    def names(self) -> frozenset[str]:
        """What a person may call it: key, logical id, and its construct's path, from any of its parts on."""
        path = self.path.removesuffix("/Resource").removesuffix("/Service")
        parts = path.split("/")
        return frozenset({self.key, self.logical_id, *("/".join(parts[start:]) for start in range(len(parts)))})

    @property
    def region(self) -> str:
        """The region of a resource that has an ARN with one; empty for others."""
        return self.arn.split(":", 4)[3] if self.arn.count(":") > 3 else ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A socket the supervisor will listen on: an IPv4 loopback address and a port.

    `names` are the AWS-shaped host names, for the certificate; they do not resolve. `port_on_aws` differs from `port`
    only where endpoints share one address.
    """

    address: str
    port: int
    port_on_aws: int
    tls: Literal["required", "preferred", "off"] = "off"
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Role:
    """A role that something here runs with, by its ARN.

    `policies` are its own, the managed ones that it names and those of the app that name it. `boundary` is its
    permissions boundary.
    """

    arn: str
    policies: tuple[Policy, ...]
    boundary: Policy | None = None
    tags: tuple[tuple[str, str], ...] = ()
