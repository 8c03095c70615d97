"""Commands that scripts run."""

import pytest
from tests.engine.hosts import busy
from tests.engine.in_process import Run

from cachetwin_engine.core.admin.elasticache import rename_commands_of


def bulk_of(text: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(text), text)


def error_of(run: Run, script: str) -> bytes:
    """What a script fails with."""
    reply = run.args("EVAL", script, 0)
    assert reply.startswith(b"-"), reply
    return reply


def test_a_refused_command_of_a_script_is_counted_as_rejected(run: Run) -> None:
    run.args("EVAL", "redis.pcall('get')", 0)
    assert b"cmdstat_get:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0" in run("INFO commandstats")


def test_a_command_that_got_another_name_has_it_in_scripts_too(run: Run) -> None:
    script = "return redis.call('get', KEYS[1])"
    assert run.args("EVAL", script, 1, "k") == b"$-1\r\n"
    rename_commands_of(run.engine, "get fetch")
    assert run.args("EVAL", script, 1, "k").startswith(b"-ERR Unknown command called from script")
    assert run.args("EVAL", "return redis.call('fetch', KEYS[1])", 1, "k") == b"$-1\r\n"


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 23, 24, 25, 48, 49, 200])
def test_a_command_of_any_length_gets_its_words_in_order(run: Run, count: int) -> None:
    words = [str(n) for n in range(count)]
    script = "local a = {} for i = 1, #ARGV do a[i] = i % 2 == 0 and ARGV[i] or tonumber(ARGV[i]) end "
    script += "redis.call('del', 'l') redis.call('rpush', 'l', unpack(a)) return redis.call('lrange', 'l', 0, -1)"
    expected = b"*%d\r\n" % count + b"".join(b"$%d\r\n%b\r\n" % (len(word), word.encode()) for word in words)
    assert run.args("EVAL", script, 0, *words) == expected


@pytest.mark.parametrize(
    "words", ["nil", "'get', nil", "'set', 'k', nil", "'set', 'k', 1, nil", "'set', 'k', 1, {}, 'x'"]
)
def test_what_is_no_text_or_number_is_no_word_of_a_command(run: Run, words: str) -> None:
    problem = b"-ERR Command arguments must be strings or integers script: "
    assert error_of(run, f"return redis.call({words})").startswith(problem)
    assert run.args("EVAL", f"return redis.pcall({words}).err", 0) == bulk_of(problem[1:-9])


def test_a_call_needs_a_command(run: Run) -> None:
    assert error_of(run, "redis.call()").startswith(b"-ERR Please specify at least one argument for this call script: ")


def test_a_command_takes_as_many_arguments_as_a_script_can_unpack(run: Run) -> None:
    script = "local a = {} for i = 1, 7999 do a[i] = i end return redis.%s('rpush', KEYS[1], unpack(a))"
    assert run.args("EVAL", script % "call", 1, "k") == b":7999\r\n"
    assert run.args("EVAL", script % "pcall", 1, "k") == b":15998\r\n"
    assert run("LRANGE k 7998 7999") == b"*2\r\n$4\r\n7999\r\n$1\r\n1\r\n"


def test_time_stands_still_in_a_script_until_it_is_slow(run: Run) -> None:
    script = """
    local before = redis.call('TIME')
    for i = 1, tonumber(ARGV[1]) do end
    local after = redis.call('TIME')
    return before[1] ~= after[1] or before[2] ~= after[2]
    """
    run.clock.step_us = 100
    assert run.args("EVAL", script, 0, 1_000_000) == b"$-1\r\n"
    busy(run)
    assert run.args("EVAL", script, 0, 1_000_000) == b":1\r\n"
