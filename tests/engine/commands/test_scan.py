"""SCAN and its like over one collection."""

import pytest
from tests.engine.in_process import Run, StartRun


def scan_all(run: Run, options: str = "") -> list[bytes]:
    """All keys that a whole walk returns, in order of return."""
    cursor, found = "0", []
    while True:
        lines = run(f"SCAN {cursor} {options}").split(b"\r\n")
        cursor = lines[2].decode()
        found += lines[5::2]
        if cursor == "0":
            return [key for key in found if key]


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
