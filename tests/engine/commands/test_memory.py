"""maxmemory: what counts, who goes, and who is refused."""

import pytest
from tests.engine.in_process import Run, StartRun


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


def test_memory_usage_of_strings_is_what_valkey_allocates(run: Run) -> None:
    run("SET k 1")
    assert run("MEMORY USAGE k") == b":16\r\n"
    for size, expected in ((1, 32), (10, 48), (40, 64), (44, 64), (45, 80), (100, 128), (1000, 1040)):
        run(f"SET k {'a' * size}")
        assert run("MEMORY USAGE k") == b":%d\r\n" % expected


def test_a_stream_counts_its_nodes_and_what_is_pending(run: Run) -> None:
    run("CONFIG SET stream-node-max-entries 5")
    for _ in range(100):
        run("XADD s * f v")
    run("XGROUP CREATE s g 0")
    run("XREADGROUP GROUP g c STREAMS s >")
    run("UNLINK s")
    assert b"lazyfreed_objects:1\r\n" in run("INFO memory")


def test_usage_is_null_without_the_key_and_refuses_bad_samples(run: Run) -> None:
    run("RPUSH list a b c")
    assert run("MEMORY USAGE none") == b"$-1\r\n"
    assert run("MEMORY USAGE list SAMPLES 0").startswith(b":")
    assert run("MEMORY USAGE list SAMPLES -1") == run("MEMORY USAGE list NO 1") == b"-ERR syntax error\r\n"
    assert run("MEMORY USAGE list SAMPLES x") == b"-ERR value is not an integer or out of range\r\n"


def test_stats_count_keys_by_database(run: Run) -> None:
    run("SET a 1")
    run("SET b 1 EX 100")
    stats = run("MEMORY STATS")
    assert b"$10\r\nkeys.count\r\n:2\r\n" in stats
    assert b"$4\r\ndb.0\r\n*4\r\n$23\r\noverhead.hashtable.main\r\n:64\r\n" in stats
    assert b"overhead.hashtable.expires\r\n:32\r\n" in stats
    assert b"db.1" not in stats
    assert run.resp3()("MEMORY STATS").startswith(b"%")


def test_the_doctor_looks_at_what_is_used(run: Run) -> None:
    assert b"this instance is empty" in run("MEMORY DOCTOR")
    for number in range(6):
        run.args("SET", f"k{number}", "x" * 1_000_000)
    assert b"can't find any memory issue" in run("MEMORY DOCTOR")


def test_there_is_nothing_to_purge_and_no_allocator_to_ask(run: Run) -> None:
    assert run("MEMORY PURGE") == b"+OK\r\n"
    assert b"Stats not supported" in run("MEMORY MALLOC-STATS")


def test_an_empty_engine_holds_no_data(run: Run) -> None:
    empty = memory(run)
    assert empty["used_memory_startup"] == empty["used_memory_overhead"] == empty["used_memory"] > 0
    assert empty["used_memory_dataset"] == 0
    assert b"startup.allocated\r\n:%d\r\n" % empty["used_memory"] in run("MEMORY STATS")
    assert b"dataset.bytes\r\n:0\r\n" in run("MEMORY STATS")
    run.args("SET", "k", "x" * 100_000, "EX", "100")
    full = memory(run)
    assert full["used_memory_dataset"] + full["used_memory_overhead"] == full["used_memory"]
    assert full["used_memory_overhead"] - empty["used_memory_overhead"] == 64  # an entry in each of two tables
    assert full["used_memory_dataset"] > 100_000


def memory(run: Run) -> dict[str, int]:
    """The whole numbers of INFO memory."""
    pairs = [line.split(":") for line in run("INFO memory").decode().split("\r\n") if ":" in line]
    return {name: int(value) for name, value in pairs if value.isdigit()}
