"""What the process of an API is told at its start."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cachetwin_local.identity.credentials import Credentials
from cachetwin_local.topology.http_apis import HttpApi

from .authorization.signature import Caller

__all__ = ["HttpApiSettings"]


@dataclass(frozen=True, slots=True)
class HttpApiSettings:
    """An HTTP or REST API, the descriptor of its listening socket, and the sockets of the functions by key.

    `callers` are those who may sign requests, with their credentials. `roles` are the credentials with which integrations
    call AWS's APIs at `aws_url`, by the role's ARN. `ahead_ms` is how far the app's clock is ahead of this machine's.
    """

    api: HttpApi
    account: str
    descriptor: int
    functions: Mapping[str, str]
    callers: tuple[Caller, ...] = ()
    aws_url: str = ""
    roles: Mapping[str, Credentials] = field(default_factory=dict)
    ahead_ms: int = 0
