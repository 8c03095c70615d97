"""``python -m orders.api``: the page, and what it asks: orders, what happens to them, workers and dead letters.

``POST /orders`` with ``{"item": ..., "quantity": ...}`` answers 202 and the order's id, once the replicas have it too;
``GET /orders/{id}`` its state. A client that had no answer, or 503, asks again with the same ``Idempotency-Key``.
"""

import json
import os
import re
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from valkey.exceptions import ValkeyError

from .cache import connect
from .dead_letters import DeadLetters
from .events import Events
from .leaderboard import Leaderboard
from .order_book import OrderBook
from .serving import SecurityHeaders, logger, serve
from .settings import CacheSettings, SettingsError, choice, integer, text

BODY_SIZE_MAX: Final = 16 * 1024
ITEM_LENGTH_MAX: Final = 200
QUANTITY_MAX: Final = 999_999
REPLICAS_PATIENCE_MS: Final = 1_000
RETRY_AFTER_S: Final = 1
STATIC: Final = Path(__file__).parent / "static"
_KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")


class InvalidOrder(Exception):
    """What was sent is no order; the message says why."""


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """What the API is told beside its cache."""

    stream: str
    dead_letters: str
    replicas_min: int
    drills: bool

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> "ApiSettings":
        """Read the variables. Raises SettingsError.

        ``REPLICAS_MIN`` says how many replicas must have an order before it is acknowledged, ``DRILLS`` whether
        workers may be killed from the page.
        """
        env = {"REPLICAS_MIN": "0", "DRILLS": "false", **env}
        stream = text(env, "ENQUEUES")
        return cls(
            stream=stream,
            dead_letters=f"{stream}:dead",
            replicas_min=integer(env, "REPLICAS_MIN", 0, 5),
            drills=choice(env, "DRILLS", ("true", "false")) == "true",
        )


class Api:
    """The handlers of one task, and the parts that they use."""

    def __init__(self, cache: CacheSettings, settings: ApiSettings) -> None:
        self._client = connect(cache)
        self._settings = settings
        self._book = OrderBook(self._client)
        self._leaderboard = Leaderboard(self._client)
        self._letters = DeadLetters(self._client, stream=settings.stream, dead_letters=settings.dead_letters)
        self.events = Events(self._client, self._letters, self._leaderboard)

    @asynccontextmanager
    async def running(self, _app: Starlette) -> AsyncIterator[None]:
        """Close the connections at the end."""
        yield
        await self._client.aclose()

    async def page(self, _request: Request) -> Response:
        """The page."""
        return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})

    async def place(self, request: Request) -> Response:
        """202 for an order that will be done, whoever dies; 503 for one of which that is not known."""
        item, quantity = _order(await _json(request))
        order_id = request.headers.get("idempotency-key") or secrets.token_hex(8)
        if not _KEY.fullmatch(order_id):
            raise InvalidOrder("Idempotency-Key must have 8 to 64 letters, digits, hyphens and underscores")
        await self._book.place(order_id, item, quantity, stream=self._settings.stream)
        if not await self._book.is_safe(
            order_id, replicas=self._settings.replicas_min, patience_ms=REPLICAS_PATIENCE_MS
        ):
            logger.warning("order %s is on too few nodes", order_id)
            return _unavailable()
        return JSONResponse({"order": order_id, "state": "placed"}, 202, {"location": f"/orders/{order_id}"})

    async def show(self, request: Request) -> Response:
        """An order as it stands."""
        order_id = request.path_params["order_id"]
        order = await self._book.find(order_id)
        return _problem(404, f"there is no order {order_id}") if order is None else JSONResponse(order)

    async def listen(self, request: Request) -> Response:
        """Server-sent events."""
        return self.events.response(request) or _unavailable()

    async def state(self, _request: Request) -> Response:
        """How things stand, as the events tell it."""
        return JSONResponse({**await self.events.state(), "drills": self._settings.drills})

    async def send_again(self, request: Request) -> Response:
        """Hand a dead letter's job in again, with another quantity if the body has one."""
        value = await _json(request)
        quantity = _quantity(value["quantity"]) if "quantity" in value else None
        order_id = await self._letters.send_again(request.path_params["letter_id"], quantity)
        if order_id is None:
            return _problem(404, "there is no such dead letter any more")
        return JSONResponse({"order": order_id, "state": "placed"}, 202, {"location": f"/orders/{order_id}"})

    async def kill(self, request: Request) -> Response:
        """Have a worker killed, where drills are allowed."""
        await _json(request)  # a form of another site cannot send JSON
        if not self._settings.drills:
            return _problem(403, "DRILLS is not true: workers are not killed from here")
        worker = request.path_params["worker"]
        if not await self._leaderboard.kill(worker):
            return _problem(404, f"no worker {worker} is alive")
        return JSONResponse({"worker": worker}, 202)

    async def healthz(self, _request: Request) -> Response:
        """The process serves, whether or not the cache does."""
        return JSONResponse({"status": "up"})

    async def readyz(self, _request: Request) -> Response:
        """The cache answers."""
        await self._client.ping()
        return JSONResponse({"status": "ready"})

    async def cache_failed(self, _request: Request, error: Exception) -> Response:
        """Out of reach, out of memory or failing over: nobody knows whether the order was taken."""
        logger.error("the cache did not take it: %s", error)
        await self._client.connection_pool.disconnect(inuse_connections=False)  # a new one leads to the primary
        return _unavailable()


