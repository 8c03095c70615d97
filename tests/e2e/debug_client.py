"""A small client of the Debug Adapter Protocol, as an editor speaks it."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Message = dict[str, Any]


class DebugClient:
    """A connection to a debugger."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file = connection.makefile("rb")
        self._number = 0
        self._seen: list[Message] = []

    def send(self, command: str, **arguments: object) -> int:
        """Send a request; returns its number."""
        self._number += 1
        body = json.dumps({"seq": self._number, "type": "request", "command": command, "arguments": arguments}).encode()
        self._connection.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        return self._number

    def ask(self, command: str, **arguments: object) -> Message:
        """The body of the response to a request."""
        number = self.send(command, **arguments)
        answer = self._find(lambda one: one.get("request_seq") == number)
        assert answer["success"], answer
        body: Message = answer.get("body") or {}
        return body

    def event(self, name: str) -> Message:
        """The body of the next event of this name."""
        body: Message = self._find(lambda one: one.get("event") == name).get("body") or {}
        return body

    def begin(self) -> None:
        """Attach, as far as breakpoints can be set."""
        self.ask("initialize", adapterID="test", pathFormat="path")
        self.send("attach", justMyCode=False)
        self.event("initialized")

    def _find(self, wanted: Callable[[Message], bool]) -> Message:
        """The first message that is wanted; the connection's own deadline bounds the wait."""
        while True:
            for one in self._seen:
                if wanted(one):
                    self._seen.remove(one)
                    return one
            self._seen.append(self._read())

    def _read(self) -> Message:
        size = 0
        while line := self._file.readline().strip():
            size = int(line.partition(b":")[2])
        assert size, "the debugger closed the connection"
        found: Message = json.loads(self._file.read(size))
        return found


@contextmanager
def debugger(port: int, deadline_s: float) -> Iterator[DebugClient]:
    """A client of the debugger at a port; no message may take longer than the deadline."""
    with socket.create_connection(("127.0.0.1", port), deadline_s) as connection:
        connection.settimeout(deadline_s)
        client = DebugClient(connection)
        client.begin()
        yield client
