"""From the bytes that arrive to what is written: what the shell does for each of them, compiled with the cores.

A transport may call ``receive``. Or the socket's own methods are given to ``attach``, and ``Pump`` serves all sockets that
are ready in one compiled loop: it reads from each of them and answers none before all have been read, as Valkey does. A
client that is answered at once wakes up, and to wake it for each of its many connections costs both sides more than the
writing.
"""

from collections.abc import Callable
from typing import Final, final

from mypy_extensions import i64, trait

SMALL_READ_BYTES: Final = 479
"""Read at first: with its header an object of Python's quick allocator, which ends at 512 bytes."""

LARGE_READ_BYTES: Final = 64 * 1024
"""Read from a socket that had as much as was asked for."""

LARGE_REPLY_BYTES: Final = 64 * 1024
"""A reply that does not wait for other sockets to be read."""

EVENTS_MAX: Final = 256
"""Sockets served before the event loop's turn ends."""

WRITABLE: Final = 4
"""EPOLLOUT; the other events are something to read, or a connection's end."""

Taker = Callable[[bytes], object]


@trait
class SocketSession:
    """What a receiver needs of a session, of whichever engine."""

    needs_shell: bool
    """After ``feed``: it is to be closed, has more to say, or others have output."""

    def feed(self, data: bytes) -> bytes:
        """Take what arrived. Returns the replies to what it completed."""
        raise NotImplementedError


def _nothing(size: int) -> bytes:
    return b""


def _refused(data: bytes) -> int:
    return 0


def _unheard(error: Exception | None) -> object:
    return None


def _idle() -> object:
    return None


def _ignore(data: bytes) -> object:
    return None


@final
class Receiver:
    """One connection's way from the bytes that arrive to its replies."""

    def __init__(self, keep: Taker, settle: Callable[[], object], drop: Callable[[Exception], object]) -> None:
        """``keep`` takes what comes while there is no session, or what a session can't read, as with TLS; ``settle`` is
        called when the session needs its shell, and ``drop`` for an exception, which is a bug here.
        """
        self._keep = keep
        self._settle = settle
        self._drop = drop
        self._session: SocketSession | None = None
        self._write: Taker = keep
        self._recv: Callable[[int], bytes] = _nothing
        self._send: Callable[[bytes], int] = _refused
        self._lost: Callable[[Exception | None], object] = _unheard
        self._flush: Callable[[], object] = _idle
        self._is_attached = False
        self._is_served = False  # it reads, and what it replies waits
        self._read_bytes = SMALL_READ_BYTES
        self._reply = b""  # that waits until all sockets have been read
        self.is_reading = True
        self.has_backlog = False  # of replies that the kernel did not take: further ones go behind them
        self.counts = False  # ``write`` takes all replies: it holds them against a limit

    def begin(self, session: SocketSession) -> None:
        """From now on feed this session."""
        self._session = session

    def write_with(self, write: Taker) -> None:
        """Give to ``write`` what the kernel does not take at once, or every reply where there is no socket."""
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
        self._reply = b""
        self._recv = _nothing
        self._send = _refused
        self._lost = _unheard
        self._flush = _idle

    def end(self) -> None:
        """The connection is gone: let go of it and its session."""
        self._session = None
        self._keep = self._write = _ignore
        self._settle = _idle
        self._drop = _unheard

    def receive(self, data: bytes) -> None:
        """Bytes have arrived; answer now."""
        self._take(data)
        self.answer()

    def _take(self, data: bytes) -> None:
        """Feed the session. Its reply waits for ``answer``, unless it is large or is not the socket's to send."""
        session = self._session
        try:
            if session is None:
                self._keep(data)
                return
            reply = session.feed(data)
        except Exception as bug:  # noqa: BLE001  (any exception is a bug here, and must cost this client only)
            self._drop(bug)
            return
        if reply:
            if self._reply:
                self.answer()
            if not self._is_attached or self.has_backlog or self.counts:
                self._write(reply)
            else:
                self._reply = reply
        if len(reply) > LARGE_REPLY_BYTES:
            self.answer()
        if session.needs_shell:
            self._settle()

    def hold(self, data: bytes) -> bool:
        """Keep what is written while this socket is being served, to go with its reply. False if it must be sent now."""
        if not self._is_served or self.has_backlog or len(self._reply) + len(data) > LARGE_REPLY_BYTES:
            self.answer()
            return False
        self._reply += data
        return True

    def answer(self) -> None:
        """Send the reply that waits, if one does."""
        reply = self._reply
        if not reply:
            return
        self._reply = b""
        try:
            sent = self._send(reply)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._lost(error)
            return
        if sent < len(reply):
            self._is_served = False  # ``hold`` would let what is written next overtake the rest
            self._write(reply[sent:])

    def on_event(self, event: i64) -> bool:
        """The socket has something to read, can be written to, or has ended. Returns whether a reply waits."""
        if event & WRITABLE or not self.is_reading:
            self._flush()
        if event & ~WRITABLE and self.is_reading:
            self._is_served = True
            self._read()
            self._is_served = False
        return len(self._reply) > 0

    def _read(self) -> None:
        wanted = self._read_bytes
        size = 0
        data = b""
        try:
            data = self._recv(wanted)
            size = len(data)
            if size == wanted and wanted < LARGE_READ_BYTES:
                # Not later: a session that ends by what it has read would close a socket with something unread in it, and
                # the client would be told of an error.
                self._read_bytes = LARGE_READ_BYTES
                data += self._recv(LARGE_READ_BYTES)
        except BlockingIOError:
            if not size:
                return
        except OSError as error:
            self._lost(error)
            return
        if size == 0:
            self._lost(None)
            return
        if size < SMALL_READ_BYTES:
            self._read_bytes = SMALL_READ_BYTES
        self._take(data)


@final
class Pump:
    """All sockets that are served by ``Receiver.on_event``, by descriptor."""

    def __init__(self, poll: Callable[[float, int], list[tuple[int, int]]]) -> None:
        """``poll``: that of an epoll object, with a timeout and the most events."""
        self._poll = poll
        self._unanswered: list[Receiver] = []
        self.receivers: dict[int, Receiver] = {}

    def run(self) -> None:
        """Serve those that are ready."""
        unanswered = self._unanswered
        for descriptor, event in self._poll(0.0, EVENTS_MAX):
            receiver = self.receivers.get(descriptor)  # none is one that another's request has closed
            if receiver is not None and receiver.on_event(event):
                unanswered.append(receiver)
        self.answer()

    def answer(self) -> None:
        """Send all replies that wait: at the end of a turn, or before something that keeps the loop busy."""
        unanswered = self._unanswered
        for receiver in unanswered:
            receiver.answer()
        unanswered.clear()
