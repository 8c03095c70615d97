"""Endpoints: listening sockets, what they speak, and the connections that came in through them.

Plain sockets are accepted by the event loop. Where TLS is spoken, the endpoint accepts for itself: so each connection
takes the TLS context of its moment (a new certificate needs no new listener), and ``preferred`` can look at the first
byte, still in the kernel, before it decides between TLS and plain text on one port.
"""

import asyncio
import contextlib
import errno
import os
import socket
import ssl
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from cachetwin_engine.server.direct import DirectConnection, DirectSockets
from cachetwin_engine.server.logs import VERBOSE, log
from cachetwin_engine.server.tls.certificate import Certificate
from cachetwin_engine.server.tls.connection import TlsProtocol
from cachetwin_engine.server.tls.contexts import HANDSHAKE_TIMEOUT_SECONDS, TLS_HANDSHAKE_BYTE, TlsMode

ACCEPTS_PER_TURN: Final = 1000
"""Connections accepted before the event loop serves the ones it has; Valkey's MAX_ACCEPTS_PER_CALL."""

SNIFF_SECONDS: Final = 10.0
"""How long a client on a ``preferred`` port may stay silent before it is taken for a plain one: TLS clients speak
first."""

ACCEPT_RETRY_SECONDS: Final = 1.0
"""Pause after the process ran out of file descriptors, instead of asking the kernel again at once."""


class EndpointConnection(Protocol):
    """What an endpoint needs of a connection that came in through it."""

    def close(self) -> None:
        """Close when the client has taken its replies."""


class ListenerNode(Protocol):
    """What an endpoint needs of its node, whichever engine that has."""

    loop: asyncio.AbstractEventLoop
    backlog: int
    certificate: Certificate
    sockets: DirectSockets | None
    """What serves plain connections; None where the event loop does."""

    def new_connection(self, siblings: set[EndpointConnection]) -> DirectConnection:
        """The protocol for a connection; it is one of ``siblings`` while it is open."""

    def count_rejection(self) -> None:
        """A connection was refused: there are too many."""

    def note_endpoints(self, endpoints: "list[Endpoint]") -> None:
        """These are open now."""

    def is_full(self) -> bool:
        """True if one more connection would be over ``maxclients``, counting those in a handshake."""


class ListenError(Exception):
    """An address or path that cannot be listened on; the message says which, why, and what to change."""


def open_tcp(address: str, port: int, backlog: int) -> socket.socket:
    """A listening socket on one address; ``*`` is every IPv4 address, ``::*`` every IPv6 address.

    Raises ListenError.
    """
    host = {"*": "0.0.0.0", "::*": "::"}.get(address, address)  # noqa: S104  (only where the operator asked for it)
    if not host:
        raise ListenError("bind must be addresses, got an empty one")  # to the system it is every interface
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=backlog)
    except OSError as error:
        raise ListenError(f"cannot listen on {address} port {port}: {_advice(error)}") from error


def open_address(address: str, port: int, backlog: int) -> socket.socket | None:
    """``open_tcp`` for one word of ``bind``; None where an address with a leading ``-`` does not exist here."""
    optional = address.startswith("-") and len(address) > 1
    try:
        return open_tcp(address.removeprefix("-") if optional else address, port, backlog)
    except ListenError as error:
        cause = error.__cause__
        if optional and isinstance(cause, OSError) and cause.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
            return None
        raise


def open_unix(path: str, permissions: int | None, backlog: int) -> socket.socket:
    """A listening Unix socket at ``path``, in place of one that an earlier process left there.

    ``permissions`` are the file's mode bits, the umask's when None. Raises ListenError.
    """
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(Path(path).stat().st_mode):
            Path(path).unlink()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # No moment in which the socket is there with wider permissions than asked for.
    umask = os.umask(0o777 & ~permissions) if permissions is not None else None
    try:
        sock.bind(path)
        sock.listen(backlog)
    except OSError as error:
        sock.close()
        raise ListenError(f"cannot listen on unix socket {path!r}: {_advice(error)}") from error
    finally:
        if umask is not None:
            os.umask(umask)
    return sock


