"""The catalogue's queries. Reads return JSON as it is cached and sent; writes return what they changed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from psycopg import AsyncConnection, sql
from psycopg.rows import DictRow

from .database import Database

Sort = Literal["rating", "name", "price", "-price"]
SORTS: Final[Mapping[Sort, sql.SQL]] = {
    "rating": sql.SQL("rating DESC NULLS LAST, id"),
    "name": sql.SQL("name, id"),
    "price": sql.SQL("price_cents, id"),
    "-price": sql.SQL("price_cents DESC, id"),
}
PAGE_SIZE: Final = 24
ABSENT: Final = b"null"
"""The payload that stands for a product that there is not."""

# A product with its ratings' statistics and its place within its category: the place needs the reviews of every product
# in the category (10,000 rows of the sample data), which is what makes an answer worth keeping. They are read product by
# product from an index that holds the ratings; joined with all reviews at once the same answer takes ten times as long.
DETAIL: Final = """
WITH placed AS (
    SELECT p.id, rated.rating, rated.review_count,
           rank() OVER (ORDER BY rated.rating DESC NULLS LAST) AS category_rank, count(*) OVER () AS category_count
    FROM products p CROSS JOIN LATERAL (
        SELECT avg(rating)::float8 AS rating, count(*) AS review_count FROM reviews WHERE product_id = p.id
    ) AS rated
    WHERE p.category = (SELECT category FROM products WHERE id = %(id)s)
)
SELECT p.id, p.name, p.category, p.description, p.price_cents, p.stock, p.version, p.updated_at,
       round(placed.rating::numeric, 2)::float8 AS rating, placed.review_count,
       placed.category_rank, placed.category_count,
       (SELECT array_agg(coalesce(found.count, 0) ORDER BY stars.n)
          FROM generate_series(1, 5) AS stars (n)
          LEFT JOIN (SELECT rating, count(*) FROM reviews WHERE product_id = p.id GROUP BY rating) AS found
            ON found.rating = stars.n) AS ratings
FROM products p JOIN placed ON placed.id = p.id
WHERE p.id = %(id)s
"""

PAGE: Final = """
SELECT p.id, p.name, p.category, p.price_cents, p.stock, {rank} AS relevance,
       round(rated.rating, 2)::float8 AS rating, rated.review_count, count(*) OVER () AS total
