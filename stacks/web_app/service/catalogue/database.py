"""PostgreSQL as the service sees it: a pool, bounded waits, and one exception for "not now".

``watch`` keeps a connection of its own, on which it prepares the schema, asks for a sign of life and hears what other
processes tell. When that connection is lost requests fail at once, those under way too, instead of waiting for a server
that does not answer; when it is back they get a new pool. What happens to a request's own connection decides nothing.

Requests wait for a connection in a line of their own (``Gate``), so one that comes to the pool finds a place in it: many
requests at once look like many requests, and only a database that does not answer looks like an outage.
"""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

from psycopg import AsyncConnection, DatabaseError, InterfaceError, OperationalError
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from . import schema
from .limits.deadline import Deadline
from .limits.gate import Busy, Gate
from .settings import DatabaseSettings

POOL_SIZE: Final = 10  # made when the database is reached, not when requests come: the pool grows one at a time
TURN_TIMEOUT_S: Final = 5.0  # in the line for a connection
WAITING_COUNT_MAX: Final = 1_000  # requests in that line
POOL_TIMEOUT_S: Final = 5.0  # for the pool to connect, once it is a request's turn
CONNECT_TIMEOUT_S: Final = 3
STATEMENT_TIMEOUT_MS: Final = 3_000
USE_TIMEOUT_S: Final = 4.0  # of a connection by a request, whatever the server does: longer than a statement may take
PREPARATION_TIMEOUT_S: Final = 150.0
PREPARATION_WAIT_S: Final = 3.0  # for the schema, in the first moments of a process; it takes about one second
HEARTBEAT_INTERVAL_S: Final = 1.0
HEARTBEAT_TIMEOUT_S: Final = 1.0
PAUSE_S_MIN: Final = 0.25
PAUSE_S_MAX: Final = 1.0  # between attempts to connect: one a second harms no database that comes back
CHANNEL: Final = "catalogue_doubt"
NOTICE_SIZE_MAX: Final = 7_000  # PostgreSQL takes less than 8,000 bytes
NOTICE_TRAVEL_S: Final = 0.05

logger = logging.getLogger(__name__)


class DatabaseUnavailable(Exception):
    """The database cannot answer now; the message says why in words fit for a client."""

    code = "database_unavailable"


class DatabaseBusy(DatabaseUnavailable):
    """More is asked of the database than it answers in the time that a request waits. It is not out of reach."""

    code = "busy"


