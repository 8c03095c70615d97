"""GET, SET and their relatives."""

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.protocol.replies import bulk

OK = b"+OK\r\n"
NULL = b"$-1\r\n"
WRONG_TYPE = b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"


def test_get_answers_what_set_stored(run: Run) -> None:
    assert run("SET k first") == OK
    assert run("GET k") == bulk(b"first")
    assert run("GET none") == NULL


def test_set_replaces_any_type_and_its_time_to_live(run: Run) -> None:
    run("RPUSH k a")
    run("EXPIRE k 100")
    assert run("SET k v") == OK
    assert run("TTL k") == b":-1\r\n"


def test_setnx_setex_and_psetex_are_short_forms_of_set(run: Run) -> None:
    assert run("SETNX k 1") == b":1\r\n"
    assert run("SETNX k 2") == b":0\r\n"
    assert run("SETEX k 100 v") == run("PSETEX j 5000 w") == OK
    assert run("TTL k") == b":100\r\n"
    assert run("PTTL j") == b":5000\r\n"


@pytest.mark.parametrize("name", ["SETEX", "PSETEX"])
@pytest.mark.parametrize("time", [0, -1, 2**63 - 1])
def test_a_time_to_live_is_positive_and_fits(run: Run, name: str, time: int) -> None:
    assert run(f"{name} k {time} v") == f"-ERR invalid expire time in '{name.lower()}' command\r\n".encode()


def test_getset_and_getdel_answer_the_former_value(run: Run) -> None:
    assert run("GETSET k 1") == NULL
    assert run("GETSET k 2") == bulk(b"1")
    assert run("GETDEL k") == bulk(b"2")
    assert run("GETDEL k") == NULL
    assert run("EXISTS k") == b":0\r\n"


def test_getex_changes_the_time_to_live_only_when_asked_to(run: Run) -> None:
    run("SET k v")
    assert run("GETEX k EX 100") == run("GETEX k") == bulk(b"v")
    assert run("TTL k") == b":100\r\n"
    assert run("GETEX k PERSIST") == bulk(b"v")
    assert run("TTL k") == b":-1\r\n"
    assert run(f"GETEX k PXAT {run.now_ms - 1}") == bulk(b"v")  # a time that has passed
    assert run("EXISTS k") == b":0\r\n"


def test_getex_reaches_replicas_as_what_it_did(run: Run) -> None:
    run("MSET a 1 b 2 c 3")
    run("PEXPIRE b 1000")
    run.replicate()
    run("GETEX a PX 100")
    run("GETEX b PERSIST")
    run("GETEX c")
    end = b"%d" % (run.now_ms + 100)
    assert run.propagated() == [(0, [b"PEXPIREAT", b"a", end]), (0, [b"PERSIST", b"b"])]


def test_delifeq_compares_before_it_deletes(start_run: StartRun) -> None:
    run = start_run("valkey-9.1")
    run("SET k v")
    assert run("DELIFEQ k other") == run("DELIFEQ none v") == b":0\r\n"
    assert run("DELIFEQ k v") == b":1\r\n"
    run("RPUSH list v")
    assert run("DELIFEQ list v") == WRONG_TYPE


@pytest.mark.parametrize("line", ["GET list", "GETSET list v", "GETDEL list", "GETEX list", "SET list v GET"])
def test_other_types_are_refused_and_stay(run: Run, line: str) -> None:
    run("RPUSH list a")
    assert run(line) == WRONG_TYPE
    assert run("LLEN list") == b":1\r\n"
