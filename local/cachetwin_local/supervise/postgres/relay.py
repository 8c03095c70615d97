"""TLS in front of PostgreSQL, as RDS has it at its endpoint, for a server that was built without TLS.

A connection begins with PostgreSQL's SSLRequest, answered with ``S`` and a handshake (or, from libpq 17 on, with the
handshake at once, under ALPN ``postgresql``). After that bytes move between the client and the server's unix socket; a
side that does not read pauses the other, so no more than the transports' own buffers are held. A client that asks for
no encryption is refused in the words of ``rds.force_ssl=1``, or let through where that is 0. Message layouts: the
PostgreSQL
manual, "Message Formats".

The relay also checks IAM tokens. The server lets members of `rds_iam` in without a password at its unix socket, so a
connection that it accepts at once is one of theirs: the relay asks the client for a token before it passes that on.
"""

import asyncio
import contextlib
import errno
import socket
import ssl
import struct
import sys
import time
from pathlib import Path
from typing import cast

from cachetwin_local.supervise.postgres.tokens import RefusedToken, TokenLogins

__all__ = ["PostgresRelay"]

_CANCEL_REQUEST = 80877102
_SSL_REQUEST = 80877103
_GSSENC_REQUEST = 80877104
_STARTUP_BYTES_MAX = 10_000  # MAX_STARTUP_PACKET_LENGTH in PostgreSQL's pqcomm.h
_HANDSHAKE_S = 10.0
_CONNECTIONS_MAX = 500
_ACCEPT_RETRY_S = 0.1
_PASSING_ERRORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ECONNABORTED})
_TLS_HANDSHAKE = b"\x16"
_AUTHENTICATION_OK = b"R" + struct.pack("!II", 8, 0)
_ASK_FOR_PASSWORD = b"R" + struct.pack("!II", 8, 3)
_NEGOTIATE_VERSION = b"v"
_PASSWORD = b"p"


