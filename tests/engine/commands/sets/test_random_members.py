"""SPOP and SRANDMEMBER."""

import pytest
from tests.engine.in_process import Run


def flat(reply: bytes) -> list[bytes]:
    return reply.split(b"\r\n")[2::2]


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
