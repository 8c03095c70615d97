"""What the process of a function is told at its start."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cachetwin_local.supervise.api.authorization.signature import Caller
from cachetwin_local.topology.functions import Function

__all__ = ["INITIALISES", "EnvironmentLimits", "FunctionSettings"]

INITIALISES = "initialisation"
"""The name under which a function's process reports whether its code starts."""


@dataclass(frozen=True, slots=True)
class EnvironmentLimits:
    """How many environments a function may have here at once, how long one may be idle, whether one is frozen then.

    A request beyond waits `wait_s` for an environment before it is throttled.
    """

    environments_max: int = 10
    idle_s: float = 300.0
    wait_s: float = 30.0
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """A function, how to start an environment of it, and the sockets that it serves.

    `argv` and `variables` are those of an environment, without what differs from one to the other. `runtime_version` is
    what the log says. `watched` are the folders whose change makes environments start anew. `temporary` is where each
    environment has a folder of its own. `aws_socket` is where the endpoint of AWS's APIs takes what is to be delivered.
    `callers` are those who may sign requests to its URL, with their credentials.
    """

    function: Function
    argv: tuple[str, ...]
    working_directory: Path
    variables: Mapping[str, str]
    runtime_version: str
    watched: tuple[Path, ...]
    temporary: Path
    invoke_descriptor: int
    url_descriptor: int | None
    aws_socket: str | None
    account: str
    limits: EnvironmentLimits
    callers: tuple[Caller, ...] = ()
