"""From the bytes that arrive to what is written: what the shell does for each of them, compiled with the core.

A transport may call ``receive``. Or the socket's own methods are given to ``attach``, and ``Pump`` serves all sockets that
are ready in one compiled loop. That takes a tenth of the processor time from a client's request that waits for its answer,
most of which is the kernel's.
"""

from collections.abc import Callable
from typing import Final, final

from mypy_extensions import i64

from cachetwin_engine.memcached.session import Session

SMALL_READ_BYTES: Final = 479
"""Read at first: with its header an object of Python's quick allocator, which ends at 512 bytes."""

LARGE_READ_BYTES: Final = 64 * 1024
"""Read from a socket that had as much as was asked for."""

EVENTS_MAX: Final = 256
"""Sockets served before the event loop's turn ends."""

WRITABLE: Final = 4
"""EPOLLOUT; the other events are something to read, or a connection's end."""

Taker = Callable[[bytes], object]


def _nothing(size: int) -> bytes:
    return b""


def _refused(data: bytes) -> int:
    return 0


def _unheard(error: Exception | None) -> object:
    return None


def _idle() -> object:
    return None


@final
class Receiver:
    """One connection's way from the bytes that arrive to its replies."""

    def __init__(self, keep: Taker, settle: Callable[[Session], object], drop: Callable[[Exception], object]) -> None:
        """``keep`` takes what comes while there is no session; ``settle`` is called for a session that needs its shell,
        and ``drop`` for an exception, which is a bug here.
        """
        self._keep = keep
        self._settle = settle
        self._drop = drop
        self._session: Session | None = None
        self._write: Taker = keep
        self._recv: Callable[[int], bytes] = _nothing
        self._send: Callable[[bytes], int] = _refused
        self._lost: Callable[[Exception | None], object] = _unheard
        self._flush: Callable[[], object] = _idle
        self._is_attached = False
        self._read_bytes = SMALL_READ_BYTES
        self.is_reading = True
        self.has_backlog = False  # of replies that the kernel did not take: further ones go behind them

    def begin(self, session: Session, write: Taker) -> None:
        """From now on feed the session, and write what it replies."""
        self._session = session
        self._write = write

    def attach(
        self,
        recv: Callable[[int], bytes],
        send: Callable[[bytes], int],
        lost: Callable[[Exception | None], object],
        flush: Callable[[], object],
    ) -> None:
        """Serve this socket by ``on_event``: ``lost`` hears of its end, ``flush`` that it takes its backlog again."""
        self._is_attached = True
        self._recv = recv
        self._send = send
        self._lost = lost
        self._flush = flush

    def detach(self) -> None:
        """The socket is closed."""
        self._is_attached = False
        self._recv = _nothing
        self._send = _refused
        self._lost = _unheard
        self._flush = _idle

    def receive(self, data: bytes) -> None:
        """Bytes have arrived."""
        session = self._session
        if session is None:
            self._keep(data)
            return
        try:
            reply = session.feed(data)
        except Exception as bug:  # noqa: BLE001  (any exception is a bug here, and must cost this client only)
            self._drop(bug)
            return
        if reply:
            if self._is_attached and not self.has_backlog:
                self._put(reply)
            else:
                self._write(reply)
        if session.needs_shell:
            self._settle(session)

    def _put(self, reply: bytes) -> None:
        """Give it to the kernel, and the transport what the kernel does not take."""
        try:
            sent = self._send(reply)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._lost(error)
            return
        if sent < len(reply):
            self._write(reply[sent:])

    def on_event(self, event: i64) -> None:
        """The socket has something to read, can be written to, or has ended."""
        if event & WRITABLE or not self.is_reading:
            self._flush()
        if event & ~WRITABLE and self.is_reading:
            self._read()

    def _read(self) -> None:
        wanted = self._read_bytes
        try:
            data = self._recv(wanted)
        except BlockingIOError:
            return
        except OSError as error:
            self._lost(error)
            return
        size = len(data)
        if size == 0:
            self._lost(None)
            return
        if size == wanted:
            self._read_bytes = LARGE_READ_BYTES
        elif size < SMALL_READ_BYTES:
            self._read_bytes = SMALL_READ_BYTES
        self.receive(data)


@final
class Pump:
    """All sockets that are served by ``Receiver.on_event``, by descriptor."""

    def __init__(self, poll: Callable[[float, int], list[tuple[int, int]]]) -> None:
        """``poll``: that of an epoll object, with a timeout and the most events."""
        self._poll = poll
        self.receivers: dict[int, Receiver] = {}

    def run(self) -> None:
        """Serve those that are ready."""
        for descriptor, event in self._poll(0.0, EVENTS_MAX):
            receiver = self.receivers.get(descriptor)
            if receiver is not None:  # none is one that another's request has closed
                receiver.on_event(event)
