"""The Lambda Runtime API of one environment: what its process asks for events and tells of their results.

Source: "Using the Lambda runtime API" in the Lambda developer guide, version 2018-06-01. Each environment has a port of
its own, since a request does not say which environment it comes from.
"""

import asyncio
import json
import re
from typing import Final

from cachetwin_local.supervise.http.server import HttpConnection, HttpRequest, HttpResponse, HttpSettings

from .invocation import PAYLOAD_MAX, Invocation, Result, response_too_large

__all__ = ["RuntimeApi"]

_NEXT: Final = "/2018-06-01/runtime/invocation/next"
_INIT_ERROR: Final = "/2018-06-01/runtime/init/error"
_OF_INVOCATION: Final = re.compile(r"/2018-06-01/runtime/invocation/([^/]+)/(response|error)")
_BODY_MAX: Final = 8 * PAYLOAD_MAX  # a larger response is refused with the service's error, not by closing
_IDLE_S: Final = 86_400.0  # the process waits for its next event
_JSON: Final = (("Content-Type", "application/json"),)
_UNKNOWN_ERROR: Final = "Function.Unknown"


class RuntimeApi:
    """Serves one environment. `waits` is set while its process waits for an event; the first time it is initialised.

    `init_error` is what the process said of a failed initialisation.
    """

    def __init__(self) -> None:
        self.waits = asyncio.Event()
        self.init_error: Result | None = None
        self._next: asyncio.Future[tuple[Invocation, int]] | None = None
        self._outcome: asyncio.Future[Result] | None = None
        self._request_id = ""
        self._address = ""
        too_large = HttpResponse(413, _JSON, _error("RequestEntityTooLarge", "the payload is too large"))
        self._settings = HttpSettings(self._handle, _BODY_MAX, too_large, _IDLE_S)
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        """Begin to listen. Returns the host and port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: HttpConnection(self._settings), "127.0.0.1", 0)
        self._address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self._address

    def close(self) -> None:
        """Close the port and its connections."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._settings.connections):
            connection.abort()

    def give(self, invocation: Invocation, deadline_ms: int) -> asyncio.Future[Result]:
        """Give the process that waits its next event. The future is what the process answers."""
        waiting = self._next
        if waiting is None or waiting.done():
            raise RuntimeError("the process does not wait for an event")
        self.waits.clear()
        self._request_id = invocation.request_id
        self._outcome = asyncio.get_running_loop().create_future()
        waiting.set_result((invocation, deadline_ms))
        return self._outcome

    async def _handle(self, request: HttpRequest) -> HttpResponse:
        path = request.path
        if request.header("host") != self._address:  # a page in a browser whose name was made to point here
            return HttpResponse(403, _JSON, _error("Forbidden", f"the host must be {self._address}"))
        if request.method == "GET" and path == _NEXT:
            return await self._wait_for_event()
        if request.method == "POST" and path == _INIT_ERROR:
            kind = request.header("lambda-runtime-function-error-type") or _UNKNOWN_ERROR
            self.init_error = Result(request.body, _type_in(request.body) or kind)
            return _accepted()
        match = _OF_INVOCATION.fullmatch(path)
        if match is None or request.method != "POST":
            return HttpResponse(404, _JSON, _error("NotFound", f"no such path: {path}"))
        return self._take(request, match[1], match[2])

    async def _wait_for_event(self) -> HttpResponse:
        self._next = asyncio.get_running_loop().create_future()
        self.waits.set()
        invocation, deadline_ms = await self._next
        headers = [
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(deadline_ms)),
            ("Lambda-Runtime-Invoked-Function-Arn", invocation.function_arn),
        ]
        optional = {
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
            "Lambda-Runtime-Client-Context": invocation.client_context,
            "Lambda-Runtime-Cognito-Identity": invocation.cognito_identity,
        }
        headers += [(name, value) for name, value in optional.items() if value]
        return HttpResponse(200, tuple(headers), invocation.payload)

    def _take(self, request: HttpRequest, request_id: str, kind: str) -> HttpResponse:
        if request_id != self._request_id or self._outcome is None:
            return HttpResponse(400, _JSON, _error("InvalidRequestID", f"no such invocation: {request_id}"))
        if self._outcome.done():
            return HttpResponse(400, _JSON, _error("InvalidStateTransition", "this invocation has its result already"))
        if kind == "error":
            name = request.header("lambda-runtime-function-error-type") or _UNKNOWN_ERROR
            self._outcome.set_result(Result(request.body, name))
            return _accepted()
        if len(request.body) > PAYLOAD_MAX:
            self._outcome.set_result(response_too_large())
            message = f"Exceeded maximum allowed payload size ({PAYLOAD_MAX} bytes)."
            return HttpResponse(413, _JSON, _error("RequestEntityTooLarge", message))
        self._outcome.set_result(Result(request.body))
        return _accepted()


def _accepted() -> HttpResponse:
    return HttpResponse(202, _JSON, b'{"status":"OK"}\n')


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


def _type_in(body: bytes) -> str:
    try:
        document = json.loads(body)
    except ValueError:
        return ""
    return str(document.get("errorType", "")) if isinstance(document, dict) else ""
