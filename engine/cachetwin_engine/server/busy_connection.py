"""Connections that come while a script keeps the event loop from turning: whoever wants to end it must get in.

They are accepted and answered here, outside of the loop, and become connections like all others when it turns again.
"""

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Final

from cachetwin_engine.server.connection import READ_BYTES, Connection

if TYPE_CHECKING:
    from cachetwin_engine.core.execution.session import Session
    from cachetwin_engine.server.listener import Endpoint
    from cachetwin_engine.server.node import Node

ACCEPTS_PER_ROUND: Final = 64


class Guest:
    """A connection without a transport yet."""

    def __init__(self, endpoint: "Endpoint", sock: socket.socket, session: "Session") -> None:
        self.endpoint = endpoint
        self.sock = sock
        self.session = session

    def serve(self) -> bool:
        """Read once and answer; False when the other side has gone or the session is over."""
        try:
            data = self.sock.recv(READ_BYTES)
            if not data:
                return False
            self.sock.sendall(self.session.feed(data))
        except BlockingIOError:
            return True
        except OSError:
            return False
        return not self.session.closing


class Guests:
    """All of one node."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._guests: dict[int, Guest] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def sockets(self) -> list[int]:
        """What may become readable."""
        return list(self._guests)

    def accept(self, endpoint: "Endpoint") -> None:
        """Take in who waits at a plain endpoint."""
        for _ in range(ACCEPTS_PER_ROUND):
            sock = endpoint.accept_now()
            if sock is None:
                return
            session = self._node.open_guest(sock)
            if session is None:
                sock.close()
                continue
            if not self._guests:
                self._node.loop.call_soon(self._hand_over)
            self._guests[sock.fileno()] = Guest(endpoint, sock, session)

    def serve(self, fd: int) -> None:
        """Something arrived on one of ``sockets``."""
        guest = self._guests[fd]
        if not guest.serve():
            del self._guests[fd]
            guest.sock.close()
            self._node.engine.close_session(guest.session)

    def _hand_over(self) -> None:
        """The loop turns again."""
        guests, self._guests = self._guests, {}
        for guest in guests.values():
            self._tasks.add(task := self._node.loop.create_task(self._connect(guest)))
            task.add_done_callback(self._tasks.discard)

    async def _connect(self, guest: Guest) -> None:
        node = self._node
        try:
            await node.loop.connect_accepted_socket(lambda: Connection(node, guest.endpoint, guest.session), guest.sock)
        except OSError:
            with contextlib.suppress(OSError):
                guest.sock.close()
            node.engine.close_session(guest.session)
