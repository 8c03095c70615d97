"""Auto discovery: ask the configuration endpoint which nodes the cluster has.

The answer has a version, which rises with each change, and the nodes as ``host|ip|port``. A connection goes to the
address, and TLS checks the host name: so no name is looked up, and a node with another's address is found out.
"""

import socket
import ssl
from dataclasses import dataclass
from typing import Final

ANSWER_BYTES_MAX: Final = 1024 * 1024
END: Final = b"\n\r\nEND\r\n"


class DiscoveryError(Exception):
    """The configuration endpoint was not reached, or answers no list of nodes."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the cluster."""

    host: str
    address: str
    port: int

    @property
    def id(self) -> str:
        """Its number in the cluster, ``0001``, where the host name has one; else the host name."""
        numbers = [label for label in self.host.split(".") if len(label) == 4 and label.isdigit()]
        return numbers[0] if numbers else self.host


@dataclass(frozen=True, slots=True)
class Members:
    """The nodes as of one version of the list."""

    version: int
    nodes: tuple[Node, ...]


class NamedContext:
    """A TLS context that checks the certificate for ``name``, whatever address the connection goes to."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self._context = context
        self._name = name

    def wrap_socket(self, sock: socket.socket, **_host: object) -> ssl.SSLSocket:
        """As of ``ssl.SSLContext``; the host that is given is the address."""
        return self._context.wrap_socket(sock, server_hostname=self._name)


def discover(host: str, port: int, context: ssl.SSLContext | None, timeout_s: float) -> Members:
    """The cluster's nodes. Raises DiscoveryError."""
    try:
        with socket.create_connection((host, port), timeout_s) as plain:
            if context is None:
                return parse(_ask(plain))
            with context.wrap_socket(plain, server_hostname=host) as encrypted:
                return parse(_ask(encrypted))
    except OSError as error:
        raise DiscoveryError(f"{host}:{port} is out of reach: {error}") from error


def _ask(sock: socket.socket) -> bytes:
    sock.sendall(b"config get cluster\r\n")
    answer = b""
    while not answer.endswith((END, b"ERROR\r\n")) and len(answer) < ANSWER_BYTES_MAX:
        piece = sock.recv(65536)
        if not piece:
            break
        answer += piece
    return answer


def parse(answer: bytes) -> Members:
    """The nodes that an answer to ``config get cluster`` lists. Raises DiscoveryError."""
    try:
        head, version, nodes = answer.removesuffix(END).decode("ascii").split("\n")
        if not head.startswith("CONFIG cluster "):
            raise ValueError(head)
        found = [Node(host, address or host, int(port)) for host, address, port in map(_parts, nodes.split())]
        return Members(int(version), tuple(found))
    except ValueError:
        raise DiscoveryError(f"the configuration endpoint answered {answer[:60]!r} when asked for the nodes") from None


def _parts(text: str) -> tuple[str, str, str]:
    host, address, port = text.split("|")
    return host, address, port