class PostgresRelay:
    """Accepts on `listener` (listening, non-blocking, still the caller's) for the server at `socket_path`.

    `rejected` counts the connections that were closed at once because too many were open. `tokens` is what IAM tokens are
    checked against, or None where passwords alone are accepted.
    """

    def __init__(
        self,
        listener: socket.socket,
        context: ssl.SSLContext,
        socket_path: Path,
        *,
        force_ssl: bool,
        tokens: TokenLogins | None = None,
    ) -> None:
        self.rejected = 0
        self.tokens = tokens
        self.context = context
        self.context.set_alpn_protocols(["postgresql"])
        self.socket_path = socket_path
        self.force_ssl = force_ssl
        self.sides: set[_Side] = set()
        self._listener = listener
        self._handshakes: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        """How many are open, or being opened."""
        return len(self._handshakes) + len(self.sides) // 2

    async def stop(self) -> None:
        """Drop every connection; `accept` must have been cancelled."""
        tasks = list(self._handshakes)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for side in list(self.sides):
            side.abort()

    async def accept(self) -> None:
        """Accept connections until cancelled. Where no descriptor is left, wait until some are closed."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _address = await loop.sock_accept(self._listener)
            except OSError as error:
                if error.errno not in _PASSING_ERRORS:
                    raise
                await asyncio.sleep(_ACCEPT_RETRY_S)
                continue
            if self.connections >= _CONNECTIONS_MAX:
                self.rejected += 1
                client.close()
                continue
            task = asyncio.create_task(self._serve(client))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _serve(self, client: socket.socket) -> None:
        client.setblocking(False)  # noqa: FBT003  (the standard library's signature)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        side = _Side(self)
        with contextlib.suppress(OSError, TimeoutError):
            try:
                await asyncio.wait_for(self._handshake(client, side), _HANDSHAKE_S)
            except BaseException:
                side.abort()
                client.close()
                raise

    async def _handshake(self, client: socket.socket, side: "_Side") -> None:
        """Negotiate until bytes only need to be relayed, or answer and close."""
        loop = asyncio.get_running_loop()
        direct = await _first_byte(client) == _TLS_HANDSHAKE
        await loop.connect_accepted_socket(lambda: side, client, ssl=self.context if direct else None)
        if not direct and not await self._negotiate(side):
            return
        server = _Side(self)
        await loop.create_unix_connection(lambda: server, str(self.socket_path))
        try:
            if self.tokens is None or await self._authenticate(side, server):
                side.join(server)
        except BaseException:
            server.abort()
            raise

    async def _authenticate(self, side: "_Side", server: "_Side") -> bool:
        """Pass the startup packet on; where the server asks for no password, check a token. False: refused and closed."""
        packet = await side.startup_packet()
        side.consume(packet)
        server.write(packet)
        if struct.unpack("!I", packet[4:8])[0] == _CANCEL_REQUEST:
            return True
        while (message := await server.message())[:1] == _NEGOTIATE_VERSION:
            server.consume(message)
            side.write(message)
        if message != _AUTHENTICATION_OK:
            return True
        user = _startup_option(packet, b"user")
        if side.is_encrypted:
            side.write(_ASK_FOR_PASSWORD)
            answer = await side.message()
            side.consume(answer)
            if self._is_allowed(user, answer):
                return True
            side.fail("28000", f'PAM authentication failed for user "{user}"')
        else:
            side.refuse(packet)
        server.abort()
        return False

    def _is_allowed(self, user: str, answer: bytes) -> bool:
        """Whether the message `answer` has a token that logs in as `user`; the log has the reason where not."""
        if self.tokens is None or answer[:1] != _PASSWORD:
            return False
        try:
            self.tokens.check(user, answer[5:-1].decode("utf-8", "replace"), time.time())
        except RefusedToken as refusal:
            sys.stderr.write(f"[cachetwin] IAM login of user {user} refused: {refusal}\n")
            return False
        return True

    async def _negotiate(self, side: "_Side") -> bool:
        while True:
            packet = await side.startup_packet()
            code = struct.unpack("!I", packet[4:8])[0]
            if code == _GSSENC_REQUEST:
                side.consume(packet).write(b"N")
            elif code == _SSL_REQUEST:
                await self._encrypt(side, packet)
                return True
            elif code == _CANCEL_REQUEST or not self.force_ssl:
                return True
            else:
                side.consume(packet)
                side.refuse(packet)
                return False

    async def _encrypt(self, side: "_Side", request: bytes) -> None:
        transport = side.consume(request)
        if side.received:
            raise ConnectionAbortedError("bytes in the clear behind an SSLRequest (CVE-2021-23222)")
        transport.pause_reading()
        transport.write(b"S")
        loop = asyncio.get_running_loop()
        encrypted = await loop.start_tls(transport, side, self.context, server_side=True)
        side.transport = cast("asyncio.Transport", encrypted)


class _Side(asyncio.Protocol):
    """One side of a connection: the client's or the server's."""

    def __init__(self, relay: PostgresRelay) -> None:
        self.transport: asyncio.Transport | None = None
        self.received = bytearray()
        self._relay = relay
        self._other: _Side | None = None
        self._arrived = asyncio.Event()
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._relay.sides.add(self)

    def data_received(self, data: bytes) -> None:
        if self._other is not None and self._other.transport is not None:
            self._other.transport.write(data)
            return
        self.received += data
        self._arrived.set()
        if len(self.received) > _STARTUP_BYTES_MAX and self.transport is not None:
            self.transport.pause_reading()

    def connection_lost(self, _error: Exception | None) -> None:
        self._lost = True
        self._arrived.set()
        self._relay.sides.discard(self)
        if self._other is not None and self._other.transport is not None:
            # a database connection has no half-closed state: either side's end is the end of both
            self._other.transport.close()

    def pause_writing(self) -> None:
        if self._other is not None and self._other.transport is not None:
            self._other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self._other is not None and self._other.transport is not None:
            self._other.transport.resume_reading()

    async def startup_packet(self) -> bytes:
        """The first whole packet that arrived, left where it is."""
        while True:
            if self._lost:
                raise ConnectionResetError
            if len(self.received) >= 8:
                length = struct.unpack("!I", self.received[:4])[0]
                if not 8 <= length <= _STARTUP_BYTES_MAX:
                    raise ConnectionAbortedError(f"startup packet of {length} bytes")
                if len(self.received) >= length:
                    return bytes(self.received[:length])
            self._arrived.clear()
            await self._arrived.wait()

    async def message(self) -> bytes:
        """The first whole message behind the startup packet that arrived, left where it is."""
        while True:
            if len(self.received) >= 5:
                length = struct.unpack("!I", self.received[1:5])[0]
                if not 4 <= length <= _STARTUP_BYTES_MAX:
                    raise ConnectionAbortedError(f"message of {length} bytes before the login")
                if len(self.received) > length:
                    return bytes(self.received[: length + 1])
            if self._lost:
                raise ConnectionResetError
            self._arrived.clear()
            await self._arrived.wait()

    @property
    def is_encrypted(self) -> bool:
        """Whether the client speaks TLS."""
        return self.transport is not None and self.transport.get_extra_info("ssl_object") is not None

    def write(self, data: bytes) -> None:
        """Send `data` to this side. Raises ConnectionResetError when it is gone."""
        if self.transport is None or self._lost:
            raise ConnectionResetError
        self.transport.write(data)

    def consume(self, packet: bytes) -> asyncio.Transport:
        """Take `packet` off what arrived."""
        del self.received[: len(packet)]
        if self.transport is None:
            raise ConnectionResetError
        return self.transport

    def join(self, server: "_Side") -> None:
        """Relay bytes between this side and `server` from now on; where one of them is gone, close the other."""
        if self._lost or self.transport is None or server.transport is None:
            server.abort()
            return
        if server._lost:
            self.transport.write(bytes(server.received))  # its last words may say why
            self.transport.close()
            return
        self._other, server._other = server, self
        server.transport.write(bytes(self.received))
        if server.received:
            self.transport.write(bytes(server.received))
        self.received.clear()
        self.transport.resume_reading()

    def refuse(self, packet: bytes) -> None:
        """Answer a startup packet as PostgreSQL does where only encrypted connections are allowed, and close."""
        user = _startup_option(packet, b"user")
        database = _startup_option(packet, b"database") or user
        host = self.transport.get_extra_info("peername")[0] if self.transport is not None else ""
        self.fail(
            "28000", f'no pg_hba.conf entry for host "{host}", user "{user}", database "{database}", no encryption'
        )

    def fail(self, code: str, text: str) -> None:
        """Send an error that ends the connection, and close."""
        fields = "".join(f"{key}\0" for key in ("SFATAL", "VFATAL", f"C{code}", f"M{text}")).encode() + b"\0"
        self.write(b"E" + struct.pack("!I", len(fields) + 4) + fields)
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Close it without a reply."""
        if self.transport is not None:
            self.transport.abort()


def _startup_option(packet: bytes, name: bytes) -> str:
    """An option of a startup packet; empty where it has none."""
    words = packet[8:].split(b"\0")
    return dict(zip(words[::2], words[1::2], strict=False)).get(name, b"").decode("utf-8", "replace")


async def _first_byte(client: socket.socket) -> bytes:
    """The first byte the client sends, left in the socket."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(client, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(client)
    return client.recv(1, socket.MSG_PEEK)
