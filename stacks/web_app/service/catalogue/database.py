"""PostgreSQL as the service sees it: a pool, bounded waits, and one exception for "not now".

A breaker keeps requests from queueing for a pool that cannot connect: while it is open they fail at once, and ``watch``
tries the database in the background. ``watch`` also prepares the schema, so the service can start before its database.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from psycopg import AsyncConnection, DatabaseError, InterfaceError, OperationalError
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from . import schema
from .breaker import Breaker
from .settings import DatabaseSettings

POOL_SIZE_MIN: Final = 2
POOL_SIZE_MAX: Final = 10
WAIT_TIMEOUT_S: Final = 2.0  # for a connection from the pool
WAITING_COUNT_MAX: Final = 200  # callers that may queue for one
PREPARATION_WAIT_S: Final = 3.0  # for the schema, in the first moments of a process; it takes about one second
STATEMENT_TIMEOUT_MS: Final = 3_000
WATCH_INTERVAL_S: Final = 0.25
HEARTBEAT_INTERVAL_S: Final = 5.0

logger = logging.getLogger(__name__)


class DatabaseUnavailable(Exception):
    """The database cannot answer now; the message says why in words fit for a client."""


class Database:
    """Connections to one database, and whether it is worth asking."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self.address = f"{settings.host}:{settings.port}"
        self.breaker = Breaker(failure_count_max=1)
        self._preparation = asyncio.Event()
        self.query_count = 0
        self._heartbeat_at_s = 0.0
        self._pool: AsyncConnectionPool[AsyncConnection[DictRow]] = AsyncConnectionPool(
            _conninfo(settings),
            kwargs={"row_factory": dict_row},
            min_size=POOL_SIZE_MIN,
            max_size=POOL_SIZE_MAX,
            max_waiting=WAITING_COUNT_MAX,
            timeout=WAIT_TIMEOUT_S,
            reconnect_timeout=10.0,
            open=False,
            name="catalogue",
        )

    @property
    def prepared(self) -> bool:
        """Whether the tables are there."""
        return self._preparation.is_set()

    @property
    def available(self) -> bool:
        """Whether requests may go to the database."""
        return self.prepared and self.breaker.closed

    async def open(self) -> None:
        """Start connecting in the background; returns at once."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close every connection; waits a bounded time for those in use."""
        await self._pool.close(timeout=5.0)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[DictRow]]:
        """A connection whose work is committed when the block ends, rolled back when it raises.

        Raises DatabaseUnavailable at once while the breaker is open, and when no connection comes or one breaks. While the
        tables are being made it waits for them, but not for long.
        """
        if not self.prepared and self.breaker.closed:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._preparation.wait(), PREPARATION_WAIT_S)
        if not self.available:
            raise DatabaseUnavailable(
                "the database is out of reach" if self.prepared else "the database is being prepared"
            )
        async with self._guarded() as connection:
            self.query_count += 1
            yield connection

    async def watch(self) -> None:
        """Prepare the schema, then notice the database going and coming back. Runs until cancelled."""
        while True:
            now_s = time.monotonic()
            if self.breaker.probe_due(now_s) or (self.breaker.closed and now_s >= self._heartbeat_at_s):
                self._heartbeat_at_s = now_s + (HEARTBEAT_INTERVAL_S if self.prepared else WATCH_INTERVAL_S)
                await self._probe()
            await asyncio.sleep(WATCH_INTERVAL_S)

    async def _probe(self) -> None:
        try:
            if not self.breaker.closed:
                await self._pool.check()  # drops the connections that the outage broke
            async with self._guarded() as connection:
                if not self.prepared:
                    await self._prepare(connection)
                await connection.execute("SELECT 1")
        except DatabaseUnavailable:
            return
        except DatabaseError as error:  # no right to create tables, no room: not ours to mend, so say it and try again
            self.breaker.record_failure(time.monotonic())
            logger.error("database %s refused to prepare the catalogue: %s", self.address, _one_line(error))
            return
        if not self.breaker.closed:
            logger.info("database %s answers again", self.address)
        self.breaker.record_success()

    async def _prepare(self, connection: AsyncConnection[DictRow]) -> None:
        started_s = time.monotonic()
        made = await schema.prepare(connection)
        self._preparation.set()
        if made:
            logger.info("made the catalogue's tables and sample data in %.1f s", time.monotonic() - started_s)

    @asynccontextmanager
    async def _guarded(self) -> AsyncIterator[AsyncConnection[DictRow]]:
        try:
            async with self._pool.connection() as connection:
                yield connection
        except TooManyRequests as error:
            raise DatabaseUnavailable("too many requests wait for the database") from error
        except (PoolTimeout, OperationalError, InterfaceError) as error:
            if _is_statement_timeout(error):
                raise DatabaseUnavailable("the database took too long to answer") from error
            if self.breaker.record_failure(time.monotonic()):
                logger.warning("database %s is out of reach: %s", self.address, _one_line(error))
            raise DatabaseUnavailable("the database is out of reach") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _is_statement_timeout(error: Exception) -> bool:
    return getattr(error, "sqlstate", None) == "57014"  # query_canceled: the connection itself is sound


def _conninfo(settings: DatabaseSettings) -> str:
    options = {"sslrootcert": settings.root_cert} if settings.root_cert else {}
    return make_conninfo(
        host=settings.host,
        port=settings.port,
        dbname=settings.name,
        user=settings.user,
        password=settings.password,
        sslmode=settings.sslmode,
        connect_timeout=3,
        application_name="catalogue",
        options=f"-c statement_timeout={STATEMENT_TIMEOUT_MS}",
        tcp_user_timeout=5_000,
        keepalives_idle=30,
        **options,
    )