FROM products p CROSS JOIN LATERAL (
    SELECT avg(rating) AS rating, count(*) AS review_count FROM reviews WHERE product_id = p.id
) AS rated
WHERE {where}
ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s
"""
MATCHES: Final = sql.SQL("(p.document @@ websearch_to_tsquery('english', %(text)s) OR p.name ILIKE %(like)s)")
RELEVANCE: Final = sql.SQL(
    "(p.name ILIKE %(like)s)::int + ts_rank(p.document, websearch_to_tsquery('english', %(text)s))"
)
CATEGORIES: Final = "SELECT category AS name, count(*) AS count FROM products GROUP BY category ORDER BY category"


@dataclass(frozen=True, slots=True)
class Written:
    """What a write left behind: the row, and the other products whose place in a category it changed."""

    row: dict[str, Any]
    neighbour_ids: tuple[int, ...]


class Products:
    """The repository. Every method raises DatabaseUnavailable when the database cannot answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def detail(self, product_id: int) -> bytes:
        """One product with its ratings, as JSON; ``ABSENT`` when there is none."""
        async with self._database.connection() as connection:
            row = await (await connection.execute(DETAIL, {"id": product_id})).fetchone()
        return ABSENT if row is None else to_json(row)

    async def page(self, *, category: str, sort: Sort, page: int) -> bytes:
        """``PAGE_SIZE`` products and the list of categories, as JSON. Pages count from 1; "" is every category."""
        where = sql.SQL("p.category = %(category)s") if category else sql.SQL("true")
        query = sql.SQL(PAGE).format(rank=sql.SQL("0"), where=where, order=SORTS[sort])
        values = {"category": category, "limit": PAGE_SIZE, "offset": (page - 1) * PAGE_SIZE}
        async with self._database.connection() as connection:
            rows = await (await connection.execute(query, values)).fetchall()
            categories = await (await connection.execute(CATEGORIES)).fetchall()
        return to_json({**_listing(rows, page), "categories": categories})

    async def search(self, *, text: str, page: int) -> bytes:
        """Products that match ``text`` by word (PostgreSQL's web search syntax) or part of the name, best first."""
        query = sql.SQL(PAGE).format(
            rank=RELEVANCE, where=MATCHES, order=sql.SQL("relevance DESC, rating DESC NULLS LAST, id")
        )
        like = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        values = {"text": text, "like": like, "limit": PAGE_SIZE, "offset": (page - 1) * PAGE_SIZE}
        async with self._database.connection() as connection:
            rows = await (await connection.execute(query, values)).fetchall()
        return to_json({**_listing(rows, page), "query": text})

    async def create(self, fields: Mapping[str, Any]) -> Written:
        """Insert a product with all its fields."""
        query = sql.SQL("INSERT INTO products ({}) VALUES ({}) RETURNING {}").format(
            sql.SQL(", ").join(map(sql.Identifier, fields)), sql.SQL(", ").join(map(sql.Placeholder, fields)), _RETURNED
        )
        async with self._database.connection() as connection:
            row = await (await connection.execute(query, fields)).fetchone()
            if row is None:
                raise RuntimeError("INSERT ... RETURNING gave no row")
            return Written(row, await _neighbours(connection, row["category"]))

    async def update(self, product_id: int, fields: Mapping[str, Any]) -> Written | None:
        """Change the given fields; None when there is no such product."""
        pairs = (sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in fields)
        query = sql.SQL(
            "UPDATE products SET {}, version = version + 1, updated_at = now() WHERE id = %(id)s RETURNING {}"
        )
        async with self._database.connection() as connection:
            before = await (
                await connection.execute("SELECT category FROM products WHERE id = %s FOR UPDATE", (product_id,))
            ).fetchone()
            cursor = await connection.execute(
                query.format(sql.SQL(", ").join(pairs), _RETURNED), {**fields, "id": product_id}
            )
            row = await cursor.fetchone()
            if row is None or before is None:
                return None
            moved = row["category"] != before["category"]
            return Written(row, await _neighbours(connection, row["category"], before["category"]) if moved else ())

    async def delete(self, product_id: int) -> Written | None:
        """Delete a product and its reviews; None when there is no such product."""
        query = sql.SQL("DELETE FROM products WHERE id = %s RETURNING {}").format(_RETURNED)
        async with self._database.connection() as connection:
            row = await (await connection.execute(query, (product_id,))).fetchone()
            return None if row is None else Written(row, await _neighbours(connection, row["category"]))


_RETURNED: Final = sql.SQL("id, name, category, description, price_cents, stock, version, updated_at")


async def _neighbours(connection: AsyncConnection[DictRow], *categories: str) -> tuple[int, ...]:
    cursor = await connection.execute("SELECT id FROM products WHERE category = ANY(%s)", (list(categories),))
    return tuple(row["id"] for row in await cursor.fetchall())


_NOT_SHOWN: Final = frozenset({"total", "relevance"})


def _listing(rows: list[DictRow], page: int) -> dict[str, Any]:
    total = rows[0]["total"] if rows else 0
    products = [{name: value for name, value in row.items() if name not in _NOT_SHOWN} for row in rows]
    return {"products": products, "page": page, "page_size": PAGE_SIZE, "total": total}


def to_json(value: Any) -> bytes:  # noqa: ANN401  (whatever json takes, and datetime)
    """Compact UTF-8 JSON; datetimes in ISO 8601."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_encode).encode()


def _encode(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"no JSON form for {type(value).__name__}")
