"""The catalogue's tables and its sample data: made once, by whichever process comes first.

All is one transaction under one advisory lock, and a row in ``catalogue_schema`` says how far it came. So any number
of processes may start at once, a process that dies half-way leaves nothing, and products that users delete stay
deleted.
"""

from typing import Final

from psycopg import AsyncConnection
from psycopg.rows import DictRow

LOCK_ID: Final = 0x0CA7A10  # any number that no other user of this database takes
REVIEW_COUNT: Final = 250  # per product; with 480 products 120,000 rows, which makes statistics cost some milliseconds

TABLES: Final = """
CREATE TABLE products (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL,
    category    text NOT NULL,
    description text NOT NULL,
    price_cents integer NOT NULL CHECK (price_cents >= 0),
    stock       integer NOT NULL CHECK (stock >= 0),
    version     integer NOT NULL DEFAULT 1,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    document    tsvector GENERATED ALWAYS AS
                (to_tsvector('english', name || ' ' || category || ' ' || description)) STORED
);
CREATE INDEX products_category ON products (category);
CREATE INDEX products_document ON products USING gin (document);
CREATE TABLE reviews (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id bigint NOT NULL REFERENCES products ON DELETE CASCADE,
    rating     smallint NOT NULL CHECK (rating BETWEEN 1 AND 5),
    author     text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX reviews_product ON reviews (product_id);
"""

# A product's average then needs its 250 ratings from the index, and no row of the table.
RATINGS_INDEX: Final = """
CREATE INDEX reviews_product_rating ON reviews (product_id) INCLUDE (rating);
DROP INDEX reviews_product;
"""

# Ratings scatter around a level of the product's own; authors and dates only need to differ. The primes keep the rows
# from repeating in step.
REVIEWS: Final = """
INSERT INTO reviews (product_id, rating, author, created_at)
SELECT p.id,
       greatest(1, least(5, round(
           2.6 + (p.id * 7919 %% 211) / 100.0 + ((p.id * 104729 + n * 15485863) %% 401 - 200) / 110.0))),
       (ARRAY['Ada','Bo','Chidi','Dana','Emre','Fatou','Goran','Hana','Ines','Jun','Kaia'])[1 + (p.id + n * 7) %% 11],
       timestamptz '2026-01-01' - make_interval(hours => ((p.id * 31 + n * 17) %% 8760)::int)
FROM products p CROSS JOIN generate_series(1::bigint, %(review_count)s::bigint) AS n
"""

MATERIALS: Final = ("Oak", "Linen", "Steel", "Cork", "Wool", "Copper", "Bamboo", "Glass")
ITEMS: Final = {
    "Kitchen": ("Kettle", "Chopping Board", "Pepper Mill", "Bread Box", "Fruit Bowl"),
    "Lighting": ("Desk Lamp", "Lantern", "Wall Light", "Pendant", "Night Light"),
    "Desk": ("Pen Tray", "Notebook Stand", "Letter Rack", "Monitor Riser", "Bookend"),
    "Travel": ("Bottle", "Wash Bag", "Luggage Tag", "Passport Case", "Day Pack"),
    "Garden": ("Planter", "Watering Can", "Trowel", "Bird House", "Bench"),
    "Bath": ("Soap Dish", "Towel Rail", "Bath Mat", "Mirror", "Storage Basket"),
    "Play": ("Chess Set", "Puzzle", "Spinning Top", "Building Blocks", "Kite"),
    "Sound": ("Speaker", "Headphone Stand", "Record Shelf", "Tuning Fork", "Wind Chime"),
    "Living": ("Side Table", "Throw", "Cushion", "Magazine Rack", "Clock"),
    "Outdoor": ("Camp Stool", "Fire Bowl", "Hammock", "Picnic Set", "Cool Box"),
    "Craft": ("Loom", "Button Box", "Yarn Bowl", "Thimble Set", "Cutting Mat"),
    "Pets": ("Food Bowl", "Scratching Post", "Lead", "Basket", "Feather Toy"),
}


def sample_products() -> list[tuple[str, str, str, int, int]]:
    """(name, category, description, price_cents, stock) of the sample data, the same on every call: 480 products."""
    rows: list[tuple[str, str, str, int, int]] = []
    for category, items in ITEMS.items():
        for item in items:
            for material in MATERIALS:
                number = len(rows)
                description = (
                    f"{item} of {material.lower()} from our {category.lower()} range, made in small batches. "
                    f"Batch {number % 17 + 1}, repairable, spare parts kept for ten years."
                )
                price_cents = 900 + number * 6151 % 18_000 // 50 * 50
                rows.append((f"{material} {item}", category, description, price_cents, number * 37 % 120))
    return rows


async def prepare(connection: AsyncConnection[DictRow]) -> bool:
    """Bring the tables to the last version: make them with the sample data, or change what an older release made.

    True if this call did something. Takes the advisory lock and commits; a second caller waits for the first and finds
    the work done. The connection is in autocommit mode.
    """
    if await _version(connection) >= len(STEPS):
        return False
    changed = False
    await connection.execute("SET statement_timeout = '120s'")
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_ID,))
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS catalogue_schema"
            " (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        done = await _version(connection)
        for version, step in enumerate(STEPS, start=1):
            if version > done:
                await step(connection)
                await connection.execute("INSERT INTO catalogue_schema (version) VALUES (%s)", (version,))
                changed = True
    if changed:  # not in a transaction; it also marks the pages that an index may answer for alone
        await connection.execute("VACUUM (ANALYZE) products, reviews")
    return changed


async def _version(connection: AsyncConnection[DictRow]) -> int:
    """How far the tables are; 0 when there are none. A role that may only read them can ask."""
    cursor = await connection.execute("SELECT to_regclass('catalogue_schema') IS NOT NULL AS there")
    row = await cursor.fetchone()
    if not (row and row["there"]):
        return 0
    row = await (await connection.execute("SELECT max(version) AS version FROM catalogue_schema")).fetchone()
    return (row and row["version"]) or 0


async def _make_tables(connection: AsyncConnection[DictRow]) -> None:
    await connection.execute(TABLES)
    await connection.cursor().executemany(
        "INSERT INTO products (name, category, description, price_cents, stock) VALUES (%s, %s, %s, %s, %s)",
        sample_products(),
    )
    await connection.execute(REVIEWS, {"review_count": REVIEW_COUNT})


async def _index_ratings(connection: AsyncConnection[DictRow]) -> None:
    await connection.execute(RATINGS_INDEX)


STEPS: Final = (_make_tables, _index_ratings)
"""What leads to each version of the tables, in order. A release adds to the end and changes none."""
