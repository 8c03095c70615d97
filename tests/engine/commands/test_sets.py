"""Sets on the wire."""

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.protocol.replies import bulk, bulk_array


def flat(reply: bytes) -> list[bytes]:
    return reply.split(b"\r\n")[2::2]


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


@pytest.mark.parametrize("size", [30, 1000])
def test_random_members_are_evenly_spread(run: Run, size: int) -> None:
    run.args("SADD", "s", *range(size), "not-a-number")
    draws = 20 * (size + 1)
    seen: dict[bytes, int] = {}
    for member in flat(run(f"SRANDMEMBER s -{draws}")):
        seen[member] = seen.get(member, 0) + 1
    chi_square = sum((count - 20) ** 2 / 20 for count in seen.values()) + 20 * (size + 1 - len(seen))
    assert chi_square < size + 5 * (2 * size) ** 0.5  # five standard deviations above what chance gives


@pytest.mark.parametrize(("size", "count"), [(30, 10), (1000, 10), (1000, 900)])
def test_a_positive_count_draws_distinct_members(run: Run, size: int, count: int) -> None:
    run.args("SADD", "s", *range(size))
    picked = flat(run(f"SRANDMEMBER s {count}"))
    assert len(set(picked)) == count
    assert run("SCARD s") == b":%d\r\n" % size


@pytest.mark.parametrize(("size", "count"), [(30, 10), (1000, 10), (1000, 900)])
def test_popped_members_are_gone(run: Run, size: int, count: int) -> None:
    run.args("SADD", "s", *range(size))
    picked = flat(run(f"SPOP s {count}"))
    assert len(set(picked)) == count
    assert run("SCARD s") == b":%d\r\n" % (size - count)
    assert run.args("SMISMEMBER", "s", *picked) == b"*%d\r\n" % count + b":0\r\n" * count


def test_replicas_are_told_which_members_were_popped(run: Run) -> None:
    run("SADD s a b c")
    run.replicate()
    member = flat(b"\r\n" + run("SPOP s"))[0]
    rest = [name for name in (b"a", b"b", b"c") if name != member]
    assert run.propagated() == [(0, [b"SREM", b"s", member])]
    assert sorted(flat(run("SPOP s 5"))) == rest
    assert run.propagated()[1:] == [(0, [b"UNLINK", b"s"])]


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


def test_an_empty_result_deletes_the_destination(run: Run) -> None:
    run("SADD s a")
    run("SET d text")
    assert run("SINTERSTORE d s missing") == b":0\r\n"
    assert run("EXISTS d") == b":0\r\n"


def test_a_limit_stops_the_count(run: Run) -> None:
    run("SADD a 1 2 3 4")
    run("SADD b 2 3 4 5")
    assert run("SINTERCARD 2 a b") == b":3\r\n"
    assert run("SINTERCARD 2 a b LIMIT 2") == b":2\r\n"
    assert run("SINTERCARD 2 a b LIMIT 0") == b":3\r\n"


def test_a_set_that_was_read_is_not_the_set_that_is_stored(run: Run) -> None:
    run("SADD s 1 2")
    run("SUNIONSTORE d s")
    run("SADD d 3")
    assert run("SMEMBERS s") == bulk_array([b"1", b"2"])


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
