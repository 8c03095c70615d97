"""Cache-aside against a real cache: what is stored, what is not, and what a write in between undoes."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from stacks.web_app.service.catalogue.aside import CacheAside
from stacks.web_app.service.catalogue.cache import Cache
from stacks.web_app.service.catalogue.settings import CacheSettings
from tests.processes import free_port
from tests.stacks.web_app.conftest import CACHE_PASSWORD, CACHE_USER, CacheServer

KEY = "catalogue:1:product:1"
LOCK = "catalogue:lock:1:product:1"
Scenario = Callable[[Cache, CacheAside], Awaitable[None]]


def run(server: CacheServer, scenario: Scenario, reader_port: int | None = None) -> None:
    settings = CacheSettings(
        host="127.0.0.1",
        port=server.port,
        reader_host="127.0.0.1",
        reader_port=reader_port or server.port,
        tls=False,
        user=CACHE_USER,
        password=CACHE_PASSWORD,
        ttl_seconds=60,
    )

    async def main() -> None:
        cache = Cache(settings)
        try:
            await scenario(cache, CacheAside(cache, settings.ttl_seconds))
        finally:
            await cache.close()

    asyncio.run(main())


def test_an_answer_read_before_a_write_is_not_stored_after_it(cache: CacheServer) -> None:
    async def scenario(_cache: Cache, aside: CacheAside) -> None:
        async def load_while_someone_writes() -> bytes:
            assert await aside.invalidate(KEY, flight_prefix="catalogue:1:list:")
            return b'"old"'

        assert (await aside.read(KEY, load_while_someone_writes)).payload == b'"old"'

    run(cache, scenario)
    assert cache.run("EXISTS", KEY, LOCK) == "0"


def test_a_reader_that_starts_after_a_write_does_not_get_the_answer_from_before_it(cache: CacheServer) -> None:
    async def scenario(_cache: Cache, aside: CacheAside) -> None:
        asked, committed = asyncio.Event(), asyncio.Event()

        async def load_old() -> bytes:
            asked.set()
            await committed.wait()
            return b'"old"'

        async def load_new() -> bytes:
            return b'"new"'

        early = asyncio.ensure_future(aside.read(KEY, load_old))
        await asked.wait()
        await aside.invalidate(KEY, flight_prefix="catalogue:1:list:")
        late = await aside.read(KEY, load_new)
        committed.set()
        assert (await early).payload == b'"old"'
        assert late.payload == b'"new"'
        assert (await aside.read(KEY, load_new)).cache_state == "hit"

    run(cache, scenario)
    assert cache.run("GET", KEY) == '"new"'


def test_a_failed_query_leaves_no_lock(cache: CacheServer) -> None:
    async def scenario(_cache: Cache, aside: CacheAside) -> None:
        async def fail() -> bytes:
            raise LookupError("no database")

        with pytest.raises(LookupError):
            await aside.read(KEY, fail)

    run(cache, scenario)
    assert cache.run("EXISTS", KEY, LOCK) == "0"


def test_whoever_cannot_get_the_lock_takes_the_value_that_its_holder_stores(cache: CacheServer) -> None:
    async def scenario(_cache: Cache, aside: CacheAside) -> None:
        async def never() -> bytes:
            raise AssertionError("the holder's value was there to take")

        cache.run("SET", LOCK, "another process", "PX", "5000")
        follower = asyncio.ensure_future(aside.read(KEY, never))
        await asyncio.to_thread(cache.run, "SET", KEY, '"theirs"', "PX", "5000")
        answer = await follower
        assert (answer.payload, answer.source) == (b'"theirs"', "cache")

    run(cache, scenario)
    assert cache.run("GET", LOCK) == "another process"


def test_a_lock_whose_holder_died_costs_a_bounded_wait_and_the_database_answers(cache: CacheServer) -> None:
    async def scenario(_cache: Cache, aside: CacheAside) -> None:
        async def load() -> bytes:
            return b'"mine"'

        cache.run("SET", LOCK, "a dead process", "PX", "60000")
        answer = await aside.read(KEY, load)
        assert (answer.payload, answer.source) == (b'"mine"', "database")
        assert 900 < answer.latency_ms < 5_000

    run(cache, scenario)
    assert cache.run("GET", LOCK) == "a dead process"
    assert cache.run("EXISTS", KEY) == "0"


def test_reads_go_to_the_reader_and_after_a_write_to_the_primary(cache: CacheServer) -> None:
    replica = CacheServer(cache.folder / "replica", free_port())
    replica.folder.mkdir()
    replica.start()  # no replication: it is as far behind as a replica can be
    try:

        async def scenario(_cache: Cache, aside: CacheAside) -> None:
            async def load() -> bytes:
                raise AssertionError("both servers have a value")

            replica.run("SET", KEY, '"lagging"')
            cache.run("SET", KEY, '"current"')
            assert (await aside.read(KEY, load)).payload == b'"lagging"'
            assert (await aside.read(KEY, load, primary=True)).payload == b'"current"'

        run(cache, scenario, reader_port=replica.port)
    finally:
        replica.stop()


def test_a_full_cache_is_read_but_not_waited_for(cache: CacheServer) -> None:
    async def scenario(client: Cache, aside: CacheAside) -> None:
        async def load() -> bytes:
            return b'"fresh"'

        cache.run("SET", "catalogue:1:product:2", '"kept"')
        cache.run("CONFIG", "SET", "maxmemory", "1")
        for _ in range(5):
            answer = await aside.read(KEY, load)
            assert (answer.payload, answer.cache_state) == (b'"fresh"', "bypass")
        assert client.available
        assert (await aside.read("catalogue:1:product:2", load)).cache_state == "hit"

    run(cache, scenario)
