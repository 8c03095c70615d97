"""``python -m orders.api``: takes orders over HTTP, hands their jobs in, and tells of them.

``POST /orders`` with ``{"item": ..., "quantity": ...}`` answers 202 and the order's id; ``GET /orders/{id}`` its state.
"""

import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from valkey.exceptions import ValkeyError

from .cache import connect
from .order_book import OrderBook
from .settings import CacheSettings, SettingsError, integer, text

BODY_SIZE_MAX: Final = 16 * 1024
ITEM_LENGTH_MAX: Final = 200
RETRY_AFTER_S: Final = 5
SHUTDOWN_TIMEOUT_S: Final = 10  # for requests under way; ECS kills a task 30 s after SIGTERM

logger = logging.getLogger(__name__)


class InvalidOrder(Exception):
    """What was sent is no order; the message says why."""


def build_app(settings: CacheSettings, *, stream: str) -> Starlette:
    """The ASGI application. It starts, and says so, whether or not the cache does."""
    client = connect(settings)
    book = OrderBook(client)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await client.aclose()

    async def place(request: Request) -> Response:
        item, quantity = _order(await request.body())
        order_id = await book.place(item, quantity, stream=stream)
        return JSONResponse({"order": order_id, "state": "placed"}, 202, {"location": f"/orders/{order_id}"})

    async def show(request: Request) -> Response:
        order_id = request.path_params["order_id"]
        order = await book.find(order_id)
        return _problem(404, f"there is no order {order_id}") if order is None else JSONResponse(order)

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "up"})

    async def readyz(_request: Request) -> Response:
        await client.ping()
        return JSONResponse({"status": "ready"})

    return Starlette(
        routes=[
            Route("/orders", place, methods=["POST"]),
            Route("/orders/{order_id:str}", show),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
        ],
        exception_handlers={InvalidOrder: _invalid, ValkeyError: _unavailable},
        lifespan=lifespan,
        max_body_size=BODY_SIZE_MAX,
    )


def _order(body: bytes) -> tuple[str, int]:
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidOrder("the body must be JSON") from error
    item = value.get("item") if isinstance(value, dict) else None
    quantity = value.get("quantity", 1) if isinstance(value, dict) else None
    if not isinstance(item, str) or not 0 < len(item) <= ITEM_LENGTH_MAX:
        raise InvalidOrder(f"item must be text of 1 to {ITEM_LENGTH_MAX} characters")
    if not isinstance(quantity, int) or isinstance(quantity, bool) or not 0 < quantity < 1_000_000:
        raise InvalidOrder("quantity must be a whole number from 1 to 999999")
    return item, quantity


async def _invalid(_request: Request, error: Exception) -> Response:
    return _problem(400, str(error))


async def _unavailable(_request: Request, error: Exception) -> Response:
    """Out of reach, or out of memory: the order was not taken, and the caller knows."""
    logger.error("the cache did not take it: %s", error)
    return _problem(503, "orders cannot be taken now", {"retry-after": str(RETRY_AFTER_S)})


def _problem(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": message}, status, headers)


def main() -> int:
    """Serve until SIGTERM or SIGINT; the exit status: 1 with one line on stderr when the environment is wrong."""
    env = os.environ
    try:
        settings, port = CacheSettings.from_environment(env), integer(env, "PORT", 1, 65535)
        app = build_app(settings, stream=text(env, "ENQUEUES"))
    except SettingsError as error:
        sys.stderr.write(f"orders.api: {error}\n")
        return 1
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    config = uvicorn.Config(
        app,
        # A container is reached through the task's own network interface; the security group decides who may.
        host=env.get("HOST") or "0.0.0.0",  # noqa: S104  (see the comment above)
        port=port,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
    )
    # uvicorn raises the signal again once it has stopped; these make that the clean end it is.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _signal, _frame: None)
    server = uvicorn.Server(config)
    server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
