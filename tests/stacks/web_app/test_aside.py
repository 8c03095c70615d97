"""Cache-aside against a real cache: what is stored, what is not, and what a write in between undoes."""

import asyncio
import gc
import itertools
import signal
import time
import warnings
from collections.abc import Awaitable, Callable, Sequence

import pytest
from stacks.web_app.service.catalogue.aside import CacheAside, Tell
from stacks.web_app.service.catalogue.cache import UNAVAILABLE, Cache
from stacks.web_app.service.catalogue.settings import CacheSettings
from tests.processes import free_port
from tests.stacks.web_app.conftest import CACHE_PASSWORD, CACHE_USER, CacheServer
from valkey.asyncio.client import Pipeline

KEY = "catalogue:1:product:1"
LOCK = "catalogue:lock:1:product:1"
Scenario = Callable[[Cache, CacheAside], Awaitable[None]]


async def nobody(_keys: Sequence[str]) -> None:
    """Other processes: none."""


def run(server: CacheServer, scenario: Scenario, reader_port: int | None = None, tell: Tell = nobody) -> None:
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
            await scenario(cache, CacheAside(cache, settings.ttl_seconds, tell))
        finally:
            await cache.close()

    asyncio.run(main())
    with warnings.catch_warnings():
        # valkey-py leaves a connection to the collector whose caller gave up while it connected to a hung cache.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, without holding up the event loop while it is asked."""
    end_s = time.monotonic() + 30
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < end_s
        await asyncio.sleep(0.05)


def test_an_answer_read_before_a_write_is_not_stored_after_it(cache: CacheServer) -> None:
    async def scenario(_cache: Cache, aside: CacheAside) -> None:
        async def load_while_someone_writes() -> bytes:
            assert await aside.invalidate(KEY, flight_prefix="catalogue:1:list:")
            return b'"old"'

        assert (await aside.read(KEY, load_while_someone_writes)).payload == b'"old"'

    run(cache, scenario)
    assert cache.run("EXISTS", KEY, LOCK) == "0"


