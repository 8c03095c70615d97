"""What every service of the catalogue answers with: JSON, errors in one form, and the headers of all responses."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .database import DatabaseUnavailable
from .products import to_json
from .validation import InvalidRequest

STATIC: Final = Path(__file__).parent / "static"
WATCHER_PAUSE_S: Final = 1.0
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

logger = logging.getLogger(__name__)


def json_response(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:  # noqa: ANN401  (JSON)
    """A value as JSON that nobody keeps."""
    return Response(to_json(value), status, {"Cache-Control": "no-store", **(headers or {})}, "application/json")


def error_response(
    status: int, code: str, message: str, fields: dict[str, str] | None = None, **headers: str
) -> Response:
    """An error as JSON; ``Retry_After`` is the header of that name."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    problem = {"code": code, "message": message, **({"fields": fields} if fields else {})}
    return json_response({"error": problem}, status=status, headers=named)


async def database_unavailable(request: Request, error: Exception) -> Response:
    """503: nothing in the cache, and no database to ask, or too many who ask it."""
    logger.info("%s %s 503 (%s)", request.method, request.url.path, error)
    return error_response(503, cast("DatabaseUnavailable", error).code, f"{error}; try again shortly", Retry_After="1")


async def invalid_request(_request: Request, error: Exception) -> Response:
    """400, 415 or 422, naming the fields."""
    problem = cast("InvalidRequest", error)
    return error_response(problem.status, "invalid_request", str(problem), problem.fields)


async def http_error(_request: Request, error: Exception) -> Response:
    """404, 405, 413: as JSON like every other error."""
    problem = cast("HTTPException", error)
    response = error_response(problem.status_code, "http_error", problem.detail.lower())
    response.headers.update(problem.headers or {})
    return response


async def client_gone(_request: Request, _error: Exception) -> Response:
    """Nobody is left to read this."""
    return Response(status_code=400)


async def server_error(_request: Request, _exception: Exception) -> Response:
    """500 without details; Starlette raises the exception again, and the server logs its traceback."""
    response = error_response(500, "internal_error", "the service failed to answer; its log says why")
    response.headers.update(SECURITY_HEADERS)  # answered outside the middleware that adds them
    return response


async def json_body(request: Request) -> bytes:
    """The body of a write. Asking for JSON's media type also keeps other sites' forms out: they cannot send it."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise InvalidRequest(415, f"the Content-Type must be application/json, got {kind[:80]!r}")
    return await request.body()


class CommonHeaders:
    """Adds the headers that every response carries.

    ``X-Dependencies`` says what the process that answers knows of its cache and database: ``cache=up, database=down``;
    ``dependencies`` makes it.
    """

    def __init__(self, app: ASGIApp, dependencies: Callable[[Starlette], str]) -> None:
        self._app = app
        self._dependencies = dependencies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                headers["X-Dependencies"] = self._dependencies(scope["app"])
            await send(message)

        await self._app(scope, receive, send_with_headers)


Handler = Callable[[Request, Exception], Awaitable[Response]]
EXCEPTION_HANDLERS: Final[Mapping[Any, Handler]] = {
    DatabaseUnavailable: database_unavailable,
    InvalidRequest: invalid_request,
    HTTPException: http_error,
    ClientDisconnect: client_gone,
    Exception: server_error,
}


async def keep_running(watch: Callable[[], Awaitable[None]]) -> None:
    """Run a watcher for ever: one that ended would leave the service blind to its cache or database."""
    while True:
        try:
            await watch()
        except Exception:
            logger.exception("a watcher failed and starts again")
        await asyncio.sleep(WATCHER_PAUSE_S)
