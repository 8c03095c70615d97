"""Lets a Python program that listens on every interface have its task's address, as a container has on Fargate.

`add_bind_hook` puts this module into a task's virtual environment. There it changes the sockets of Python's own module that
are bound to every interface and to a port of the task, which ``CACHETWIN_BIND`` names; no other socket, and none that a
library makes by itself, as uvloop does.
"""

import os
import socket
from collections.abc import Mapping
from pathlib import Path

__all__ = ["VARIABLE", "add_bind_hook", "bind_variable", "moved"]

VARIABLE = "CACHETWIN_BIND"
_MODULE = "cachetwin_bind"
_EVERY_INTERFACE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  (compared, not opened)
_IPV6_ONLY = ("::1", 0)  # beside an IPv4 socket: its port would be every task's


def add_bind_hook(virtual_environment: Path) -> None:
    """Let each Python of the environment load this module where its variable is set."""
    for packages in virtual_environment.glob("lib/python*/site-packages"):
        (packages / f"{_MODULE}.py").write_bytes(Path(__file__).read_bytes())
        start = f'import os; os.environ.get("{VARIABLE}") and __import__("{_MODULE}").install()\n'
        (packages / f"{_MODULE}.pth").write_text(start, encoding="utf-8")


def bind_variable(address: str, ports: Mapping[int, int]) -> str:
    """The variable's value: the task's address, and its ports here by those of its containers."""
    return " ".join([address, *(f"{there}:{here}" for there, here in ports.items())])


def moved(place: object, value: str, family: int, *, ipv6_only: bool) -> object:
    """Where a socket is bound instead of `place`, as the variable's `value` says."""
    address, *pairs = value.split()
    ports = {int(there): int(here) for there, _, here in (pair.partition(":") for pair in pairs)}
    match place:
        case (str(host), int(port), *others) if host in _EVERY_INTERFACE and port in ports:
            if family == socket.AF_INET:
                return address, ports[port]
            if family == socket.AF_INET6:
                return (*(_IPV6_ONLY if ipv6_only else (f"::ffff:{address}", ports[port])), *others)
    return place


def install() -> None:
    """Change how this process's TCP sockets are bound."""
    original, value = socket.socket.bind, os.environ[VARIABLE]

    def bind(self: socket.socket, place: object) -> None:
        if self.type == socket.SOCK_STREAM and self.family in {socket.AF_INET, socket.AF_INET6}:
            is_six = self.family == socket.AF_INET6
            only = is_six and bool(self.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))
            place = moved(place, value, self.family, ipv6_only=only)
        original(self, place)  # type: ignore[arg-type]  # what the program gave

    socket.socket.bind = bind  # type: ignore[assignment, method-assign]
