"""Where a task listens that the plan does not have."""

import socket
from collections.abc import Sequence, Set

from cachetwin_local.topology.address_plan import LOCALHOST, Loopback, hashed_address
from cachetwin_local.topology.values import TaskAddress

__all__ = ["spare_address"]

_ATTEMPTS_MAX = 100


def spare_address(project: str, name: str, ports: Sequence[int], loopback: Loopback, used: Set[str]) -> TaskAddress:
    """An address for the task `name` with these container ports: the one that the plan would give it, where it is free.

    `used` are places of the service's other tasks, as ``address:port``.
    """
    if loopback == "shared":
        return TaskAddress(LOCALHOST, {port: _free_port() for port in ports})
    address = hashed_address(project, name)
    for attempt in range(_ATTEMPTS_MAX):
        address = hashed_address(project, name, attempt)
        if all(f"{address}:{port}" not in used and _is_free(address, port) for port in ports):
            break
    return TaskAddress(address, {port: port for port in ports})


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOCALHOST, 0))
        return int(probe.getsockname()[1])