class Database:
    """Connections to one database, and whether it is worth asking.

    ``hear`` is called with the keys that a process could not delete from the cache (see ``tell``).
    """

    def __init__(self, settings: DatabaseSettings, hear: Callable[[Sequence[str]], None]) -> None:
        self.address = f"{settings.host}:{settings.port}"
        self.query_count = 0
        self._conninfo = conninfo(settings)
        self._hear = hear
        self._failed = False
        self._prepared = False
        self._reached = asyncio.Event()
        self._gate = Gate(POOL_SIZE, waiting_max=WAITING_COUNT_MAX, wait_s=TURN_TIMEOUT_S)
        self._in_use: set[Deadline] = set()
        self._pool: AsyncConnectionPool[AsyncConnection[DictRow]] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def available(self) -> bool:
        """Whether requests may go to the database."""
        return self._reached.is_set()

    async def close(self) -> None:
        """Close every connection; waits a bounded time for those in use."""
        self._retire_pool()
        await asyncio.gather(*self._closing)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[DictRow]]:
        """A connection whose work is committed when the block ends, rolled back when it raises.

        Raises DatabaseUnavailable: at once while the database is out of reach, and when a connection does not come, breaks
        or is used for longer than ``USE_TIMEOUT_S``; DatabaseBusy when too many others wait. In the first moments of a
        process it waits for the tables, but not for long.
        """
        if not self._failed and not self.available:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._reached.wait(), PREPARATION_WAIT_S)
        self._require_available()
        try:
            async with self._gate.turn(), self._lent() as connection:
                yield connection
        except Busy:
            raise DatabaseBusy("too many requests wait for the database") from None

    async def tell(self, keys: Sequence[str]) -> None:
        """Tell every process to doubt ``keys`` of the cache. Returns when they should have heard; never raises."""
        try:
            async with self.connection() as connection:
                for notice in notices(keys):
                    await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, notice))
        except DatabaseUnavailable as error:
            logger.warning("the other processes were not told of %d changed keys: %s", len(keys), error)
        else:
            await asyncio.sleep(NOTICE_TRAVEL_S)

    async def watch(self) -> None:
        """Prepare the schema, then notice the database going and coming back. Runs until cancelled."""
        pause_s = PAUSE_S_MIN
        while True:
            try:
                await self._attend()
            except (DatabaseError, InterfaceError, OSError, TimeoutError) as error:
                pause_s = PAUSE_S_MIN if self.available else min(pause_s * 2, PAUSE_S_MAX)
                self._lost(error)
            await asyncio.sleep(pause_s)

    async def _attend(self) -> None:
        """Connect, let requests in, and stay until the connection breaks: raises then."""
        async with asyncio.timeout(CONNECT_TIMEOUT_S + 1):
            connection = await AsyncConnection.connect(self._conninfo, autocommit=True, row_factory=dict_row)
        async with connection:
            with Deadline() as deadline:
                deadline.start(connection, PREPARATION_TIMEOUT_S)
                await self._prepare(connection)
                await connection.execute(f"LISTEN {CHANNEL}")
            await self._renew_pool()
            if self._failed:
                logger.info("database %s answers again", self.address)
            self._failed = False
            self._reached.set()
            while True:
                async for notice in connection.notifies(timeout=HEARTBEAT_INTERVAL_S):
                    self._heard(notice.payload)
                with Deadline() as deadline:
                    deadline.start(connection, HEARTBEAT_TIMEOUT_S)
                    await connection.execute("SELECT 1")

    async def _prepare(self, connection: AsyncConnection[DictRow]) -> None:
        if self._prepared:
            return
        started_s = time.monotonic()
        if await schema.prepare(connection):
            logger.info("made the catalogue's tables and sample data in %.1f s", time.monotonic() - started_s)
        self._prepared = True

    def _lost(self, error: Exception) -> None:
        if self.available or not self._failed:
            refused = isinstance(error, DatabaseError) and not isinstance(error, OperationalError)
            what = "refused to prepare the catalogue" if refused else "is out of reach"
            logger.warning("database %s %s: %s", self.address, what, _one_line(error))
        self._failed = True
        self._reached.clear()
        for deadline in self._in_use:
            deadline.cut()
        self._retire_pool()

    def _heard(self, payload: str) -> None:
        with suppress(ValueError):
            self._hear([str(key) for key in json.loads(payload)])

    async def _renew_pool(self) -> None:
        self._retire_pool()
        self._pool = AsyncConnectionPool(
            self._conninfo,
            kwargs={"row_factory": dict_row},
            min_size=POOL_SIZE,
            max_size=POOL_SIZE,
            timeout=POOL_TIMEOUT_S,
            reconnect_timeout=10.0,
            open=False,
            name="catalogue",
        )
        await self._pool.open(wait=False)

    def _retire_pool(self) -> None:
        """Close the pool in the background, since a server that hangs is slow to part from. Who waits for it fails now."""
        if self._pool is not None:
            task = asyncio.ensure_future(self._pool.close(timeout=5.0))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            self._pool = None

    def _require_available(self) -> None:
        if not self.available:
            raise DatabaseUnavailable(
                "the database is out of reach" if self._failed else "the database is being prepared"
            )

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[AsyncConnection[DictRow]]:
        self._require_available()  # it may have gone while the caller waited for its turn
        if self._pool is None:
            raise RuntimeError("a database that is available has a pool")
        with Deadline() as deadline:
            self._in_use.add(deadline)
            try:
                async with self._pool.connection() as connection:
                    deadline.start(connection, USE_TIMEOUT_S)
                    self.query_count += 1
                    yield connection
            except (OperationalError, InterfaceError) as error:  # the pool's own among them
                if deadline.passed or _is_statement_timeout(error):
                    raise DatabaseUnavailable("the database took too long to answer") from error
                raise DatabaseUnavailable("the database is out of reach") from error
            finally:
                self._in_use.discard(deadline)


def notices(keys: Sequence[str]) -> list[str]:
    """``keys`` as JSON lists, each short enough for one notice."""
    lists: list[list[str]] = [[]]
    size = 0
    for key in keys:
        size += len(json.dumps(key)) + 2
        if size > NOTICE_SIZE_MAX:
            lists.append([])
            size = len(json.dumps(key)) + 2
        lists[-1].append(key)
    return [json.dumps(one) for one in lists]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _is_statement_timeout(error: Exception) -> bool:
    return getattr(error, "sqlstate", None) == "57014"  # query_canceled: the connection itself is sound


def conninfo(settings: DatabaseSettings) -> str:
    """What libpq needs to know, the service's deadlines among it."""
    options = {"sslrootcert": settings.root_cert} if settings.root_cert else {}
    return make_conninfo(
        host=settings.host,
        port=settings.port,
        dbname=settings.name,
        user=settings.user,
        password=settings.password,
        sslmode=settings.sslmode,
        connect_timeout=CONNECT_TIMEOUT_S,
        application_name="catalogue",
        options=f"-c statement_timeout={STATEMENT_TIMEOUT_MS}",
        tcp_user_timeout=5_000,
        keepalives_idle=30,
        **options,
    )
