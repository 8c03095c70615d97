"""The catalogue: which key holds which answer, and what a write makes untrue.

A product's details have a key of their own. Lists and searches are too many to name, so their keys carry a stamp: a
random value in a key of its own. Every write unlinks the stamp; the next reader makes a new one, and the old lists are
never asked for again (their TTL removes them). A list is stored under the stamp read before its query, so what a write
overtakes lands under a stamp that nobody has any more.
"""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any, Final

from .aside import Answer, CacheAside, Load
from .cache import UNAVAILABLE, Cache
from .products import Products, Sort, Written
from .settings import KEY_PREFIX

# The 1 is the form of the payloads: a release that changes them counts it up and never meets the old ones.
PRODUCT_PREFIX: Final = KEY_PREFIX + "1:product:"
LIST_PREFIX: Final = KEY_PREFIX + "1:list:"
STAMP_KEY: Final = KEY_PREFIX + "1:lists"
STAMP_TTL_MS: Final = 86_400_000


def product_key(product_id: int) -> str:
    """The key of a product's details."""
    return f"{PRODUCT_PREFIX}{product_id}"


class Catalogue:
    """Cached reads and invalidating writes. ``primary`` is for a caller that has just written (see ``Cache``)."""

    def __init__(self, cache: Cache, aside: CacheAside, products: Products) -> None:
        self._cache = cache
        self._aside = aside
        self._products = products

    async def detail(self, product_id: int, *, primary: bool) -> Answer:
        """One product; the payload is ``ABSENT`` when there is none."""
        return await self._aside.read(
            product_key(product_id), lambda: self._products.detail(product_id), primary=primary
        )

    async def page(self, *, category: str, sort: Sort, page: int, primary: bool) -> Answer:
        """One page of products."""
        name = f"page:{page}:{sort}:{_digest(category)}"
        return await self._listed(name, lambda: self._products.page(category=category, sort=sort, page=page), primary)

    async def search(self, *, text: str, page: int, primary: bool) -> Answer:
        """One page of the products that match."""
        return await self._listed(
            f"search:{page}:{_digest(text)}", lambda: self._products.search(text=text, page=page), primary
        )

    async def create(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Insert a product and invalidate; its row."""
        return await self._invalidated(await self._products.create(fields))

    async def update(self, product_id: int, fields: Mapping[str, Any]) -> dict[str, Any] | None:
        """Change a product and invalidate; its row, or None when there is none."""
        written = await self._products.update(product_id, fields)
        return None if written is None else await self._invalidated(written)

    async def delete(self, product_id: int) -> bool:
        """Delete a product and invalidate; whether there was one."""
        written = await self._products.delete(product_id)
        if written is not None:
            await self._invalidated(written)
        return written is not None

    async def _invalidated(self, written: Written) -> dict[str, Any]:
        keys = dict.fromkeys(product_key(product_id) for product_id in (written.row["id"], *written.neighbour_ids))
        await self._aside.invalidate(STAMP_KEY, *keys, flight_prefix=LIST_PREFIX)
        return written.row

    async def _listed(self, name: str, load: Load, primary: bool) -> Answer:  # noqa: FBT001  (passed through, private)
        stamp = await self._stamp(primary=primary)
        if stamp is None:
            return await self._aside.read_uncached(f"{LIST_PREFIX}uncached:{name}", load)
        return await self._aside.read(f"{LIST_PREFIX}{stamp}:{name}", load, primary=primary)

    async def _stamp(self, *, primary: bool) -> str | None:
        """The lists' stamp, made when there is none; None while the cache is away."""
        stamp = await self._cache.get(STAMP_KEY, primary=primary)
        if stamp is None:
            fresh = secrets.token_hex(8)
            stored = await self._cache.set_if_absent(STAMP_KEY, fresh, STAMP_TTL_MS)
            if stored is True:
                return fresh
            stamp = await self._cache.get(STAMP_KEY, primary=True)  # someone else's, a moment earlier
        return None if stamp is None or stamp is UNAVAILABLE else stamp.decode()


def _digest(text: str) -> str:
    """A short, fixed alphabet for what users type, so that no key holds their words or grows with them."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
