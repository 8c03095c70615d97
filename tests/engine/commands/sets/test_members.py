"""Members of sets, and the forms of a set."""

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.protocol.replies import bulk, bulk_array


def test_integers_come_in_numeric_order(run: Run) -> None:
    run("SADD s 10 9 -5 100")
    assert run("SMEMBERS s") == bulk_array([b"-5", b"9", b"10", b"100"])
    assert run("OBJECT ENCODING s") == bulk(b"intset")


def test_short_members_come_in_order_of_arrival(run: Run) -> None:
    run("SADD s z a m a")
    assert run("SMEMBERS s") == bulk_array([b"z", b"a", b"m"])
    assert run("OBJECT ENCODING s") == bulk(b"listpack")


@pytest.mark.parametrize(
    ("members", "encoding"),
    [
        (range(512), b"intset"),
        (range(513), b"hashtable"),
        (["a", *range(127)], b"listpack"),
        (["a", *range(128)], b"hashtable"),
        (["x" * 64], b"listpack"),
        (["x" * 65], b"hashtable"),
        ([*range(200), "a"], b"hashtable"),
    ],
)
def test_the_form_follows_the_thresholds(run: Run, members: list[object], encoding: bytes) -> None:
    run.args("SADD", "s", *[str(member) for member in members])
    assert run("OBJECT ENCODING s") == bulk(encoding)


def test_resp3_has_sets(run: Run) -> None:
    run("SADD s a")
    run.resp3()
    assert run("SMEMBERS s") == b"~1\r\n$1\r\na\r\n"
    assert run("SUNION missing") == b"~0\r\n"
    assert run("SPOP s 2") == b"~1\r\n$1\r\na\r\n"


def test_a_walk_over_a_large_set_is_not_disturbed_by_changes(run: Run) -> None:
    run.args("SADD", "s", *[f"keep{number}" for number in range(1000)])
    found: set[bytes] = set()
    cursor = b"0"
    step = 0
    while True:
        run.args("SADD", "s", *[f"new{step}-{number}" for number in range(50)])
        reply = run.args("SSCAN", "s", cursor, "COUNT", 100).split(b"\r\n")
        cursor = reply[2]
        found |= set(reply[5::2])
        run.args("SREM", "s", *[f"new{step}-{number}" for number in range(50)])
        step += 1
        if cursor == b"0":
            break
    assert {b"keep%d" % number for number in range(1000)} <= found


def test_moving_the_last_member_drops_the_source(run: Run) -> None:
    run("SADD s a")
    assert run("SMOVE s d a") == b":1\r\n"
    assert run("EXISTS s d") == b":1\r\n"
    assert run("SMOVE s d a") == b":0\r\n"


def test_sadd_chooses_the_form_by_how_many_members_come(run: Run, start_run: StartRun) -> None:
    older = start_run("redis-7.1")
    for client in (run, older):
        client("CONFIG SET set-max-intset-entries 3")
        client("SADD few 1 2 3")
        client("SADD more 1 2 3 4")
        client("SADD grown 1 2")
        client("SADD grown 3 4")
    assert run("OBJECT ENCODING few") == older("OBJECT ENCODING few") == b"$6\r\nintset\r\n"
    assert run("OBJECT ENCODING more") == b"$8\r\nlistpack\r\n"
    assert run("OBJECT ENCODING grown") == older("OBJECT ENCODING more") == b"$9\r\nhashtable\r\n"
