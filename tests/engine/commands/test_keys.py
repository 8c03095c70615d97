"""Keys of any type: names, copies, databases, iteration."""

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.protocol.replies import bulk, bulk_array

NULL = b"$-1\r\n"


def scan_all(run: Run, options: str = "") -> list[bytes]:
    """All keys that a whole walk returns, in order of return."""
    cursor, found = "0", []
    while True:
        lines = run(f"SCAN {cursor} {options}").split(b"\r\n")
        cursor = lines[2].decode()
        found += lines[5::2]
        if cursor == "0":
            return [key for key in found if key]


def test_rename_takes_value_and_time_to_live_along(run: Run) -> None:
    run("SET a 1 EX 100")
    run("SET b 2")
    assert run("RENAME a b") == b"+OK\r\n"
    assert run("GET b") == bulk(b"1")
    assert run("TTL b") == b":100\r\n"
    assert run("RENAME a c") == b"-ERR no such key\r\n"


def test_renamenx_leaves_a_name_that_is_taken(run: Run) -> None:
    run("MSET a 1 b 2")
    assert run("RENAMENX a b") == b":0\r\n"
    assert run("RENAMENX a c") == b":1\r\n"


def test_a_copy_is_independent(run: Run) -> None:
    run("RPUSH l a b")
    assert run("COPY l m") == b":1\r\n"
    run("RPUSH l c")
    assert run("LRANGE m 0 -1") == bulk_array([b"a", b"b"])
    assert run("COPY l m") == b":0\r\n"
    assert run("COPY l m REPLACE") == b":1\r\n"
    assert run("LLEN m") == b":3\r\n"
    assert run("COPY l l DB 3") == b":1\r\n"
    run("SELECT 3")
    assert run("LLEN l") == b":3\r\n"


def test_move_needs_a_free_name(run: Run) -> None:
    run("SET k 0")
    run.session()
    assert run("MOVE k 1") == b":1\r\n"
    run("SET k again")
    assert run("MOVE k 1") == b":0\r\n"


def test_swapdb_exchanges_what_clients_see(run: Run) -> None:
    other = run.session()
    other("SELECT 1")
    run("SET k zero")
    other("SET k one")
    assert run("SWAPDB 0 1") == b"+OK\r\n"
    assert run("GET k") == bulk(b"one")
    assert other("GET k") == bulk(b"zero")


def test_flushall_spoils_a_transaction_that_watches_a_key(run: Run) -> None:
    run("SET k v")
    run("WATCH k")
    run.session()("FLUSHALL")
    run("MULTI")
    assert run("EXEC") == b"*-1\r\n"


def test_a_walk_returns_what_stays_and_nothing_that_never_was(run: Run) -> None:
    for number in range(1000):
        run(f"SET stays:{number} v")
    cursor, found, step = "0", set(), 0
    while True:
        lines = run(f"SCAN {cursor} COUNT 7").split(b"\r\n")
        cursor = lines[2].decode()
        found |= {key for key in lines[5::2] if key}
        for _ in range(20):
            step += 1
            run(f"SET comes:{step} v")
            run(f"DEL comes:{step - 300}")
        if cursor == "0":
            break
    assert {b"stays:%d" % number for number in range(1000)} <= found
    assert all(key.startswith((b"stays:", b"comes:")) for key in found)


def test_scan_filters_by_pattern_and_type(run: Run) -> None:
    for number in range(50):
        run(f"SET s{number} v")
        run(f"RPUSH l{number} v")
    assert len(scan_all(run, "TYPE list")) == 50
    assert len(scan_all(run, "MATCH s1*")) == 11
    assert run("SCAN 0 TYPE nothing") == b"-ERR unknown type name 'nothing'\r\n"


def test_randomkey_finds_the_only_key_that_lives(run: Run) -> None:
    assert run("RANDOMKEY") == NULL
    for number in range(100):
        run(f"SET k{number} v PX 10")
    run("SET stays v")
    run.advance_silently(20)
    assert run("RANDOMKEY") == bulk(b"stays")


