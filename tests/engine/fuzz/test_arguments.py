"""Random arguments for every command. The long form: ``python -m tests.engine.fuzz.arguments --seconds 300``."""

import os

import pytest
from tests.engine.fuzz.arguments import run
from tests.engine.fuzz.replies import end_of_value, values_in

SECONDS = float(os.environ.get("CACHETWIN_FUZZ_SECONDS", "30"))
REQUESTS = 800 if "CACHETWIN_FUZZ_SECONDS" not in os.environ else 10**9


@pytest.mark.parametrize("profile", ["valkey-8.1", "valkey-9.1", "redis-7.1"])
def test_whatever_the_arguments_one_value_comes_back_and_the_keyspace_stays_whole(profile: str) -> None:
    assert run(seed=1, profile=profile, seconds=SECONDS, requests_max=REQUESTS) > 0


@pytest.mark.parametrize(
    ("reply", "resp3"),
    [
        (b"+OK\r\n", False), (b":-5\r\n", False), (b"$3\r\na\r\n\r\n", False), (b"*2\r\n$-1\r\n*-1\r\n", False),
        (b"%1\r\n+a\r\n_\r\n", True), (b">2\r\n#t\r\n,1.5\r\n", True), (b"~0\r\n", True), (b"=5\r\ntxt:x\r\n", True),
    ],
)  # fmt: skip
def test_the_reader_of_replies_takes_whole_values(reply: bytes, *, resp3: bool) -> None:
    assert end_of_value(reply, 0, resp3=resp3) == len(reply)
    assert values_in(reply * 2, resp3=resp3) == [reply, reply]


@pytest.mark.parametrize(
    ("reply", "resp3"),
    [
        (b"+OK", False), (b"_\r\n", False), (b"$-1\r\n", True), (b"$2\r\nabc\r\n", False), (b"*1\r\n", False),
        (b"x\r\n", False),
        (b":1.5\r\n", False), (b":9223372036854775808\r\n", False), (b"-\r\n", False), (b"#x\r\n", True),
        (b"*-1\r\n", True),
    ],
)  # fmt: skip
def test_the_reader_of_replies_refuses_anything_else(reply: bytes, *, resp3: bool) -> None:
    with pytest.raises(ValueError, match=r"."):
        values_in(reply, resp3=resp3)
