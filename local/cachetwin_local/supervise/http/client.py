"""A client of a server on a unix socket or on this machine: whole messages, connections kept for the next request."""

import asyncio
import contextlib
from typing import Final

from cachetwin_local.supervise.http.message import (
    HEAD_BYTES_MAX,
    ChunkedBody,
    ProtocolError,
    ResponseHead,
    UntilCloseBody,
    parse_response_head,
    response_body,
)

__all__ = ["HttpClient", "HttpReply"]

_KEPT_MAX: Final = 64
_CONNECT_S: Final = 5.0


class HttpReply:
    """A response with its whole body."""

    def __init__(self, head: ResponseHead, body: bytes) -> None:
        self.status = head.status_code
        self.fields = head.fields
        self.body = body

    def header(self, name: str) -> str | None:
        """The first field of this name (in lower case), or None."""
        wanted = name.encode()
        return next((f.value.decode("latin-1") for f in self.fields if f.name == wanted), None)


class HttpClient:
    """Sends requests to the unix socket `path`."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._kept: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, target: str, headers: dict[str, str], body: bytes, timeout_s: float) -> HttpReply:
        """The reply to a POST. Raises OSError, EOFError, ProtocolError or TimeoutError; nothing is sent twice."""
        lines = [f"POST {target} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        message = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace") + body
        async with asyncio.timeout(timeout_s):
            while self._kept:
                reader, writer = self._kept.pop()
                if reader.at_eof() or writer.is_closing():
                    writer.close()
                    continue
                return await self._exchange(reader, writer, message)
            async with asyncio.timeout(_CONNECT_S):
                reader, writer = await asyncio.open_unix_connection(self._path, limit=HEAD_BYTES_MAX + 4)
            return await self._exchange(reader, writer, message)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes) -> HttpReply:
        kept = False
        try:
            writer.write(message)
            raw = await reader.readuntil(b"\r\n\r\n")
            head = parse_response_head(raw[:-2])
            body = response_body(head, b"POST")
            if isinstance(body, UntilCloseBody):
                raise ProtocolError("no length")
            content = bytearray()
            while not body.done:
                data = await reader.read(65_536)
                if not data:
                    raise asyncio.IncompleteReadError(bytes(content), None)
                taken = body.take(data)
                content += body.content if isinstance(body, ChunkedBody) else data[:taken]
            if head.keeps_alive and len(self._kept) < _KEPT_MAX:
                self._kept.append((reader, writer))
                kept = True
            return HttpReply(head, bytes(content))
        finally:
            if not kept:
                writer.close()

    async def close(self) -> None:
        """Close the kept connections."""
        while self._kept:
            _reader, writer = self._kept.pop()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
