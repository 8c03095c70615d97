"""Where endpoints listen: loopback addresses and ports, from names alone.

Each endpoint has an address of its own inside 127.0.0.0/8, taken from a hash of the project and the endpoint's name,
so that it stays the same from run to run and ports stay what the template says. Two endpoints that hash alike are
resolved by hashing again; the planner asks in a fixed order, so the outcome is fixed too. 127.0.x.y is left to the
system (localhost, systemd's resolver at 127.0.0.53, Debian's 127.0.1.1).

Where only 127.0.0.1 exists (``shared``), the port moves up to the next that no other endpoint of the app has.

Load balancers listen on 127.0.0.1 in both cases, because people type their address: 80 becomes 8080 and 443 becomes
8443, ports below 1024 move up by 8000, and a taken one moves to the next.

The ports of 127.0.0.1 are shared with whatever else runs there, another app among them. So they may be remembered: a
remembered port goes before the one that the rules give.
"""

import hashlib
from collections.abc import Mapping
from typing import Literal

Loopback = Literal["per-endpoint", "shared"]
LOCALHOST = "127.0.0.1"
LOAD_BALANCER_PORTS = {80: 8080, 443: 8443}


class AddressPlan:
    """Assigns addresses and ports; the same name gets the same ones every time.

    `ports` are those of 127.0.0.1 that are given out and that nobody set, by the endpoint; `remembered` are such of an
    earlier run.
    """

    def __init__(self, project: str, loopback: Loopback, remembered: Mapping[str, int] | None = None) -> None:
        self.project = project
        self.loopback = loopback
        self.ports: dict[str, int] = {}
        self._remembered = dict(remembered or {})
        self._endpoints: dict[str, tuple[str, int]] = {}
        self._taken: set[int] = set()
        self._addresses: dict[str, str] = {}
        self._moved: dict[str, int] = {}

    def move(self, owner: str, port: int) -> None:
        """Let the endpoints of the resource `owner` listen on `port` (the next ones where it has several)."""
        self._moved[owner] = port

    def endpoint(self, name: str, port: int) -> tuple[str, int]:
        """The address and port of an endpoint that has `port` on AWS."""
        if name not in self._endpoints:
            if self.loopback == "shared":
                self._endpoints[name] = self._next_port(name, port)
            else:
                self._endpoints[name] = self.address(name), self._moved.get(_owner(name), port)
        return self._endpoints[name]

    def listener(self, name: str, port: int) -> tuple[str, int]:
        """The address and port of a load balancer's listener that has `port` on AWS."""
        if name not in self._endpoints:
            wanted = LOAD_BALANCER_PORTS.get(port, port if port >= 1024 else port + 8000)
            self._endpoints[name] = self._next_port(name, wanted)
        return self._endpoints[name]

    def address(self, name: str) -> str:
        """A loopback address that no other name has."""
        if self.loopback == "shared":
            return LOCALHOST
        if name not in self._addresses:
            self._addresses[name] = self._free_address(name)
        return self._addresses[name]

    def _free_address(self, name: str) -> str:
        taken = set(self._addresses.values())
        attempt = 0
        while (address := hashed_address(self.project, name, attempt)) in taken:
            attempt += 1
        return address

    def _next_port(self, name: str, port: int) -> tuple[str, int]:
        """A port of 127.0.0.1: what the user set, or what is remembered, or `port`, or the next that is free."""
        key = f"{name}:{port}"  # a template that names another port is not held to the old one
        moved, remembered = self._moved.get(_owner(name)), self._remembered.pop(key, None)
        wanted = moved or remembered or port
        kept = set() if moved else set(self._remembered.values())  # those of endpoints that ask later
        while wanted in self._taken or (wanted in kept and wanted != remembered):
            wanted += 1
        self._taken.add(wanted)
        if not moved:
            self.ports[key] = wanted
        return LOCALHOST, wanted


def _owner(name: str) -> str:
    """The key of the resource that an endpoint belongs to."""
    return "/".join(name.split("/")[:2])


def hashed_address(project: str, name: str, attempt: int = 0) -> str:
    """An address in 127.1.0.1 to 127.254.254.254 that follows from the names."""
    digest = hashlib.sha256(f"{project}\0{name}\0{attempt}".encode()).digest()
    return f"127.{1 + digest[0] % 254}.{digest[1]}.{1 + digest[2] % 254}"
