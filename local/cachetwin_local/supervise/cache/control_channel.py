"""The supervisor's end of a cache node's control channel: JSON lines over a socketpair, listening sockets by
SCM_RIGHTS.

The messages are documented at the node's end, `cachetwin_engine.server.control`.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable, Mapping

from cachetwin_local.errors import UserError

__all__ = ["ControlChannel"]

_ANSWER_DEADLINE_S = 10.0
_LINE_BYTES_MAX = 1_048_576  # INFO of every section is some kilobytes
_SEND_RETRY_S = 0.01

Message = dict[str, object]


class ControlChannel:
    """Talks to one node over `sock`. `inherited` is the node's end, to be passed to it and closed here.

    `on_event` gets what the node reports by itself, after it was ready.
    """

    def __init__(self, on_event: Callable[[Message], None] = lambda _message: None) -> None:
        self._sock, self.inherited = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._sock.setblocking(False)  # noqa: FBT003  (the standard library's signature)
        self._on_event = on_event
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[Message] | None = None
        self._last_id = 0
        self._turn = asyncio.Lock()
        self.version = ""

    async def opened(self) -> None:
        """Return when the node reports that it is ready. Raises ConnectionError when it exits first."""
        self.inherited.close()
        receiving = self._sock.dup()
        receiving.setblocking(False)  # noqa: FBT003  (the standard library's signature)
        self._reader, self._writer = await asyncio.open_connection(sock=receiving, limit=_LINE_BYTES_MAX)
        while (message := await _receive(self._reader)).get("event") != "ready":
            pass
        self.version = str(message.get("version", ""))
        self._reading = asyncio.create_task(self._read(self._reader))

    async def ask(
        self,
        op: str,
        fields: Mapping[str, object] | None = None,
        *,
        descriptor: int | None = None,
        deadline_s: float | None = _ANSWER_DEADLINE_S,
    ) -> Message:
        """Send a request with its `fields`, and `descriptor` if given, and return the node's answer.

        Raises UserError when the node refuses, TimeoutError when it takes too long, ConnectionError when it is gone.
        """
        async with asyncio.timeout(deadline_s), self._turn:
            if self._reading is None or self._reading.done():
                raise ConnectionError("the cache node's control channel is closed")
            self._last_id += 1
            line = json.dumps({"id": self._last_id, "op": op, **(fields or {})}).encode() + b"\n"
            self._answer = asyncio.get_running_loop().create_future()
            try:
                await self._send(line, descriptor)
                answer = await self._answer
            finally:
                self._answer = None
        if not answer.get("ok"):
            reason = str(answer.get("error")).removeprefix(f"{op}: ")
            raise UserError(f"the cache node refused the request {op}: {reason}")
        return answer

    def close(self) -> None:
        """Close the channel; the node then shuts down."""
        self.inherited.close()
        if self._reading is not None:
            self._reading.cancel()
        self._fail(ConnectionError("the cache node's control channel was closed"))
        if self._writer is not None:
            self._writer.close()
        self._sock.close()

    async def _send(self, line: bytes, descriptor: int | None) -> None:
        sent = 0
        while descriptor is not None and sent == 0:
            # the descriptor rides on the first bytes of its own line; a node that hangs may leave no room for them
            try:
                sent = socket.send_fds(self._sock, [line], [descriptor])
            except BlockingIOError:
                await asyncio.sleep(_SEND_RETRY_S)
        await asyncio.get_running_loop().sock_sendall(self._sock, line[sent:])

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                message = await _receive(reader)
                if "event" in message:
                    self._on_event(message)
                elif self._answer is not None and not self._answer.done() and message.get("id") == self._last_id:
                    self._answer.set_result(message)
        except (OSError, ValueError) as error:
            self._fail(error if isinstance(error, ConnectionError) else ConnectionError(str(error)))

    def _fail(self, error: ConnectionError) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
            with contextlib.suppress(asyncio.InvalidStateError):
                self._answer.exception()  # nobody may be waiting for it any more


async def _receive(reader: asyncio.StreamReader) -> Message:
    line = await reader.readline()
    if not line:
        raise ConnectionError("the cache node closed its control channel")
    document = json.loads(line)
    return document if isinstance(document, dict) else {}
