"""What the process of an API is told at its start."""

from collections.abc import Mapping
from dataclasses import dataclass

from cachetwin_local.topology.http_apis import HttpApi

from .authorization.signature import Caller

__all__ = ["HttpApiSettings"]


@dataclass(frozen=True, slots=True)
class HttpApiSettings:
    """An HTTP or REST API, the descriptor of its listening socket, and the sockets of the functions by key.

    `callers` are those who may sign requests, with their credentials.
    """

    api: HttpApi
    account: str
    descriptor: int
    functions: Mapping[str, str]
    callers: tuple[Caller, ...] = ()
