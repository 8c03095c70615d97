"""Calls the functions behind an API, each on its unix socket."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from cachetwin_local.supervise.http.client import HttpClient, HttpReply
from cachetwin_local.supervise.http.message import ProtocolError

from .dialect import Failure

__all__ = ["FunctionCaller", "FunctionFailed"]

_UNAVAILABLE: Final = frozenset({429, 503})


class FunctionFailed(Exception):
    """A function could not be called or failed; `reason` is for the API's log."""

    def __init__(self, failure: Failure, reason: str) -> None:
        super().__init__(reason)
        self.failure = failure
        self.reason = reason


class FunctionCaller:
    """Calls functions by key; `sockets` are their unix sockets."""

    def __init__(self, sockets: Mapping[str, str]) -> None:
        self._clients = {key: HttpClient(path) for key, path in sockets.items()}

    async def call(self, key: str, arn: str, payload: bytes, timeout_s: float, trace_id: str = "") -> bytes:
        """The payload of a function's result. Raises FunctionFailed."""
        reply = await self.invoke(key, arn, payload, timeout_s, {"X-Amzn-Trace-Id": trace_id} if trace_id else {})
        if reply.header("x-amz-function-error"):
            raise FunctionFailed("failed", "the function failed: its log says why")
        return reply.body

    async def invoke(self, key: str, arn: str, payload: bytes, timeout_s: float, headers: dict[str, str]) -> HttpReply:
        """The reply of a function that was invoked, whether or not it failed then. Raises FunctionFailed."""
        client = self._clients.get(key)
        if client is None:
            raise FunctionFailed("broken", f"the function {key} does not run here")
        name = arn[arn.index("arn:") :] if "arn:" in arn else arn
        name = name.rpartition("functions/")[2].removesuffix("/invocations") or name
        target = f"/2015-03-31/functions/{quote(name, safe='')}/invocations"
        try:
            reply = await client.post(target, headers, payload, timeout_s)
        except TimeoutError:
            raise FunctionFailed("late", "the function did not answer in time") from None
        except (OSError, EOFError, ProtocolError) as error:
            raise FunctionFailed("broken", f"the function cannot be called: {error}") from error
        if reply.status in _UNAVAILABLE:
            raise FunctionFailed("busy", "the function is throttled")
        if not 200 <= reply.status < 300:
            raise FunctionFailed("broken", f"the function was not called: {reply.body.decode(errors='replace')[:200]}")
        return reply

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.close()
