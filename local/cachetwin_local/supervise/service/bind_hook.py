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
_UNSPECIFIED = frozenset({bytes(4), bytes(16), socket.inet_pton(socket.AF_INET6, "::ffff:0:0")})
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
        case (str() | bytes() as host, int(port), *others) if port in ports and _is_every_interface(host):
            if family == socket.AF_INET:
                return address, ports[port]
            if family == socket.AF_INET6:
                return (*(_IPV6_ONLY if ipv6_only else (f"::ffff:{address}", ports[port])), *others)
    return place


def _is_every_interface(host: str | bytes) -> bool:
    """Whether the system takes it for every interface, in whichever way the address is written."""
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    for read in (socket.inet_aton, lambda given: socket.inet_pton(socket.AF_INET6, given)):
        try:
            return read(text) in _UNSPECIFIED
        except (OSError, ValueError):
            continue
    return not text


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
