"""The digest of DEBUG DIGEST: the same data has the same one, whatever order it was written in."""

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.commands.digest import digest_of_data


def digest(run: Run) -> str:
    return digest_of_data(run.engine.databases).hex()


def test_nothing_has_the_digest_zero(run: Run) -> None:
    assert digest(run) == "0" * 40


@pytest.mark.parametrize(
    ("lines", "expected"),
    [  # what DEBUG DIGEST of Redis OSS 7.0.15 answers
        (["SET k v"], "264ccf65edec66bccfa7cc659414ccca432057d2"),
        (["SET k 12"], "eb708d7f0cec62a02e3eb7f1eae92e506c8433f1"),
        (["RPUSH k a b"], "d0b5be69a4c67c74a6cbbdef4df584b9d9642ce8"),
        (["SADD k a b 3"], "228db89bffcf0451cd8caa4a845423f34ce57408"),
        (["HSET k f v g 2"], "7d9a12d52f8a3a77e21453a606d9888ffc61dbc4"),
        (["ZADD k 1 a 2.5 b"], "307431bf1d5f3ab78cbc77726163f06237fa3bb7"),
        (["XADD k 1-1 f v"], "deee4043d3d5fa241990fc350fb765f656504a84"),
        (["SET k v", "PEXPIRE k 100000"], "bf83f210388eea94f06fb90d517490e16a08d7dd"),
        (["SET k v", "MOVE k 3"], "0efe4ef79a20a9db96a6fba6ff727ccce6dec43d"),
    ],
)
def test_the_digest_is_that_of_redis(run: Run, lines: list[str], expected: str) -> None:
    for line in lines:
        run(line)
    assert digest(run) == expected


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("SADD k a b c", "SADD k c a b", True),
        ("HSET k f 1 g 2", "HSET k g 2 f 1", True),
        ("ZADD k 1 a 2 b", "ZADD k 2 b 1 a", True),
        ("MSET a 1 b 2", "MSET b 2 a 1", True),
        ("RPUSH k a b", "RPUSH k b a", False),
        ("RPUSH k a b", "SADD k a b", False),
        ("SET k v", "SET j v", False),
        ("SET k v", "SET k w", False),
        ("HSET k f v", "HSET k v f", False),
        ("ZADD k 1 a", "ZADD k 2 a", False),
        ("XADD k 1-1 f v", "XADD k 1-2 f v", False),
    ],
)
def test_order_counts_where_a_type_has_one(start_run: StartRun, first: str, second: str, *, same: bool) -> None:
    one, other = start_run(), start_run()
    one(first)
    other(second)
    assert (digest(one) == digest(other)) is same


def test_scores_are_hashed_as_the_version_prints_them(start_run: StartRun) -> None:
    answers = []
    for profile in ("valkey-8.1", "redis-7.1"):
        run = start_run(profile)
        run.engine.config.set_at_start("enable-debug-command", "yes")
        run("ZADD k 2.5 b 98.72607 c 1e100 d -inf e")
        answers.append(run("DEBUG DIGEST-VALUE k"))
    assert answers == [  # of Valkey 8.1.1 and Redis OSS 7.0.15
        b"*1\r\n+f8be0a83a644783ee55a9cf9b053d8b16c6f769d\r\n",
        b"*1\r\n+58997264fb82aeb4a19c88061073b8446d17a93a\r\n",
    ]
