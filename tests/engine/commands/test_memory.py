"""maxmemory: what counts, who goes, and who is refused."""

import pytest
from tests.engine.in_process import Run, StartRun

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
    assert used(run) <= run.engine.config.maxmemory
    assert run.engine.statistics.evicted_keys > 500
    assert len(run.engine.databases[0]) == 2000 - run.engine.statistics.evicted_keys


@pytest.mark.parametrize("policy", ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"])
def test_volatile_policies_take_only_keys_with_a_time_to_live(run: Run, policy: str) -> None:
    for number in range(300):
        run(f"SET kept:{number} {'x' * 100}")
    limit(run, policy, 50_000)
    fill(run, 1000, "EX 1000")
    run("PING")
    assert used(run) <= run.engine.config.maxmemory
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


def test_the_running_sum_stays_what_a_fresh_count_gives(run: Run) -> None:
    limit(run, "allkeys-lru", 10_000_000)
    for number in range(300):
        run(f"SET s{number} {'x' * number}")
        run(f"APPEND s{number // 2} more")
        run(f"RPUSH l{number % 7} {number} {'y' * (number % 90)}")
        run(f"HSET h{number % 5} f{number} v")
        run(f"SADD m{number % 3} {number}")
        run(f"ZADD z{number % 3} {number} {number}")
        run(f"EXPIRE s{number % 50} 100")
        run(f"LPOP l{number % 4}")
        run(f"DEL s{number % 90}")
        run(f"RENAME s{number} r{number}")
        run(f"XADD x * a {number}")
    running = used(run)
    run("CONFIG SET maxmemory 0")
    run("CONFIG SET maxmemory 100mb")
    assert used(run) == running
    run("FLUSHALL")
    empty = used(run)
    run("CONFIG SET maxmemory 0")
    assert used(run) == empty


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


def test_idle_time_counts_from_the_last_use(run: Run) -> None:
    run("SET k v")
    run.advance(5000)
    assert run("OBJECT IDLETIME k") == b":5\r\n"
    run("GET k")
    assert run("OBJECT IDLETIME k") == b":0\r\n"
    run.advance(3000)
    assert run("OBJECT IDLETIME k") == b":3\r\n"
    assert run("OBJECT IDLETIME k") == b":3\r\n"


def test_frequency_grows_with_use_and_decays_with_time(run: Run) -> None:
    run("CONFIG SET maxmemory-policy allkeys-lfu")
    run("CONFIG SET maxmemory 100mb")
    run("SET k v")
    for _ in range(100):
        run("GET k")
    grown = int(run("OBJECT FREQ k")[1:])
    assert 6 <= grown <= 40
    run.advance(3 * 60_000)
    assert int(run("OBJECT FREQ k")[1:]) == grown - 3


def test_an_import_evicts_nothing(run: Run) -> None:
    run("CONFIG SET maxmemory-policy allkeys-random import-mode yes")
    run("SET k v")
    run("CONFIG SET maxmemory 1")
    assert run("DBSIZE") == b":1\r\n"
    assert run("SET other v").startswith(b"-OOM ")
    run("CONFIG SET import-mode no")
    run("PING")
    assert run("DBSIZE") == b":0\r\n"


def test_a_new_keys_counter_starts_where_it_is_not_the_first_to_go(run: Run) -> None:
    run("CONFIG SET maxmemory-policy allkeys-lfu maxmemory 100mb")
    run("SET k v")
    assert run("OBJECT FREQ k") == b":5\r\n"


def test_a_reply_that_cannot_be_held_is_not_begun(run: Run) -> None:
    run("HSET h f v")
    run("SADD s m")
    run("ZADD z 1 m")
    for line in ("HRANDFIELD h -999999999", "SRANDMEMBER s -999999999", "ZRANDMEMBER z -999999999"):
        client = run.session()
        assert client(line) == b""
        assert client.client.closing
    run('CONFIG SET client-output-buffer-limit "normal 600 0 0"')
    assert run("HRANDFIELD h -100").startswith(b"*100\r\n")
    assert run("HRANDFIELD h -101") == b""
    assert run.client.closing


def test_the_clock_of_an_object_is_when_it_was_last_used_and_not_touched_by_who_asked_for_that(run: Run) -> None:
    run("CONFIG SET maxmemory-policy allkeys-lru maxmemory 100mb")
    run.engine.config.set_at_start("enable-debug-command", "yes")
    run.advance(900)
    run("SET k v")
    run("CLIENT NO-TOUCH ON")
    before = run("DEBUG OBJECT k").split(b"lru:")[1].split()[0]
    run.advance(1150)  # into the second after the next one
    run("GET k")
    assert run("DEBUG OBJECT k").split(b"lru:")[1].split()[0] == before
    assert run("OBJECT IDLETIME k") == b":1\r\n"
    run("TOUCH k")
    assert run("OBJECT IDLETIME k") == b":0\r\n"


@pytest.mark.parametrize(
    ("key", "value", "plain", "with_time"),
    [  # bytes and form, measured on Valkey 9.1.2
        ("k" * 10, "5", (32, b"int"), (48, b"int")),
        ("k" * 1000, "7", (1280, b"int"), (1280, b"int")),
        ("k" * 10, "x" * 44, (80, b"embstr"), (80, b"embstr")),
        ("k" * 10, "x" * 100, (128, b"embstr"), (160, b"raw")),
        ("k", "x" * 112, (128, b"embstr"), (160, b"raw")),
        ("k", "x" * 113, (160, b"raw"), (160, b"raw")),
        ("k" * 30, "x", (64, b"embstr"), (64, b"embstr")),
        ("k" * 10, "x" * 1000, (1056, b"raw"), (1072, b"raw")),
        ("k" * 100000, "value", (114696, b"raw"), (114696, b"raw")),
    ],
)
def test_valkey_9_1_packs_key_and_value_into_two_cache_lines(
    start_run: StartRun, key: str, value: str, plain: tuple[int, bytes], with_time: tuple[int, bytes]
) -> None:
    run = start_run("valkey-9.1")
    run.args("SET", key, value)
    for size, form in (plain, with_time):
        assert run.args("MEMORY", "USAGE", key) == b":%d\r\n" % size
        assert run.args("OBJECT", "ENCODING", key).endswith(form + b"\r\n")
        run.args("EXPIRE", key, 100)


def test_the_running_sum_holds_in_valkey_9_1(start_run: StartRun) -> None:
    run = start_run("valkey-9.1")
    limit(run, "allkeys-random", 1_000_000)
    fill(run, 100)
    run("RPUSH list a b c")
    run("HSET hash f v")
    run("EXPIRE list 100")
    run(f"APPEND key:1 {'y' * 300}")
    run("RENAME key:2 another")
    run("DEL key:3")
    before = used(run)
    run.engine.account.count_again(run.engine)
    assert used(run) == before
