"""Eviction: what goes when memory is full, by each policy."""

import pytest
from tests.engine.in_process import Run

OOM = b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"


def used(run: Run) -> int:
    return run.engine.used_memory()


def limit(run: Run, policy: str, spare_bytes: int) -> None:
    """Let the engine have ``spare_bytes`` more than it uses now."""
    run(f"CONFIG SET maxmemory-policy {policy}")
    assert run(f"CONFIG SET maxmemory {used(run) + spare_bytes}") == b"+OK\r\n"


def fill(run: Run, count: int, options: str = "") -> None:
    for number in range(count):
        run(f"SET key:{number} {'x' * 100} {options}")


def test_without_eviction_writes_are_refused_and_reads_and_deletions_are_not(run: Run) -> None:
    limit(run, "noeviction", 10_000)
    replies = [run(f"SET key:{number} {'x' * 100}") for number in range(200)]
    assert replies[0] == b"+OK\r\n"
    assert replies[-1] == OOM
    assert run("GET key:0").startswith(b"$100")
    assert run("DEL key:0 key:1 key:2") == b":3\r\n"
    assert run("SET key:0 v") == b"+OK\r\n"


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu", "allkeys-random"])
def test_allkeys_policies_keep_the_limit_whatever_is_written(run: Run, policy: str) -> None:
    limit(run, policy, 100_000)
    fill(run, 2000)
    run("PING")
    assert used(run) <= run.engine.config.memory.maxmemory
    assert run.engine.statistics.evicted_keys > 500
    assert len(run.engine.databases[0]) == 2000 - run.engine.statistics.evicted_keys


@pytest.mark.no_cover
@pytest.mark.parametrize("policy", ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"])
def test_volatile_policies_take_only_keys_with_a_time_to_live(run: Run, policy: str) -> None:
    for number in range(300):
        run(f"SET kept:{number} {'x' * 100}")
    limit(run, policy, 50_000)
    fill(run, 1000, "EX 1000")
    run("PING")
    assert used(run) <= run.engine.config.memory.maxmemory
    assert all(run(f"EXISTS kept:{number}") == b":1\r\n" for number in range(300))


@pytest.mark.parametrize("policy", ["volatile-lru", "volatile-ttl"])
def test_a_volatile_policy_with_nothing_to_take_refuses(run: Run, policy: str) -> None:
    limit(run, policy, 10_000)
    fill(run, 200)
    assert run("SET one more") == OOM


def test_lru_spares_the_keys_that_are_used(run: Run) -> None:
    limit(run, "allkeys-lru", 200_000)
    fill(run, 1000)
    for _ in range(20):
        run.advance(1000)
        for number in range(100):
            run(f"GET key:{number}")
    for number in range(1000, 1600):
        run.advance(100)
        run(f"SET key:{number} {'x' * 100}")
        run(f"GET key:{number % 100}")
    assert sum(run(f"EXISTS key:{number}") == b":1\r\n" for number in range(100)) >= 95


def test_lfu_spares_the_keys_that_are_used_often(run: Run) -> None:
    limit(run, "allkeys-lfu", 200_000)
    fill(run, 1000)
    for _ in range(50):
        for number in range(50):
            run(f"GET key:{number}")
    for number in range(1000, 2000):
        run(f"SET key:{number} {'x' * 100}")
    assert sum(run(f"EXISTS key:{number}") == b":1\r\n" for number in range(50)) >= 48


def test_volatile_ttl_takes_what_would_end_first(run: Run) -> None:
    for number in range(500):
        run(f"SET soon:{number} {'x' * 100} EX {100 + number}")
        run(f"SET late:{number} {'x' * 100} EX 100000")
    limit(run, "volatile-ttl", 0)
    for number in range(300):
        run(f"SET new:{number} {'x' * 100}")
    assert sum(run(f"EXISTS late:{number}") == b":1\r\n" for number in range(500)) >= 490


def test_every_command_of_a_transaction_that_needs_memory_is_refused_with_it(run: Run) -> None:
    limit(run, "noeviction", 100_000)
    run("MULTI")
    run("SET k v")
    run.session()(f"CONFIG SET maxmemory {run.engine.used_memory() - 1}")
    assert run("EXEC").startswith(b"-EXECABORT") or run("EXEC") == OOM


def test_evictions_are_told_to_who_listens(run: Run) -> None:
    run("CONFIG SET notify-keyspace-events Ee")
    listener = run.session()
    listener("SUBSCRIBE __keyevent@0__:evicted")
    run("SET k v")
    limit(run, "allkeys-random", -1)
    run("PING")
    assert b"evicted" in listener.received()


def test_an_import_evicts_nothing(run: Run) -> None:
    run("CONFIG SET maxmemory-policy allkeys-random import-mode yes")
    run("SET k v")
    run("CONFIG SET maxmemory 1")
    assert run("DBSIZE") == b":1\r\n"
    assert run("SET other v").startswith(b"-OOM ")
    run("CONFIG SET import-mode no")
    run("PING")
    assert run("DBSIZE") == b":0\r\n"
