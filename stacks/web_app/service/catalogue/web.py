"""HTTP: routes, headers, errors. What is cached and how is in ``catalogue.py`` and ``aside.py``."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from . import validation
from .aside import Answer, CacheAside
from .cache import Cache, Endpoint
from .catalogue import LIST_PREFIX, Catalogue
from .database import Database
from .products import ABSENT, SORTS, Products, Sort, to_json
from .responses import EXCEPTION_HANDLERS, STATIC, CommonHeaders, error_response, json_body, json_response, keep_running
from .settings import Settings
from .statistics import Statistics
from .validation import InvalidRequest

BODY_SIZE_MAX: Final = 64 * 1024
WROTE_COOKIE: Final = "catalogue_wrote"
WROTE_COOKIE_AGE_S: Final = (
    3  # far more than a replica lags in the same region, short enough to keep readers on the reader
)
logger = logging.getLogger(__name__)


class Shop:
    """The parts of one running service."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.started_s = time.monotonic()
        self.cache = Cache(settings.cache)
        self.database = Database(settings.database, self._doubt)
        self.statistics = Statistics()
        self._aside = CacheAside(self.cache, settings.cache.ttl_seconds, self.database.tell)
        self.catalogue = Catalogue(self.cache, self._aside, Products(self.database))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connect in the background, watch both dependencies, and close everything at the end."""
        watchers = [asyncio.create_task(keep_running(watch)) for watch in (self.cache.watch, self.database.watch)]
        try:
            yield
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)
            await self.cache.close()
            await self.database.close()

    def _doubt(self, keys: Sequence[str]) -> None:
        self._aside.doubt(keys, flight_prefix=LIST_PREFIX)


def build_app(settings: Settings) -> Starlette:
    """The ASGI application. It starts, and says so, whether or not its cache and database do."""
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
            Route("/api/products", list_products, methods=["GET"]),
            Route("/api/products", create_product, methods=["POST"]),
            Route("/api/products/{id}", show_product, methods=["GET"]),
            Route("/api/products/{id}", change_product, methods=["PUT", "PATCH"]),
            Route("/api/products/{id}", delete_product, methods=["DELETE"]),
            Route("/api/search", search_products),
            Route("/api/stats", stats),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[Middleware(CommonHeaders, dependencies=lambda app: _dependency_header(app.state.shop))],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=lifespan,
        max_body_size=BODY_SIZE_MAX,
    )


# Pages and probes


async def page(_request: Request) -> Response:
    """The page."""
    return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


async def healthz(_request: Request) -> Response:
    """Liveness: the process serves. Dependencies play no part, or an outage of theirs would restart every task."""
    return json_response({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Readiness: 200 when the database answers. The cache may be away: the service is slower without it, not broken."""
    shop = _shop(request)
    ready = shop.database.available
    status = {"status": "ready" if ready else "not ready", **_dependencies(shop)}
    return json_response(status, status=200 if ready else 503)


async def stats(request: Request) -> Response:
    """This process's counts and medians, and the state of both dependencies."""
    shop = _shop(request)
    return json_response(
        {
            **shop.statistics.summary(),
            "database_queries": shop.database.query_count,
            "uptime_seconds": round(time.monotonic() - shop.started_s, 1),
            "ttl_seconds": shop.settings.cache.ttl_seconds,
            **_dependencies(shop),
        }
    )


# The catalogue


async def list_products(request: Request) -> Response:
    """A page of products; ``category``, ``sort`` and ``page`` narrow it."""
    sort = request.query_params.get("sort", "rating")
    if sort not in SORTS:
        raise InvalidRequest(422, "the order is not valid", {"sort": f"must be one of {', '.join(SORTS)}"})
    category = validation.category_name(request.query_params.get("category", ""))
    number = validation.page_number(request.query_params.get("page", "1"))
    answer = await _shop(request).catalogue.page(
        category=category, sort=cast("Sort", sort), page=number, primary=_has_just_written(request)
    )
    return _answer(request, answer)


async def search_products(request: Request) -> Response:
    """Products that match ``q``."""
    text = validation.search_text(request.query_params.get("q", ""))
    number = validation.page_number(request.query_params.get("page", "1"))
    answer = await _shop(request).catalogue.search(text=text, page=number, primary=_has_just_written(request))
    return _answer(request, answer)


