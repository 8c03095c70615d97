"""HTTP: the page, products, a read of many products at once, and what is known of the nodes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final, cast

import anyio
from stacks.web_app.service.catalogue import validation
from stacks.web_app.service.catalogue.database import Database
from stacks.web_app.service.catalogue.products import ABSENT, Products, to_json
from stacks.web_app.service.catalogue.responses import (
    EXCEPTION_HANDLERS,
    CommonHeaders,
    error_response,
    json_body,
    json_response,
    keep_running,
)
from stacks.web_app.service.catalogue.responses import (
    STATIC as SHARED,
)
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from .catalogue import Answer, Catalogue
from .cluster import Cluster
from .settings import Settings

STATIC: Final = Path(__file__).parent / "static"
SWEEP_COUNT_MAX: Final = 480
SWEEP_AT_ONCE: Final = 8


class Shop:
    """The parts of one running service."""

    def __init__(self, settings: Settings) -> None:
        self.cluster = Cluster(settings.cache)
        self.database = Database(settings.database, lambda _keys: None)
        self.products = Products(self.database)
        self.catalogue = Catalogue(self.cluster, self.products, settings.cache.ttl_seconds)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the cluster and the database, and close everything at the end."""
        watchers = [asyncio.create_task(keep_running(watch)) for watch in (self.cluster.watch, self.database.watch)]
        try:
            yield
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)
            self.cluster.close()
            await self.database.close()


def build_app(settings: Settings) -> Starlette:
    """The ASGI application. It starts whether or not its cache and database do."""
    shop = Shop(settings)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.shop = shop
        async with shop.running():
            yield

    return Starlette(
        routes=[
            Route("/", page),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/api/products", list_products),
            Route("/api/products/{id}", show_product, methods=["GET"]),
            Route("/api/products/{id}", change_product, methods=["PATCH"]),
            Route("/api/sweep", sweep),
            Route("/api/nodes", nodes),
            Mount("/static/shared", StaticFiles(directory=SHARED)),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[Middleware(CommonHeaders, dependencies=_dependencies)],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=lifespan,
        max_body_size=64 * 1024,
    )


async def page(_request: Request) -> Response:
    """The page."""
    return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


async def healthz(_request: Request) -> Response:
    """Liveness: the process serves."""
    return json_response({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Readiness: 200 when the database answers. Without nodes the service is slower, not broken."""
    ready = _shop(request).database.available
    return json_response({"status": "ready" if ready else "not ready"}, status=200 if ready else 503)


async def list_products(request: Request) -> Response:
    """A page of products, from the database."""
    number = validation.page_number(request.query_params.get("page", "1"))
    payload = await _shop(request).products.page(category="", sort="rating", page=number)
    return Response(payload, 200, {"Cache-Control": "no-store"}, "application/json")


async def show_product(request: Request) -> Response:
    """One product, and which node or the database answered."""
    product_id = validation.product_id(request.path_params["id"])
    answer = await _shop(request).catalogue.product(product_id)
    envelope = {
        "source": answer.source,
        "cache": answer.state,
        "node": answer.node,
        "latency_ms": round(answer.latency_ms, 3),
    }
    if answer.payload == ABSENT:
        return json_response({**envelope, **_no_such_product(product_id)}, status=404)
    body = to_json(envelope)[:-1] + b',"data":' + answer.payload + b"}"
    return Response(body, 200, {"Cache-Control": "no-store"}, "application/json")


async def change_product(request: Request) -> Response:
    """Some fields of a product."""
    product_id = validation.product_id(request.path_params["id"])
    fields = validation.product_fields(await json_body(request), partial=True)
    row = await _shop(request).catalogue.change(product_id, fields)
    if row is None:
        return error_response(404, "not_found", f"there is no product {product_id}")
    return json_response({"data": row})


async def sweep(request: Request) -> Response:
    """Read the products 1 to ``count`` through the cache, and say what each node had of them."""
    text = request.query_params.get("count", "96")
    count = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    if not 1 <= count <= SWEEP_COUNT_MAX:
        raise validation.InvalidRequest(
            422, "the count is not valid", {"count": f"must be a whole number from 1 to {SWEEP_COUNT_MAX}"}
        )
    shop = _shop(request)
    limiter = anyio.CapacityLimiter(SWEEP_AT_ONCE)

    async def read(product_id: int) -> Answer:
        async with limiter:
            return await shop.catalogue.product(product_id)

    answers = await asyncio.gather(*(read(product_id) for product_id in range(1, count + 1)))
    known = dict.fromkeys([str(node["id"]) for node in shop.cluster.nodes()] + [answer.node for answer in answers])
    return json_response(
        {
            "reads": count,
            "version": shop.cluster.version,
            "nodes": {node: _counts([one for one in answers if one.node == node]) for node in known},
            "median_ms": {source: _median(answers, source) for source in ("cache", "database")},
        }
    )


async def nodes(request: Request) -> Response:
    """The cluster as this process knows it."""
    cluster = _shop(request).cluster
    return json_response({"version": cluster.version, "nodes": cluster.nodes(), "reason": cluster.last_error})


def _counts(answers: list[Answer]) -> dict[str, int]:
    states = [answer.state for answer in answers]
    return {"hits": states.count("hit"), "misses": len(states) - states.count("hit"), "away": states.count("away")}


def _median(answers: list[Answer], source: str) -> float | None:
    values = [answer.latency_ms for answer in answers if answer.source == source]
    return round(median(values), 3) if values else None


def _no_such_product(product_id: int) -> dict[str, Any]:
    return {"error": {"code": "not_found", "message": f"there is no product {product_id}"}}


def _shop(request: Request) -> Shop:
    return cast("Shop", request.app.state.shop)


def _dependencies(app: Starlette) -> str:
    shop = cast("Shop", app.state.shop)
    return f"cache={_state(shop.cluster.available)}, database={_state(shop.database.available)}"


def _state(up: bool) -> str:  # noqa: FBT001  (one value in, one word out)
    return "up" if up else "down"
