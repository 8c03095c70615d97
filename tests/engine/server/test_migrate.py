"""MIGRATE: keys go from one engine to another, or stay where they are and the reason is told."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import pytest
import redis

from cachetwin_engine.core.registry.redaction import shown

if TYPE_CHECKING:
    from tests.engine.conftest import EngineProcess, StartEngine


@pytest.fixture
def target(start_engine: "StartEngine") -> "EngineProcess":
    """The engine that keys move to."""
    return start_engine()


@pytest.fixture
def source(start_engine: "StartEngine") -> Iterator[redis.Redis]:
    """A client of the engine that keys move from."""
    engine = start_engine()
    with redis.Redis(port=engine.port, decode_responses=True) as client:
        yield client


def ask(target: "EngineProcess", *words: str) -> object:
    """A question to the other engine, in its database 3."""
    with redis.Redis(port=target.port, db=3, decode_responses=True) as client:
        return run(client, *words)


def run(client: redis.Redis, *words: str | int) -> object:
    """The reply to a command of these words."""
    return cast("Any", client).execute_command(*words)


def test_a_key_moves_with_its_value_and_time_to_live(source: redis.Redis, target: "EngineProcess") -> None:
    source.rpush("list", "a", "b")
    source.pexpire("list", 100_000)
    assert run(source, "MIGRATE", "127.0.0.1", target.port, "list", 3, 5000) == "OK"
    assert source.exists("list") == 0
    assert ask(target, "LRANGE", "list", "0", "-1") == ["a", "b"]
    assert int(str(ask(target, "PTTL", "list"))) in range(1, 100_001)


def test_copy_leaves_the_key_here_and_replace_takes_one_away_there(
    source: redis.Redis, target: "EngineProcess"
) -> None:
    source.set("key", "new")
    ask(target, "SET", "key", "old")
    with pytest.raises(redis.ResponseError, match="BUSYKEY"):
        run(source, "MIGRATE", "127.0.0.1", target.port, "key", 3, 5000, "COPY")
    assert run(source, "MIGRATE", "127.0.0.1", target.port, "key", 3, 5000, "COPY", "REPLACE") == "OK"
    assert (source.get("key"), ask(target, "GET", "key")) == ("new", "new")


def test_several_keys_move_at_once_and_missing_ones_are_none(source: redis.Redis, target: "EngineProcess") -> None:
    source.mset({"a": "1", "b": "2"})
    words = ("MIGRATE", "127.0.0.1", target.port, "", 3, 5000, "KEYS", "a", "missing", "b")
    assert run(source, *words) == "OK"
    assert ask(target, "MGET", "a", "b") == ["1", "2"]
    assert run(source, *words) == "NOKEY"


def test_what_the_other_side_accepts_goes_and_the_rest_stays(source: redis.Redis, target: "EngineProcess") -> None:
    source.mset({"a": "1", "b": "2"})
    ask(target, "SET", "a", "taken")
    with pytest.raises(redis.ResponseError, match="Target instance replied with error: BUSYKEY"):
        run(source, "MIGRATE", "127.0.0.1", target.port, "", 3, 5000, "KEYS", "a", "b")
    assert source.mget("a", "b") == ["1", None]


def test_with_a_login_that_fails_the_key_stays(source: redis.Redis, target: "EngineProcess") -> None:
    source.set("key", "value")
    words = ("MIGRATE", "127.0.0.1", target.port, "key", 3, 5000, "AUTH2", "nobody", "wrong")
    with pytest.raises(redis.ResponseError, match="Target instance replied with error: WRONGPASS"):
        run(source, *words)
    assert source.get("key") == "value"


def test_a_server_that_does_not_answer_is_an_error(source: redis.Redis) -> None:
    source.set("key", "value")
    with pytest.raises(redis.ResponseError, match="IOERR error or timeout writing to target instance"):
        run(source, "MIGRATE", "127.0.0.1", 1, "key", 0, 1000)
    own_port = source.connection_pool.connection_kwargs["port"]
    with pytest.raises(redis.ResponseError, match="IOERR error or timeout reading to target instance"):
        run(source, "MIGRATE", "127.0.0.1", own_port, "key", 1, 100)
    assert source.get("key") == "value"


@pytest.mark.parametrize(
    ("request_words", "seen"),
    [
        ("MIGRATE h 1 k 0 5 AUTH secret", "MIGRATE h 1 k 0 5 AUTH (redacted)"),
        (
            "migrate h 1 k 0 5 copy auth2 alice secret replace",
            "migrate h 1 k 0 5 copy auth2 (redacted) (redacted) replace",
        ),
        ("MIGRATE h 1 k 0 5 KEYS auth b", "MIGRATE h 1 k 0 5 KEYS auth b"),
    ],
)
def test_logs_do_not_show_the_login(request_words: str, seen: str) -> None:
    assert b" ".join(shown(request_words.encode().split())) == seen.encode()