def test_encodings_are_those_of_the_profile(run: Run, start_run: StartRun) -> None:
    redis = start_run("redis-7.1")
    for client in (run, redis):
        client("MSET i 123 t text")
        client(f"SET long {'x' * 44}")
        client("APPEND e a")
        client("APPEND e b")
        assert client("OBJECT ENCODING i") == bulk(b"int")
        assert client("OBJECT ENCODING t") == bulk(b"embstr")
        assert client("OBJECT ENCODING e") == bulk(b"raw")
    assert run("OBJECT ENCODING long") == bulk(b"raw")  # key and value together exceed one block
    assert redis("OBJECT ENCODING long") == bulk(b"embstr")
    assert redis("OBJECT REFCOUNT i") == b":2147483647\r\n"
    assert run("OBJECT REFCOUNT i") == b":1\r\n"


def test_memory_usage_of_strings_is_what_valkey_allocates(run: Run) -> None:
    run("SET k 1")
    assert run("MEMORY USAGE k") == b":16\r\n"
    for size, expected in ((1, 32), (10, 48), (40, 64), (44, 64), (45, 80), (100, 128), (1000, 1040)):
        run(f"SET k {'a' * size}")
        assert run("MEMORY USAGE k") == b":%d\r\n" % expected


def test_set_ifeq_compares_before_it_sets(run: Run) -> None:
    assert run("SET k new IFEQ old") == NULL
    run("SET k old")
    assert run("SET k new IFEQ other") == NULL
    assert run("SET k new IFEQ old GET") == bulk(b"old")
    assert run("GET k") == bulk(b"new")


def test_large_values_count_as_freed_in_the_background(run: Run) -> None:
    run.args("SADD", "large", *[f"member-{number}" for number in range(300)])
    run("SADD small a b c")
    run("DEL large small")
    assert b"lazyfreed_objects:1\r\n" in run("INFO memory")
    run("MSET a 1 b 2")
    run("FLUSHDB ASYNC")
    assert b"lazyfreed_objects:3\r\n" in run("INFO memory")
    run("CONFIG RESETSTAT")
    assert b"lazyfreed_objects:0\r\n" in run("INFO memory")


def test_only_unlink_frees_in_the_background_when_del_must_not(run: Run) -> None:
    run("CONFIG SET lazyfree-lazy-user-del no")
    for order in ("DEL", "UNLINK"):
        run.args("SADD", "large", *[f"member-{number}" for number in range(300)])
        run(f"{order} large")
    assert b"lazyfreed_objects:1\r\n" in run("INFO memory")


def test_a_stream_counts_its_nodes_and_what_is_pending(run: Run) -> None:
    run("CONFIG SET stream-node-max-entries 5")
    for _ in range(100):
        run("XADD s * f v")
    run("XGROUP CREATE s g 0")
    run("XREADGROUP GROUP g c STREAMS s >")
    run("UNLINK s")
    assert b"lazyfreed_objects:1\r\n" in run("INFO memory")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("SCAN 0 NOVALUES", b"NOVALUES option can only be used in HSCAN"),
        ("SCAN 0 NOSCORES", b"NOSCORES option can only be used in ZSCAN"),
        ("SCAN 0 TYPE foo COUNT 0", b"unknown type name 'foo'"),
        ("HSCAN h 0 NOSCORES FOO", b"NOSCORES option can only be used in ZSCAN"),
        ("HSCAN h 0 FOO NOSCORES", b"syntax error"),
        ("SSCAN s 0 NOVALUES", b"NOVALUES option can only be used in HSCAN"),
        ("SSCAN s 0 TYPE string", b"syntax error"),
        ("ZSCAN z 0 TYPE zset", b"syntax error"),
    ],
)
def test_an_option_of_another_scan_is_refused_by_name(run: Run, start_run: StartRun, line: str, problem: bytes) -> None:
    older = start_run("redis-7.1")
    for client in (run, older):
        client("HSET h a 1")
        client("SADD s a")
        client("ZADD z 1 a")
    assert run(line) == b"-ERR " + problem + b"\r\n"
    assert older(line) == b"-ERR syntax error\r\n"
