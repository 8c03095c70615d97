"""The history check: what it accepts and refuses, and a short run."""

import subprocess
import sys
from pathlib import Path

from benchmarks.faults.linearizability import Operation, linearizable, protected_history

ROOT = Path(__file__).parents[4]


def write(value: str, began: float, ended: float, *, protected: bool = True) -> Operation:
    return Operation("write", value, began, ended, protected)


def read(value: str | None, began: float, ended: float) -> Operation:
    return Operation("read", value, began, ended)


def test_a_read_sees_the_last_write() -> None:
    assert linearizable([write("a", 0, 1), read("a", 2, 3), write("b", 4, 5), read("b", 6, 7)])
    assert not linearizable([write("a", 0, 1), write("b", 2, 3), read("a", 4, 5)])
    assert not linearizable([write("a", 0, 1), read(None, 2, 3)])
    assert linearizable([read(None, 0, 1), write("a", 2, 3)])


def test_a_read_beside_a_write_may_see_either_but_not_go_back() -> None:
    assert linearizable([write("a", 0, 1), write("b", 2, 6), read("a", 3, 4), read("b", 5, 7)])
    assert not linearizable([write("a", 0, 1), write("b", 2, 8), read("b", 3, 4), read("a", 5, 6)])


def test_the_order_of_writes_beside_each_other_is_found() -> None:
    history = [write("a", 0, 10), write("b", 0, 10), write("c", 0, 10), read("b", 11, 12)]
    assert linearizable(history)
    assert not linearizable([*history, read("c", 13, 14)])


def test_a_long_history_is_checked_at_once() -> None:
    history = []
    for number in range(2000):
        history += [
            write(f"v{number}", number * 4, number * 4 + 3),
            read(f"v{number}", number * 4 + 1, number * 4 + 3.5),
        ]
    assert linearizable(history)
    assert not linearizable([*history, read("v3", 9000, 9001)])


def test_what_no_replica_had_may_be_lost() -> None:
    operations = [write("a", 0, 1), write("b", 2, 3, protected=False), read("b", 4, 5), read("a", 6, 7)]
    assert not linearizable(operations)
    assert linearizable(protected_history(operations))
    assert not linearizable(protected_history([*operations, write("c", 8, 9), read("a", 10, 11)]))


def test_no_read_is_stale_through_faults_and_reshardings(address: str) -> None:
    options = [
        "--faults",
        "3",
        "--shards",
        "2",
        "--replicas",
        "1",
        "--clients",
        "3",
        "--address",
        address,
        "--seed",
        "4",
    ]
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.faults.history", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "not linearizable: none" in run.stdout
