"""Nodes under ``--control-fd`` and the other end of their channels."""

import json
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.engine.conftest import EngineProcess, StartEngine


class Supervisor:
    """A node under ``--control-fd`` and the other end of its channel."""

    def __init__(self, start_engine: "StartEngine", *arguments: str) -> None:
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.channel.settimeout(20)
        self.sockets: list[socket.socket] = []
        with theirs:
            descriptor = theirs.fileno()
            self.engine: EngineProcess = start_engine(
                "--control-fd", str(descriptor), *arguments, pass_fds=(descriptor,)
            )
        self._lines = self.channel.makefile("rb")
        self.ready = self.read()
        self.events: list[dict[str, Any]] = []  # that came while an answer was due
        self._id = 0

    def read(self) -> dict[str, Any]:
        line = self._lines.readline()
        assert line, f"the node closed the channel; its log is {self.engine.log}"
        message: dict[str, Any] = json.loads(line)
        return message

    def ask(self, op: str, *, descriptors: tuple[int, ...] = (), **fields: object) -> dict[str, Any]:
        """Send a request, return its answer."""
        self._id += 1
        line = json.dumps({"id": self._id, "op": op, **fields}).encode() + b"\n"
        if descriptors:
            socket.send_fds(self.channel, [line], list(descriptors))
        else:
            self.channel.sendall(line)
        while "event" in (answer := self.read()):
            self.events.append(answer)
        assert answer["id"] == self._id
        return answer

    @property
    def last_id(self) -> int:
        """The number of the last request."""
        return self._id

    def listen(self, name: str, tls: str = "off") -> int:
        """Hand over a listening socket, whose port is returned; this end keeps it open too."""
        sock = socket.create_server(("127.0.0.1", 0))
        self.sockets.append(sock)
        answer = self.ask("listen", name=name, tls=tls, descriptors=(sock.fileno(),))
        port: int = sock.getsockname()[1]
        assert answer == {"id": self._id, "ok": True, "address": f"127.0.0.1:{port}"}
        return port

    def close(self) -> None:
        self._lines.close()
        self.channel.close()
        for sock in self.sockets:
            sock.close()


Supervise = Callable[..., Supervisor]