def test_a_write_between_the_look_at_the_lock_and_the_store_leaves_nothing(
    cache: CacheServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = Pipeline.execute

    async def execute_late(steps: Pipeline) -> object:
        await asyncio.to_thread(cache.run, "UNLINK", KEY, LOCK)
        return await execute(steps)

    async def scenario(_cache: Cache, aside: CacheAside) -> None:
        async def load() -> bytes:
            return b'"old"'

        assert (await aside.read(KEY, load)).payload == b'"old"'
        monkeypatch.undo()
        assert cache.run("EXISTS", KEY, LOCK) == "0"
        assert (await aside.read(KEY, load)).source == "database"
        assert (await aside.read(KEY, load)).source == "cache"

    monkeypatch.setattr(Pipeline, "execute", execute_late)
    run(cache, scenario)


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


def test_a_caller_who_joined_a_fill_that_a_write_overtook_asks_again(cache: CacheServer) -> None:
    async def scenario(_cache: Cache, aside: CacheAside) -> None:
        asked, committed = asyncio.Event(), asyncio.Event()
        answers = iter([b'"old"', b'"new"'])

        async def load() -> bytes:
            answer = next(answers)
            asked.set()
            await committed.wait()
            return answer

        early = asyncio.ensure_future(aside.read(KEY, load))
        await asked.wait()
        await asyncio.to_thread(cache.run, "UNLINK", KEY, LOCK)  # another process writes, and invalidates
        late = asyncio.ensure_future(aside.read(KEY, load))
        await asyncio.sleep(0.1)
        committed.set()
        assert (await early).payload == b'"old"'
        assert (await late).payload == b'"new"'

    run(cache, scenario)


def test_a_caller_that_has_just_written_joins_no_earlier_fill(cache: CacheServer) -> None:
    async def scenario(_cache: Cache, aside: CacheAside) -> None:
        asked, over = asyncio.Event(), asyncio.Event()

        async def load_old() -> bytes:
            asked.set()
            await over.wait()
            return b'"old"'

        async def load_new() -> bytes:
            return b'"new"'

        early = asyncio.ensure_future(aside.read(KEY, load_old))
        await asked.wait()
        await asyncio.to_thread(cache.run, "UNLINK", LOCK)
        assert (await aside.read(KEY, load_new, primary=True)).payload == b'"new"'
        over.set()
        assert (await early).payload == b'"old"'

    run(cache, scenario)
    assert cache.run("GET", KEY) == '"new"'


def test_a_write_that_cannot_reach_the_cache_tells_the_other_processes(cache: CacheServer) -> None:
    told: list[str] = []

    async def tell(keys: Sequence[str]) -> None:
        told.extend(keys)

    async def scenario(client: Cache, aside: CacheAside) -> None:
        assert await aside.invalidate(KEY, flight_prefix="catalogue:1:list:")
        assert told == []
        cache.stop()
        assert not await aside.invalidate(KEY, flight_prefix="catalogue:1:list:")
        assert told == [KEY]
        assert await client.get(KEY) is UNAVAILABLE

    run(cache, scenario, tell=tell)


def test_a_doubted_key_is_not_read_until_it_is_deleted(cache: CacheServer) -> None:
    cache.run("SET", KEY, '"old"')

    async def scenario(client: Cache, aside: CacheAside) -> None:
        async def load() -> bytes:
            return b'"new"'

        aside.doubt([KEY], flight_prefix="catalogue:1:list:")
        assert (await aside.read(KEY, load)).payload == b'"new"'
        watching = asyncio.ensure_future(client.watch())
        await until(lambda: cache.run("EXISTS", KEY) == "0")
        assert (await aside.read(KEY, load)).source == "database"
        assert (await aside.read(KEY, load)).source == "cache"
        watching.cancel()

    run(cache, scenario)


def test_a_reader_that_does_not_follow_the_primary_is_left_alone(cache: CacheServer) -> None:
    replica = CacheServer(cache.folder / "replica", free_port())
    replica.folder.mkdir()
    replica.start()
    try:

        async def scenario(client: Cache, _aside: CacheAside) -> None:
            replica.run("SET", KEY, '"lagging"')
            cache.run("SET", KEY, '"current"')
            watching = asyncio.ensure_future(client.watch())
            end_s = time.monotonic() + 20
            while await client.get(KEY) != b'"current"':
                assert time.monotonic() < end_s
                await asyncio.sleep(0.05)
            replica.run("REPLICAOF", "127.0.0.1", str(cache.port))
            await until(lambda: "master_link_status:up" in replica.run("INFO", "replication"))
            await until(lambda: client.reader_is_current)
            watching.cancel()

        run(cache, scenario, reader_port=replica.port)
    finally:
        replica.stop()


def test_a_cache_that_hangs_under_traffic_is_used_again_after(cache: CacheServer) -> None:
    async def scenario(client: Cache, aside: CacheAside) -> None:
        async def load() -> bytes:
            await asyncio.sleep(0.01)
            return b'"value"'

        async def traffic() -> None:
            for number in itertools.count():
                await aside.read(f"{KEY}{number % 300}", load)
                await asyncio.sleep(0)

        watching = asyncio.ensure_future(client.watch())
        clients = [asyncio.ensure_future(traffic()) for _ in range(80)]  # more than there are connections
        await asyncio.sleep(0.5)
        assert cache.process is not None
        cache.process.send_signal(signal.SIGSTOP)
        try:
            await until(lambda: not client.available)
            await asyncio.sleep(3)
        finally:
            cache.process.send_signal(signal.SIGCONT)
        await until(lambda: client.available)
        assert not watching.done()
        assert not any(one.done() for one in clients)
        for one in (*clients, watching):
            one.cancel()
        await asyncio.gather(*clients, watching, return_exceptions=True)

    run(cache, scenario)
