"""The supervisor's end of a cache node's control channel: JSON lines over a socketpair, listening sockets by
SCM_RIGHTS.

The messages are documented at the node's end, `cachetwin_engine.server.control`.
"""

import asyncio
import json
import socket

from cachetwin_local.errors import UserError

__all__ = ["ControlChannel"]

_ANSWER_DEADLINE_S = 10.0
_LINE_BYTES_MAX = 1_048_576  # INFO of every section is some kilobytes


class ControlChannel:
    """Talks to one node over `sock`. `inherited` is the node's end, to be passed to it and closed here."""

    def __init__(self) -> None:
        self._sock, self.inherited = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._sock.setblocking(False)  # noqa: FBT003  (the standard library's signature)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._last_id = 0
        self._turn = asyncio.Lock()
        self.version = ""

    async def opened(self) -> None:
        """Return when the node reports that it is ready. Raises ConnectionError when it exits first."""
        self.inherited.close()
        receiving = self._sock.dup()
        receiving.setblocking(False)  # noqa: FBT003  (the standard library's signature)
        self._reader, self._writer = await asyncio.open_connection(sock=receiving, limit=_LINE_BYTES_MAX)
        while (message := await self._receive()).get("event") != "ready":
            pass
        self.version = str(message.get("version", ""))

    async def ask(self, op: str, *, descriptor: int | None = None, **fields: object) -> dict[str, object]:
        """Send a request, with `descriptor` if given, and return the node's answer.

        Raises UserError when the node refuses.
        """
        async with self._turn, asyncio.timeout(_ANSWER_DEADLINE_S):
            self._last_id += 1
            line = json.dumps({"id": self._last_id, "op": op, **fields}).encode() + b"\n"
            await self._send(line, descriptor)
            while (answer := await self._receive()).get("id") != self._last_id:
                pass
        if not answer.get("ok"):
            raise UserError(f"the cache node refused the request {op}: {answer.get('error')}")
        return answer

    def close(self) -> None:
        """Close the channel; the node then shuts down."""
        self.inherited.close()
        if self._writer is not None:
            self._writer.close()
        self._sock.close()

    async def _send(self, line: bytes, descriptor: int | None) -> None:
        loop = asyncio.get_running_loop()
        sent = 0
        if descriptor is not None:
            # the descriptor rides on the first bytes of its own line; the channel is empty, for one request waits at a time
            sent = socket.send_fds(self._sock, [line], [descriptor])
        await loop.sock_sendall(self._sock, line[sent:])

    async def _receive(self) -> dict[str, object]:
        if self._reader is None:
            raise RuntimeError("the control channel was not opened")
        line = await self._reader.readline()
        if not line:
            raise ConnectionError("the cache node closed its control channel")
        document = json.loads(line)
        return document if isinstance(document, dict) else {}
