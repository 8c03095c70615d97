"""TLS in front of PostgreSQL, as RDS has it at its endpoint, for a server that was built without TLS.

A connection begins with PostgreSQL's SSLRequest, answered with ``S`` and a handshake (or, from libpq 17 on, with the
handshake at once, under ALPN ``postgresql``). After that bytes move between the client and the server's unix socket; a
side that does not read pauses the other, so no more than the transports' own buffers are held. A client that asks for
no encryption is refused in the words of ``rds.force_ssl=1``, or let through where that is 0. Message layouts: the
PostgreSQL
manual, "Message Formats".
"""

import asyncio
import contextlib
import errno
import socket
import ssl
import struct
from pathlib import Path
from typing import cast

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


class PostgresRelay:
    """Accepts on `listener` (listening, non-blocking, still the caller's) for the server at `socket_path`.

    `rejected` counts the connections that were closed at once because too many were open.
    """

    def __init__(self, listener: socket.socket, context: ssl.SSLContext, socket_path: Path, *, force_ssl: bool) -> None:
        self.rejected = 0
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
        side.join(server)

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

    def consume(self, packet: bytes) -> asyncio.Transport:
        """Take `packet` off what arrived."""
        del self.received[: len(packet)]
        if self.transport is None:
            raise ConnectionResetError
        return self.transport

    def join(self, server: "_Side") -> None:
        """Relay bytes between this side and `server` from now on."""
        if self._lost or self.transport is None or server.transport is None:
            server.abort()
            return
        self._other, server._other = server, self
        server.transport.write(bytes(self.received))
        if server.received:
            self.transport.write(bytes(server.received))
        self.received.clear()
        self.transport.resume_reading()

    def refuse(self, packet: bytes) -> None:
        """Answer a startup packet as PostgreSQL does where only encrypted connections are allowed."""
        transport = self.consume(packet)
        words = packet[8:].split(b"\0")
        options = dict(zip(words[::2], words[1::2], strict=False))
        user = options.get(b"user", b"").decode("utf-8", "replace")
        database = options.get(b"database", options.get(b"user", b"")).decode("utf-8", "replace")
        host = transport.get_extra_info("peername")[0]
        text = f'no pg_hba.conf entry for host "{host}", user "{user}", database "{database}", no encryption'
        fields = "".join(f"{key}\0" for key in ("SFATAL", "VFATAL", "C28000", f"M{text}")).encode() + b"\0"
        transport.write(b"E" + struct.pack("!I", len(fields) + 4) + fields)
        transport.close()

    def abort(self) -> None:
        """Close it without a reply."""
        if self.transport is not None:
            self.transport.abort()


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
