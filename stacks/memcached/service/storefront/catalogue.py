"""Cache-aside over the cluster: ask the key's node; on a miss ask the database, store the answer for a while, answer.

A write marks the key as changed, for longer than any fill takes. A fill adds its value, which the mark refuses: so what
was read before the write is not stored after it.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from stacks.web_app.service.catalogue.limits.flights import Flights
from stacks.web_app.service.catalogue.products import ABSENT, Products

from .cluster import Cluster, State

PREFIX: Final = "storefront:1:product:"
ABSENT_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """A product as JSON, or ``ABSENT``; where it came from, the node that has its key, and what it took."""

    payload: bytes
    source: Literal["cache", "database"]
    state: State
    node: str
    latency_ms: float


class Catalogue:
    """Cached reads of products, and changes of them."""

    def __init__(self, cluster: Cluster, products: Products, ttl_seconds: int) -> None:
        self._cluster = cluster
        self._products = products
        self._ttl_seconds = ttl_seconds
        self._flights: Flights[bytes] = Flights()

    async def product(self, product_id: int) -> Answer:
        """One product. Raises DatabaseUnavailable where neither its node nor the database answers."""
        started_s = time.perf_counter()
        key = f"{PREFIX}{product_id}"
        found = await self._cluster.get(key)
        if found.state == "hit":
            return Answer(found.value, "cache", "hit", found.node, _ms_since(started_s))
        payload, leads = await self._flights.join(key, lambda: self._products.detail(product_id))
        if leads and found.state == "miss":
            await self._cluster.add(key, payload, ABSENT_SECONDS if payload == ABSENT else self._ttl_seconds)
        return Answer(payload, "database", found.state, found.node, _ms_since(started_s))

    async def change(self, product_id: int, fields: Mapping[str, Any]) -> dict[str, Any] | None:
        """Change a product; its row, or None when there is none."""
        written = await self._products.update(product_id, fields)
        if written is None:
            return None
        for changed_id in (product_id, *written.neighbour_ids):
            key = f"{PREFIX}{changed_id}"
            self._flights.forget(key)
            await self._cluster.invalidate(key)
        return written.row


def _ms_since(started_s: float) -> float:
    return (time.perf_counter() - started_s) * 1000