def build_app(cache: CacheSettings, settings: ApiSettings) -> Starlette:
    """The ASGI application. It starts, and says so, whether or not the cache does."""
    api = Api(cache, settings)
    app = Starlette(
        routes=[
            Route("/", api.page),
            Route("/orders", api.place, methods=["POST"]),
            Route("/orders/{order_id:str}", api.show),
            Route("/events", api.listen),
            Route("/state", api.state),
            Route("/dead-letters/{letter_id:str}", api.send_again, methods=["POST"]),
            Route("/workers/{worker:str}/kill", api.kill, methods=["POST"]),
            Route("/healthz", api.healthz),
            Route("/readyz", api.readyz),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        exception_handlers={InvalidOrder: _invalid, HTTPException: _http_error, ValkeyError: api.cache_failed},
        middleware=[Middleware(SecurityHeaders)],
        lifespan=api.running,
        max_body_size=BODY_SIZE_MAX,
    )
    app.state.stop = api.events.stop
    return app


async def _json(request: Request) -> dict[str, Any]:
    """The body's object; {} for a body that is empty. Asking for its type keeps other sites' forms out."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise InvalidOrder("the Content-Type must be application/json")
    try:
        value: Any = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError) as error:
        raise InvalidOrder("the body must be JSON") from error
    if not isinstance(value, dict):
        raise InvalidOrder("the body must be a JSON object")
    return value


def _order(value: dict[str, Any]) -> tuple[str, int]:
    item = value.get("item")
    if not isinstance(item, str) or not 0 < len(item) <= ITEM_LENGTH_MAX or not item.isprintable():
        raise InvalidOrder(f"item must be text of 1 to {ITEM_LENGTH_MAX} printable characters")
    return item, _quantity(value.get("quantity", 1))


def _quantity(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= QUANTITY_MAX:
        raise InvalidOrder(f"quantity must be a whole number from 1 to {QUANTITY_MAX}")
    return value


async def _invalid(_request: Request, error: Exception) -> Response:
    return _problem(400, str(error))


async def _http_error(_request: Request, error: Exception) -> Response:
    """404, 405, 413: as JSON like every other error."""
    assert isinstance(error, HTTPException)  # noqa: S101  (registered for these alone)
    return _problem(error.status_code, error.detail.lower(), dict(error.headers or {}))


def _unavailable() -> Response:
    return _problem(503, "orders cannot be taken now", {"retry-after": str(RETRY_AFTER_S)})


def _problem(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": message}, status, headers)


def main() -> int:
    """Serve until SIGTERM or SIGINT; the exit status: 1 with one line on stderr when the environment is wrong."""
    env = os.environ
    try:
        cache, port = CacheSettings.from_environment(env), integer(env, "PORT", 1, 65535)
        settings = ApiSettings.from_environment(env)
    except SettingsError as error:
        sys.stderr.write(f"orders.api: {error}\n")
        return 1
    app = build_app(cache, settings)
    # A container is reached through the task's own network interface; the security group decides who may.
    return serve(app, env.get("HOST") or "0.0.0.0", port, stop=app.state.stop)  # noqa: S104  (see the comment above)


if __name__ == "__main__":
    sys.exit(main())