def _advice(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "address already in use; another server runs there, choose another with --port or --bind"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address; choose another with --bind"
    if error.errno == errno.EACCES:
        return "not permitted; ports below 1024 need privileges, choose another with --port"
    return (error.strerror or str(error)).partition(" (while attempting")[0].lower()  # of socket.create_server


class Endpoint:
    """One listening socket, open from ``start`` to ``close``."""

    def __init__(self, node: ListenerNode, name: str, sock: socket.socket, tls: TlsMode) -> None:
        self.name = name
        self.tls: TlsMode = tls
        self.connections: set[EndpointConnection] = set()
        self._node = node
        self._sock = sock
        self._name = sock.getsockname()
        self._server: asyncio.AbstractServer | None = None
        self._undecided: dict[socket.socket, asyncio.TimerHandle] = {}
        self._handshakes: set[asyncio.Task[None]] = set()
        self._retry: asyncio.TimerHandle | None = None

    @property
    def address(self) -> str:
        """Where it listens: ``127.0.0.1:6379``, ``[::1]:6379`` or a path."""
        return socket_address(self._name)

    @property
    def descriptor(self) -> int:
        """The listening socket's file descriptor."""
        return self._sock.fileno()

    @property
    def port(self) -> int:
        """Its TCP port; 0 for a Unix socket."""
        name = self._name
        return int(name[1]) if isinstance(name, tuple) else 0

    @property
    def described(self) -> str:
        """As INFO's ``listener`` lines have it: ``name=tcp,bind=127.0.0.1,port=6379``."""
        name = self._name
        if not isinstance(name, tuple):
            return f"name=unix,bind={os.fsdecode(name)}"
        return f"name={'tls' if self.tls == 'required' else 'tcp'},bind={name[0]},port={name[1]}"

    def waiting(self) -> int:
        """Connections accepted here that are no clients yet: silent, or shaking hands."""
        return len(self._undecided) + len(self._handshakes)

    async def start(self) -> None:
        """Begin to accept."""
        self._sock.settimeout(0)
        if self.tls == "off" and self._node.sockets is None:
            factory = self._protocol
            loop = self._node.loop
            backlog = self._node.backlog
            if self._sock.family == socket.AF_UNIX:
                self._server = await loop.create_unix_server(factory, sock=self._sock, backlog=backlog)
            else:
                self._server = await loop.create_server(factory, sock=self._sock, backlog=backlog)
        else:
            self._node.loop.add_reader(self._sock, self._accept)

    def accept_now(self) -> socket.socket | None:
        """A connection that waits here, taken without the event loop; None if none does."""
        try:
            sock, _address = self._sock.accept()
        except OSError:
            return None
        sock.settimeout(0)
        return sock

    def stop_accepting(self) -> None:
        """Close the listening socket; connections stay."""
        if self._server is not None:
            self._server.close()
        else:
            if self._retry is not None:
                self._retry.cancel()
            self._node.loop.remove_reader(self._sock)
            self._sock.close()
        for sock in list(self._undecided):
            self._decided(sock)
            sock.close()
        for task in self._handshakes:
            task.cancel()

    def close(self) -> None:
        """Stop accepting and close every connection that came in here, once it has taken its replies."""
        self.stop_accepting()
        for connection in list(self.connections):
            connection.close()

    def _protocol(self) -> DirectConnection:
        return self._node.new_connection(self.connections)

    def _accept(self) -> None:
        for _ in range(ACCEPTS_PER_TURN):
            try:
                sock, _address = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._pause_accepting(error)
                return
            sock.settimeout(0)
            if self.tls == "off":
                self._adopt(sock, None)
            elif self._node.is_full():
                self._node.count_rejection()
                sock.close()  # a reply in plain text would be noise in a handshake
            elif self.tls == "preferred":
                self._sniff(sock)
            else:
                self._adopt(sock, self._node.certificate.context)

    def _pause_accepting(self, error: OSError) -> None:
        """Out of descriptors or memory: the socket would report itself readable without end."""
        log.warning("cannot accept connections for now", extra={"fields": {"listener": self.name, "error": str(error)}})
        self._node.loop.remove_reader(self._sock)
        self._retry = self._node.loop.call_later(ACCEPT_RETRY_SECONDS, self._resume_accepting)

    def _resume_accepting(self) -> None:
        self._retry = None
        self._node.loop.add_reader(self._sock, self._accept)

    def _sniff(self, sock: socket.socket) -> None:
        loop = self._node.loop
        self._undecided[sock] = loop.call_later(SNIFF_SECONDS, self._take_for_plain, sock)
        loop.add_reader(sock, self._peek, sock)

    def _peek(self, sock: socket.socket) -> None:
        try:
            first = sock.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            first = b""
        self._decided(sock)
        if not first:
            sock.close()
        else:
            self._adopt(sock, self._node.certificate.context if first[0] == TLS_HANDSHAKE_BYTE else None)

    def _take_for_plain(self, sock: socket.socket) -> None:
        self._decided(sock)
        self._adopt(sock, None)

    def _decided(self, sock: socket.socket) -> None:
        self._undecided.pop(sock).cancel()
        self._node.loop.remove_reader(sock)

    def _adopt(self, sock: socket.socket, context: ssl.SSLContext | None) -> None:
        if context is None and self._node.sockets is not None:
            self._node.sockets.open(sock, self._protocol())
            return
        task = self._node.loop.create_task(self._connect(self._protocol, sock, context))
        self._handshakes.add(task)
        task.add_done_callback(self._handshakes.discard)

    async def _connect(
        self, factory: Callable[[], DirectConnection], sock: socket.socket, context: ssl.SSLContext | None
    ) -> None:
        transport: asyncio.Transport | None = None
        loop, sockets = self._node.loop, self._node.sockets
        try:
            if context is None:
                await loop.connect_accepted_socket(factory, sock)
                return
            tls = TlsProtocol(factory, context)
            if sockets is not None:
                transport = sockets.open(sock, tls)
            else:
                transport, _ = await loop.connect_accepted_socket(lambda: tls, sock)
            await asyncio.wait_for(tls.handshake, HANDSHAKE_TIMEOUT_SECONDS)
        except asyncio.CancelledError:  # nobody listens any more
            _close(transport, sock)
            raise
        except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError
            reason = getattr(error, "reason", None) or str(error) or type(error).__name__
            log.log(VERBOSE, "TLS handshake failed", extra={"fields": {"listener": self.name, "reason": reason}})
            _close(transport, sock)


def socket_address(name: object) -> str:
    """A socket's name as Valkey writes addresses: ``ip:port``, ``[ipv6]:port``, or a path with port 0."""
    if isinstance(name, tuple) and len(name) >= 2:
        host, port = name[0], name[1]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return f"{os.fsdecode(name) if isinstance(name, str | bytes) else ''}:0"


def _close(transport: asyncio.Transport | None, sock: socket.socket) -> None:
    if transport is not None:
        transport.abort()
    else:
        sock.close()
