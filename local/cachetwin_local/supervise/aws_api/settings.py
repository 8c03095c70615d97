"""What the process of the endpoint is told at its start, and again when the app has changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cachetwin_local.identity.directory import Principal
from cachetwin_local.identity.resource_policies import Grant
from cachetwin_local.supervise.api.authorization.signature import Caller

__all__ = ["SCHEDULES_VERSION", "AwsApiSettings", "Seed"]

SCHEDULES_VERSION: Final = "SchedulesVersion"
"""The level in the process's reports that is another one whenever schedules may have changed."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A resource of the template: its type, its names on AWS, and its properties as plain JSON."""

    type: str
    key: str
    name: str
    arn: str
    attributes: Mapping[str, Any]
    properties: Mapping[str, Any]

    @property
    def region(self) -> str:
        """The region in its ARN; empty for a global one."""
        return self.arn.split(":")[3] if self.arn.count(":") > 4 else ""

    @property
    def account(self) -> str:
        """The account in its ARN; empty where an ARN has none."""
        return self.arn.split(":")[4] if self.arn.count(":") > 4 else ""


@dataclass(frozen=True, slots=True)
class AwsApiSettings:
    """The endpoint: where it listens, who may call it, what it has, and the sockets of the functions by ARN.

    `function_roles` are the roles of the functions by ARN, `roles` those that anything here runs or delivers with.
    `grants` are what policies of resources let services do.
    With `eager` moto is loaded at the start, else a moment later or for the first request.
    `control` is the socket on which the supervisor starts tasks.
    `descriptor` is of the socket that everybody may open, `private_descriptor` of the one that only the runner uses.
    """

    account: str
    region: str
    address: str
    descriptor: int
    private_descriptor: int
    callers: tuple[Caller, ...] = ()
    seeds: tuple[Seed, ...] = ()
    functions: Mapping[str, str] = field(default_factory=dict)
    function_roles: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, Principal] = field(default_factory=dict)
    grants: tuple[Grant, ...] = ()
    forward_to: str | None = None
    control: str = ""
    eager: bool = True
