"""The pool, its line and its deadlines, against a real PostgreSQL."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import pytest
from stacks.web_app.service.catalogue import database as module
from stacks.web_app.service.catalogue.database import Database, DatabaseBusy, DatabaseUnavailable
from stacks.web_app.service.catalogue.settings import DatabaseSettings
from tests.stacks.web_app.conftest import Postgres

Scenario = Callable[[Database, list[str]], Awaitable[None]]


def run(postgres: Postgres, name: str, scenario: Scenario) -> None:
    settings = DatabaseSettings("127.0.0.1", postgres.port, name, "shop", "not asked for", "disable", "")

    async def main() -> None:
        heard: list[str] = []

        def hear(keys: Sequence[str]) -> None:
            heard.extend(keys)

        database = Database(settings, hear)
        watching = asyncio.ensure_future(database.watch())
        try:
            await until(lambda: database.available)
            await scenario(database, heard)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await database.close()

    asyncio.run(main())


async def until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end_s
        await asyncio.sleep(0.02)


class Holders:
    """Callers who keep a connection until they are let go."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.inside = 0
        self.over = asyncio.Event()

    async def hold(self) -> None:
        async with self.database.connection() as connection:
            await connection.execute("SELECT 1")
            self.inside += 1
            await self.over.wait()


def test_callers_wait_for_a_full_pool_longer_than_for_one_that_cannot_connect(
    postgres: Postgres, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TURN_TIMEOUT_S", 60.0)
    monkeypatch.setattr(module, "USE_TIMEOUT_S", 60.0)

    async def scenario(found: Database, _heard: list[str]) -> None:
        holders = Holders(found)
        callers = [asyncio.ensure_future(holders.hold()) for _ in range(40)]
        await until(lambda: holders.inside == module.POOL_SIZE)
        await asyncio.sleep(module.POOL_TIMEOUT_S + 0.5)
        holders.over.set()
        await asyncio.gather(*callers)
        assert found.available

    run(postgres, database, scenario)


def test_who_waits_too_long_for_a_full_pool_is_told_that_it_is_busy_and_the_database_stays_up(
    postgres: Postgres, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TURN_TIMEOUT_S", 0.2)

    async def scenario(found: Database, _heard: list[str]) -> None:
        holders = Holders(found)
        callers = [asyncio.ensure_future(holders.hold()) for _ in range(module.POOL_SIZE)]
        await until(lambda: holders.inside == module.POOL_SIZE)
        with pytest.raises(DatabaseBusy):
            await holders.hold()
        assert found.available
        holders.over.set()
        await asyncio.gather(*callers)
        await holders.hold()

    run(postgres, database, scenario)


def test_a_connection_is_used_for_a_bounded_time_whatever_the_server_does(
    postgres: Postgres, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "USE_TIMEOUT_S", 0.3)

    async def scenario(found: Database, _heard: list[str]) -> None:
        async def sleep() -> None:
            async with found.connection() as connection:
                await connection.execute("SET statement_timeout = 0")
                await connection.execute("SELECT pg_sleep(60)")

        with pytest.raises(DatabaseUnavailable, match="too long"):
            await sleep()
        assert found.available
        async with found.connection() as connection:
            await connection.execute("SELECT 1")

    run(postgres, database, scenario)


def test_what_a_process_tells_is_heard_by_the_others(postgres: Postgres, database: str) -> None:
    keys = [f"catalogue:1:product:{number}" for number in range(700)]

    async def scenario(one: Database, heard: list[str]) -> None:
        await one.tell(keys)
        await until(lambda: len(heard) >= len(keys))
        assert heard == keys

    run(postgres, database, scenario)
