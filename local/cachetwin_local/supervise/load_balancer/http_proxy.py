"""One client connection of a load balancer: HTTP/1.1 in, HTTP/1.1 out, bodies streamed, WebSockets tunnelled.

Sans-IO parsing by h11 on both sides; one target connection is kept with each client connection and used again while
the same target is chosen. Bounds: 64 KB of request line and headers and 60 s without a byte, both as an Application
Load Balancer has them by default (quotas page; ``idle_timeout.timeout_seconds``). What the client gets when a target
fails: 502 when it cannot be reached or breaks off, 503 when there is none, 504 when it does not answer in time.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import h11

from cachetwin_local.supervise.load_balancer.routing import Request
from cachetwin_local.supervise.load_balancer.targets import Targets

__all__ = ["Frontend", "HttpProxy", "Response"]

_HEADER_BYTES_MAX = 65_536
_CHUNK_BYTES = 65_536
_IDLE_S = 60.0
_CONNECT_S = 5.0
_WEBSOCKET_IDLE_S = 3600.0
_REASONS = {400: "Bad Request", 502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}


@dataclass(frozen=True, slots=True)
class Response:
    """A response of the load balancer itself."""

    status_code: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Frontend:
    """A listener's settings for its connections: the protocol and port that clients see, and the route of each request.

    `count` is called with the name of each event, one of CloudWatch's metrics of an Application Load Balancer.
    """

    protocol: str
    port: int
    route: Callable[[Request], Response | Targets]
    count: Callable[[str], None] = lambda _name: None


class _ProxyError(Exception):
    """The exchange failed; `status_code` tells the client, if nothing was sent to it yet."""

    def __init__(self, status_code: int) -> None:
        super().__init__(status_code)
        self.status_code = status_code


class _Peer:
    """A connection and its parser."""

    def __init__(
        self, role: type[h11.CLIENT] | type[h11.SERVER], streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    ) -> None:
        self.parser = h11.Connection(role, max_incomplete_event_size=_HEADER_BYTES_MAX)
        self.reader, self.writer = streams

    async def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        while True:
            event = self.parser.next_event()
            if event is not h11.NEED_DATA:
                return event
            async with asyncio.timeout(_IDLE_S):
                self.parser.receive_data(await self.reader.read(_CHUNK_BYTES))

    async def send(self, event: h11.Event) -> None:
        data = self.parser.send(event)
        if data:
            self.writer.write(data)
            async with asyncio.timeout(_IDLE_S):
                await self.writer.drain()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await self.writer.wait_closed()


class HttpProxy:
    """Serves one client connection until it ends, or until the end of the current exchange once `closing` is set.

    It is `idle` while it waits for a request.
    """

    def __init__(self, front: Frontend, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._front = front
        self._client = _Peer(h11.SERVER, (reader, writer))
        self._target: _Peer | None = None
        self._target_at: tuple[str, int] | None = None
        self._source_ip = str(writer.get_extra_info("peername")[0])
        self.idle = True
        self.closing = False

    async def serve(self) -> None:
        """Serve requests until the client closes, idles or breaks the protocol."""
        try:
            while await self._exchange() and not self.closing:
                self._client.parser.start_next_cycle()
                self.idle = True
        except (OSError, TimeoutError, h11.RemoteProtocolError, h11.LocalProtocolError):
            pass  # the client broke off, or the target did in the middle of an answer: nobody is left to tell
        finally:
            await self._drop_target()
            await self._client.close()

    async def _exchange(self) -> bool:
        """One request and its answer. Returns whether the connection can carry another."""
        try:
            event = await self._client.next_event()
        except h11.RemoteProtocolError:
            await self._answer(_own(400))
            return False
        if not isinstance(event, h11.Request):
            return False
        if sum(len(name) + len(value) for name, value in event.headers) + len(event.target) > _HEADER_BYTES_MAX:
            await self._answer(_own(400))  # as the service answers; h11 bounds only a head that is not complete yet
            return False
        self.idle = False
        self._front.count("RequestCount")
        request = _request(event, self._source_ip)
        route = self._front.route(request)
        try:
            if isinstance(route, Response):
                await self._answer(route)
            else:
                return await self._forward(event, route)
        except _ProxyError as failure:
            await self._drop_target()
            if self._client.parser.our_state is not h11.SEND_RESPONSE:
                return False
            await self._answer(_own(failure.status_code))
        return await self._read_to_end()

    async def _forward(self, request: h11.Request, targets: Targets) -> bool:
        target = await self._connect(targets)
        upload: asyncio.Task[None] | None = None
        try:
            await target.send(self._forwarded(request))
            upload = asyncio.create_task(self._upload(target))
            return await self._download(target, upload)
        except (OSError, h11.RemoteProtocolError, h11.LocalProtocolError) as error:
            status_code = 504 if isinstance(error, TimeoutError) else 502
            raise _ProxyError(status_code) from error
        finally:
            if upload is not None and not upload.done():
                upload.cancel()
                await asyncio.gather(upload, return_exceptions=True)

    async def _upload(self, target: _Peer) -> None:
        while True:
            event = await self._client.next_event()
            if isinstance(event, h11.Data | h11.EndOfMessage):
                await target.send(event)
            if not isinstance(event, h11.Data):
                return

    async def _download(self, target: _Peer, upload: asyncio.Task[None]) -> bool:
        while True:
            event = await target.next_event()
            if isinstance(event, h11.InformationalResponse):
                await self._client.send(event)
                if event.status_code == 101:
                    await upload
                    await self._tunnel(target)
                    return False
            elif isinstance(event, h11.Response):
                self._front.count(f"HTTPCode_Target_{event.status_code // 100}XX_Count")
                await self._client.send(
                    h11.Response(status_code=event.status_code, headers=_kept(event), reason=event.reason)
                )
            elif isinstance(event, h11.Data):
                await self._client.send(event)
            elif isinstance(event, h11.EndOfMessage):
                await self._client.send(event)
                return await self._reusable(target, upload)
            else:
                raise _ProxyError(502)

    async def _reusable(self, target: _Peer, upload: asyncio.Task[None]) -> bool:
        """After an answer: keep the target's connection and the client's where both sides agree."""
        if not upload.done():
            return False  # answered before the body was read: what follows cannot be told from the rest of it
        upload.result()
        if target.parser.our_state is h11.DONE and target.parser.their_state is h11.DONE:
            target.parser.start_next_cycle()
        else:
            await self._drop_target()
        parser = self._client.parser
        return parser.our_state is h11.DONE and parser.their_state is h11.DONE

    async def _tunnel(self, target: _Peer) -> None:
        """Move bytes both ways after a 101, until either side ends."""
        pairs = ((self._client, target), (target, self._client))
        for source, sink in pairs:
            sink.writer.write(source.parser.trailing_data[0])
        pumps = [asyncio.create_task(_pump(source.reader, sink.writer)) for source, sink in pairs]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            await self._drop_target()

    async def _connect(self, targets: Targets) -> _Peer:
        choices = list(targets.round_robin())
        if not choices:
            raise _ProxyError(503)
        if self._target is not None and self._target_at in choices and not self._target.reader.at_eof():
            return self._target
        await self._drop_target()
        for address, port in choices:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_CONNECT_S):
                    streams = await asyncio.open_connection(address, port, limit=_CHUNK_BYTES)
                self._target, self._target_at = _Peer(h11.CLIENT, streams), (address, port)
                return self._target
            self._front.count("TargetConnectionErrorCount")
        raise _ProxyError(502)

    async def _drop_target(self) -> None:
        if self._target is not None:
            target, self._target = self._target, None
            await target.close()

    async def _answer(self, answer: Response) -> None:
        self._front.count(f"HTTPCode_ELB_{answer.status_code // 100}XX_Count")
        headers = [("Server", "awselb/2.0"), *answer.headers, ("Content-Length", str(len(answer.body)))]
        reason = _REASONS.get(answer.status_code, "").encode()
        with contextlib.suppress(h11.LocalProtocolError):
            await self._client.send(h11.Response(status_code=answer.status_code, headers=headers, reason=reason))
            await self._client.send(h11.Data(data=answer.body))
            await self._client.send(h11.EndOfMessage())

    async def _read_to_end(self) -> bool:
        """Read what is left of a request that was answered without a target; too much of it ends the connection."""
        read_bytes = 0
        while self._client.parser.their_state is h11.SEND_BODY and read_bytes < _CHUNK_BYTES:
            event = await self._client.next_event()
            read_bytes += len(event.data) if isinstance(event, h11.Data) else 0
        parser = self._client.parser
        return parser.our_state is h11.DONE and parser.their_state is h11.DONE

    def _forwarded(self, request: h11.Request) -> h11.Request:
        """The request as the target sees it: with the headers the service adds."""
        headers = list(request.headers)
        found = dict(headers)
        added = {
            b"x-forwarded-for": b", ".join(filter(None, [found.get(b"x-forwarded-for"), self._source_ip.encode()])),
            b"x-forwarded-proto": self._front.protocol.lower().encode(),
            b"x-forwarded-port": str(self._front.port).encode(),
        }
        if b"x-amzn-trace-id" not in found:
            added[b"x-amzn-trace-id"] = f"Root=1-{int(time.time()):08x}-{os.urandom(12).hex()}".encode()
        kept = [(name, value) for name, value in headers if name not in added and name not in _HOP_BY_HOP]
        if b"upgrade" in found:
            kept += [(b"connection", b"upgrade"), (b"upgrade", found[b"upgrade"])]
        return h11.Request(method=request.method, target=request.target, headers=kept + list(added.items()))


_HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"upgrade", b"te"})


def _kept(response: h11.Response) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in response.headers if name not in _HOP_BY_HOP]


def _request(event: h11.Request, source_ip: str) -> Request:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers}
    host = headers.get("host", "").rsplit(":", 1)[0] if not headers.get("host", "").endswith("]") else headers["host"]
    return Request(event.method.decode(), event.target.decode("latin-1"), host, source_ip, headers)


def _own(status_code: int) -> Response:
    """The short page the service shows for an error of its own."""
    title = f"{status_code} {_REASONS.get(status_code, 'Error')}"
    page = f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>\r\n"
    return Response(status_code, (("Content-Type", "text/html"),), page.encode())


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        async with asyncio.timeout(_WEBSOCKET_IDLE_S):
            data = await reader.read(_CHUNK_BYTES)
        if not data:
            return
        writer.write(data)
        await writer.drain()