async def show_product(request: Request) -> Response:
    """One product with its ratings."""
    product_id = validation.product_id(request.path_params["id"])
    return _answer(request, await _shop(request).catalogue.detail(product_id, primary=_has_just_written(request)))


async def create_product(request: Request) -> Response:
    """A new product from all its fields."""
    fields = validation.product_fields(await json_body(request), partial=False)
    started_s = time.perf_counter()
    row = await _shop(request).catalogue.create(fields)
    response = _written(request, row, started_s, status=201)
    response.headers["Location"] = f"/api/products/{row['id']}"
    return response


async def change_product(request: Request) -> Response:
    """All fields of a product (PUT) or some (PATCH)."""
    product_id = validation.product_id(request.path_params["id"])
    fields = validation.product_fields(await json_body(request), partial=request.method == "PATCH")
    started_s = time.perf_counter()
    row = await _shop(request).catalogue.update(product_id, fields)
    return _no_such_product(product_id) if row is None else _written(request, row, started_s)


async def delete_product(request: Request) -> Response:
    """No product any more."""
    product_id = validation.product_id(request.path_params["id"])
    started_s = time.perf_counter()
    if not await _shop(request).catalogue.delete(product_id):
        return _no_such_product(product_id)
    return _written(request, None, started_s)


# Responses


def _answer(request: Request, answer: Answer) -> Response:
    """A read's payload in its envelope. The payload is already JSON, so a hit is neither parsed nor encoded again."""
    _shop(request).statistics.record(answer)
    found = answer.payload != ABSENT
    envelope: dict[str, Any] = {
        "source": answer.source,
        "cache": answer.cache_state,
        "latency_ms": round(answer.latency_ms, 3),
        "database_ms": round(answer.database_ms, 3),
        "coalesced": answer.coalesced,
    }
    if not found:
        envelope["error"] = {"code": "not_found", "message": "there is no such product"}
    body = to_json(envelope)[:-1] + b',"data":' + answer.payload + b"}"
    timing = f"total;dur={answer.latency_ms:.3f}, db;dur={answer.database_ms:.3f}"
    headers = {
        "X-Cache": answer.cache_state,
        "X-Source": answer.source,
        "Server-Timing": timing,
        "Cache-Control": "no-store",
    }
    logger.info(
        "GET %s %s from %s in %.2f ms (%s)",
        request.url.path,
        200 if found else 404,
        answer.source,
        answer.latency_ms,
        answer.cache_state,
    )
    return Response(body, 200 if found else 404, headers, "application/json")


def _written(request: Request, row: dict[str, Any] | None, started_s: float, status: int = 200) -> Response:
    shop = _shop(request)
    shop.statistics.invalidations += 1
    latency_ms = (time.perf_counter() - started_s) * 1000
    body = {"source": "database", "cache": "invalidated", "latency_ms": round(latency_ms, 3), "data": row}
    response = json_response(body, status=status)
    response.headers["X-Source"] = "database"
    response.headers["Server-Timing"] = f"total;dur={latency_ms:.3f}"
    # For a moment this client's reads go to the primary, whichever task they land on: it sees its own write.
    response.set_cookie(WROTE_COOKIE, "1", max_age=WROTE_COOKIE_AGE_S, httponly=True, samesite="strict", path="/api")
    logger.info("%s %s %d in %.2f ms (invalidated)", request.method, request.url.path, status, latency_ms)
    return response


def _no_such_product(product_id: int) -> Response:
    return error_response(404, "not_found", f"there is no product {product_id}")


# Requests


def _shop(request: Request) -> Shop:
    return cast("Shop", request.app.state.shop)


def _has_just_written(request: Request) -> bool:
    return WROTE_COOKIE in request.cookies


def _dependencies(shop: Shop) -> dict[str, Any]:
    cache, database = shop.cache, shop.database
    return {
        "cache": {
            "status": _state(cache.primary.breaker.closed),
            "address": cache.primary.address,
            **_last_error(cache.primary),
        },
        "reader": {"status": _state(cache.reader.breaker.closed), "address": cache.reader.address},
        "database": {"status": _state(database.available), "address": database.address},
    }


def _dependency_header(shop: Shop) -> str:
    return f"cache={_state(shop.cache.available)}, database={_state(shop.database.available)}"


def _state(up: bool) -> str:  # noqa: FBT001  (one value in, one word out)
    return "up" if up else "down"


def _last_error(endpoint: Endpoint) -> dict[str, str]:
    return {} if endpoint.breaker.closed else {"error": endpoint.last_error}
