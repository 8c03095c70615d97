"""Connections whose sockets are read and written without the event loop's transports.

The loop watches one descriptor for all of them: an epoll object, whose ready sockets ``Pump`` serves. A transport here only
does what is rare: it keeps what the kernel does not take, pauses, and closes. The numbers are in
docs/decisions/0022-sockets-without-transports.md.
"""

import asyncio
import contextlib
import select
import socket
from typing import Final

from cachetwin_engine.receiver import Pump, Receiver

POSSIBLE: Final = hasattr(select, "epoll")
"""Elsewhere (macOS, Windows) all connections are the event loop's."""

_BUFFER_BYTES: Final = 64 * 1024


class DirectConnection(asyncio.Protocol):
    """A connection that a direct transport can serve, and one of the event loop too."""

    __slots__ = ("receiver",)

    receiver: Receiver
    """Where what arrives goes."""


class DirectSockets:
    """The sockets of one node that are served directly."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._epoll = select.epoll()
        self._pump = Pump(self._epoll.poll)
        loop.add_reader(self._epoll.fileno(), self._pump.run)

    def open(self, sock: socket.socket, connection: DirectConnection) -> "DirectTransport":
        """Serve this connected socket, which does not block."""
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = DirectTransport(self, sock, connection)
        connection.connection_made(transport)
        return transport

    def watch(self, descriptor: int, receiver: Receiver, events: int, before: int) -> None:
        """Hear of ``events`` of this socket instead of those ``before``; 0 is none, of its end neither."""
        if not events:
            self._epoll.unregister(descriptor)
            self._pump.receivers.pop(descriptor, None)
        elif before:
            self._epoll.modify(descriptor, events)
        else:
            self._epoll.register(descriptor, events)
            self._pump.receivers[descriptor] = receiver

    def answer(self) -> None:
        """Send the replies that wait for the end of the turn: something is about to take long."""
        self._pump.answer()

    def close(self) -> None:
        """Watch none any more."""
        self.loop.remove_reader(self._epoll.fileno())
        self._epoll.close()


class DirectTransport(asyncio.Transport):
    """The rare side of one socket."""

    def __init__(self, sockets: DirectSockets, sock: socket.socket, connection: DirectConnection) -> None:
        super().__init__()
        self._sockets = sockets
        self._sock = sock
        self._descriptor = sock.fileno()
        self._names = {"sockname": sock.getsockname(), "peername": _peer(sock), "socket": sock}
        self._connection = connection
        self._receiver = connection.receiver
        self._receiver.attach(sock.recv, sock.send, self._on_lost, self._flush)
        self._buffer = bytearray()
        self._high = _BUFFER_BYTES
        self._is_full = False  # the connection was told to pause
        self._is_closing = False
        self._is_closed = False
        self._events = 0
        self._watch()

    def _watch(self) -> None:
        """Hear of what there is to do."""
        events = 0
        if self._receiver.is_reading:
            events = select.EPOLLIN
        if self._buffer:
            events |= select.EPOLLOUT
        if events != self._events:
            self._sockets.watch(self._descriptor, self._receiver, events, self._events)
            self._events = events

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send, and keep what the kernel does not take."""
        if self._is_closed or self._receiver.hold(bytes(data)):
            return
        if self._buffer:
            self._buffer += data
        else:
            self._begin(data)
        if len(self._buffer) > self._high and not self._is_full:
            self._is_full = True
            self._connection.pause_writing()

    def _begin(self, data: bytes | bytearray | memoryview) -> None:
        """Send while there is no backlog; the rest becomes it."""
        if self._is_closed:  # what waited was more than the client may leave
            return
        try:
            sent = self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._close(error)
            return
        if sent < len(data):
            self._buffer += memoryview(data)[sent:]
            self._receiver.has_backlog = True
            self._watch()

    def _flush(self) -> None:
        while self._buffer and not self._is_closed:
            try:
                sent = self._sock.send(self._buffer)
            except (BlockingIOError, InterruptedError):
                break
            except OSError as error:
                self._close(error)
                return
            del self._buffer[:sent]
        if self._is_closed:
            return
        self._receiver.has_backlog = bool(self._buffer)
        self._watch()
        if self._buffer:
            return
        if self._is_closing:
            self._close(None)
        elif self._is_full:
            self._is_full = False
            self._connection.resume_writing()

    def _on_lost(self, error: Exception | None) -> None:
        """The client has ended the connection; without an error it still takes its replies."""
        if error is not None:
            self._close(error)
        elif self._connection.eof_received():
            self.pause_reading()
        else:
            self.close()

    def close(self) -> None:
        """Close when the kernel has taken everything."""
        self._receiver.answer()
        if self._is_closing or self._is_closed:
            return
        self._is_closing = True
        self.pause_reading()
        if not self._buffer:
            self._close(None)

    def abort(self) -> None:
        """Close at once."""
        self._close(None)

    def _close(self, error: Exception | None) -> None:
        if self._is_closed:
            return
        self._is_closing = self._is_closed = True
        if self._events:
            self._sockets.watch(self._descriptor, self._receiver, 0, self._events)
        self._receiver.detach()
        self._sockets.loop.call_soon(self._end, error)

    def _end(self, error: Exception | None) -> None:
        self._connection.connection_lost(error)
        self._sock.close()  # last: its descriptor is what its session is known by

    def is_closing(self) -> bool:
        """Whether it is closed, or is being closed."""
        return self._is_closing

    def pause_reading(self) -> None:
        """Leave what arrives in the kernel."""
        self._receiver.is_reading = False
        if not self._is_closed:
            self._watch()

    def resume_reading(self) -> None:
        """Take it again."""
        if not self._is_closing:
            self._receiver.is_reading = True
            self._watch()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """When to tell the connection that its output is not taken; it goes on when all is taken."""
        self._high = _BUFFER_BYTES if high is None else high

    def get_write_buffer_size(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return len(self._buffer)

    def get_extra_info(self, name: str, default: object = None) -> object:
        """The socket and its names."""
        return self._names.get(name, default)


def _peer(sock: socket.socket) -> object:
    with contextlib.suppress(OSError):  # it is gone already
        return sock.getpeername()
    return ("", 0)
