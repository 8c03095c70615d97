"""CLUSTERSCAN: a walk over the slots of all nodes."""

import pytest
from tests.engine.in_cluster import OK, OTHER, SLOT_OF_A, know_other, start_in_cluster, words
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.keyspace.slots import SLOT_COUNT, slot_of, tag_of_slot


@pytest.fixture
def run(start_run: StartRun) -> Run:
    """A client of a node in cluster mode."""
    return start_in_cluster(start_run)


@pytest.fixture
def scanned(start_run: StartRun) -> Run:
    """A node of Valkey 9.1 with a hundred keys in many slots, and fifty in one."""
    run = start_in_cluster(start_run, "valkey-9.1")
    for number in range(100):
        run(f"SET key{number} x")
    for number in range(50):
        run(f"SET {{a}}{number} x")
    return run


def scan_of(run: Run, cursor: bytes, *options: str) -> tuple[bytes, list[bytes]]:
    """The next cursor and the keys of one call."""
    reply = run(" ".join(["CLUSTERSCAN", cursor.decode(), *options]))
    assert reply.startswith(b"*2\r\n$"), reply
    return reply.split(b"\r\n")[2], words(reply.split(b"\r\n", 3)[3])


def walk_of(run: Run, cursor: bytes, *options: str) -> list[bytes]:
    """The keys of a walk to its end."""
    found: list[bytes] = []
    while True:
        cursor, keys = scan_of(run, cursor, *options)
        found += keys
        if cursor == b"0":
            return found


@pytest.mark.parametrize("count", ["1", "10", "1000"])
def test_a_walk_over_the_cluster_finds_each_key_once(scanned: Run, count: str) -> None:
    found = walk_of(scanned, b"0", "COUNT", count)
    assert sorted(found) == sorted([b"key%d" % at for at in range(100)] + [b"{a}%d" % at for at in range(50)])


def test_the_first_call_says_only_where_to_go(scanned: Run) -> None:
    assert scan_of(scanned, b"0") == (b"0-{06S}-0", [])
    assert scan_of(scanned, b"0", "SLOT", "5") == (b"0-{460}-0", [])
    assert scan_of(scanned, b"0", "MATCH", "{t}*") == (b"0-{t}-0", [])
    assert scan_of(scanned, b"0", "MATCH", "{t}*", "SLOT", "5") == (b"0", [])


def test_a_walk_stays_in_its_slot_when_asked_to_or_when_the_pattern_does(scanned: Run) -> None:
    tagged = sorted(b"{a}%d" % at for at in range(50))
    assert sorted(walk_of(scanned, b"0", "SLOT", str(SLOT_OF_A))) == tagged
    assert sorted(walk_of(scanned, b"0", "MATCH", "{a}*")) == tagged
    assert walk_of(scanned, b"0", "MATCH", "{a}*", "TYPE", "hash") == []
    assert scan_of(scanned, b"0-{%b}-0" % tag_of_slot(SLOT_COUNT - 1), "MATCH", "{a}*") == (b"0", [])
    assert scan_of(scanned, b"0-{06S}-0", "MATCH", "{a}*") == (b"0-{%b}-0" % tag_of_slot(SLOT_OF_A), [])


def test_a_cursor_of_another_node_begins_its_slot_again(scanned: Run) -> None:
    cursor, first = scan_of(scanned, b"0-{a}-0", "SLOT", str(SLOT_OF_A), "COUNT", "5")
    mark, _, place = cursor.partition(b"-{")
    assert mark != b"0"
    assert scan_of(scanned, b"other-{" + place, "SLOT", str(SLOT_OF_A), "COUNT", "5") == (cursor, first)


def test_a_walk_goes_on_where_the_next_slot_is(scanned: Run) -> None:
    know_other(scanned)
    assert scanned(f"CLUSTER SETSLOT {SLOT_OF_A} NODE {OTHER}").startswith(b"-ERR Can't assign hashslot")
    for number in range(50):
        scanned(f"DEL {{a}}{number}")
    assert scanned(f"CLUSTER SETSLOT {SLOT_OF_A} NODE {OTHER}") == OK
    cursor, keys = scan_of(scanned, b"0-{06S}-0", "COUNT", "1000")
    assert cursor == b"0-{%b}-0" % tag_of_slot(SLOT_OF_A)
    assert keys
    assert all(slot_of(key) < SLOT_OF_A for key in keys)
    assert scanned(f"CLUSTERSCAN {cursor.decode()}") == b"-MOVED %d 127.0.0.9:7009\r\n" % SLOT_OF_A


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("foo", b"Invalid cursor"), ("00", b"Invalid cursor"), ("0-{a}", b"Invalid cursor"),
        ("0-{a}-x", b"Invalid cursor"), ("0-{a}--1", b"Invalid cursor"), ("0-{a}-18446744073709551616", b"Invalid cursor"),
        ("foo FOO", b"syntax error"), ("0 MATCH", b"syntax error"), ("0 COUNT 0", b"syntax error"),
        ("0 COUNT x", b"value is not an integer or out of range"), ("0 TYPE foo", b"unknown type name 'foo'"),
        ("0 SLOT 16384", b"Invalid or out of range slot"), ("0 SLOT x COUNT x", b"Invalid or out of range slot"),
        ("0 SLOT 5 SLOT 5", b"SLOT option can only be specified once"),
        ("0-{06S}-0 SLOT 5", b"Cursor slot mismatch with SLOT argument"),
        ("0 NOVALUES", b"NOVALUES option can only be used in HSCAN"),
        ("0 NOSCORES", b"NOSCORES option can only be used in ZSCAN"),
    ],
)  # fmt: skip
def test_clusterscan_refuses_what_valkey_refuses(scanned: Run, line: str, problem: bytes) -> None:
    assert scanned(f"CLUSTERSCAN {line}") == b"-ERR " + problem + b"\r\n"


def test_clusterscan_needs_a_cluster_and_has_no_keys(start_run: StartRun) -> None:
    alone = start_run("valkey-9.1")
    assert alone("CLUSTERSCAN 0") == b"-ERR This instance has cluster support disabled\r\n"
    assert alone("COMMAND GETKEYS CLUSTERSCAN 0") == b"-ERR The command has no key arguments\r\n"
    assert alone("SCAN 0 SLOT 5") == b"-ERR syntax error\r\n"
