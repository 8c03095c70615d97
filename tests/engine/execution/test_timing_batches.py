"""How the time of commands is taken: once for a run of brief ones, see ``dispatch``."""

import re

from tests.engine.in_process import Run, encode

STEP_US = 400


def pipeline(run: Run, *lines: str) -> None:
    run.client.feed(b"".join(encode(tuple(line.split())) for line in lines))


def calls_and_usec(run: Run, name: str) -> tuple[int, int]:
    found = re.search(rf"cmdstat_{name}:calls=(\d+),usec=(\d+)", run("INFO commandstats").decode())
    assert found is not None
    return int(found[1]), int(found[2])


def logged(run: Run) -> int:
    return int(run("SLOWLOG LEN")[1:])


def test_a_run_of_one_brief_command_shares_one_reading_of_the_clock(run: Run) -> None:
    run.clock.step_us = STEP_US
    pipeline(run, "GET a", "GET b", "GET c", "GET d")
    assert calls_and_usec(run, "get") == (4, STEP_US)


def test_another_command_ends_the_run(run: Run) -> None:
    run.clock.step_us = STEP_US
    pipeline(run, "GET a", "GET b", "SET a 1", "GET a")
    assert calls_and_usec(run, "get") == (3, 2 * STEP_US)
    assert calls_and_usec(run, "set") == (1, STEP_US)


def test_a_command_that_may_take_long_is_timed_by_itself(run: Run) -> None:
    run.clock.step_us = STEP_US
    pipeline(run, "KEYS *", "KEYS *", "KEYS *")
    assert calls_and_usec(run, "keys") == (3, 3 * STEP_US)


def test_commands_in_a_transaction_and_the_transaction_have_times_of_their_own(run: Run) -> None:
    run.clock.step_us = STEP_US
    pipeline(run, "MULTI", "GET a", "GET b", "SET a 1", "EXEC")
    assert calls_and_usec(run, "get") == (2, STEP_US)
    assert calls_and_usec(run, "set") == (1, STEP_US)
    calls, usec = calls_and_usec(run, "exec")
    assert calls == 1
    assert usec >= 2 * STEP_US


def test_a_run_that_was_slow_is_logged_with_its_last_call(run: Run) -> None:
    run.clock.step_us = 20_000
    pipeline(run, "GET a", "GET b")
    run.clock.step_us = 0
    assert logged(run) == 1
    assert b"$1\r\nb\r\n" in run("SLOWLOG GET")


def test_every_call_is_timed_while_short_times_count_as_slow(run: Run) -> None:
    run("CONFIG SET slowlog-log-slower-than 300")
    run("SLOWLOG RESET")
    run.clock.step_us = STEP_US
    pipeline(run, "GET a", "GET b", "GET c")
    run.clock.step_us = 0
    assert calls_and_usec(run, "get") == (3, 3 * STEP_US)
    assert logged(run) == 3


def test_the_clock_is_read_again_within_a_long_run(run: Run) -> None:
    run.clock.step_us = STEP_US
    pipeline(run, *["GET a"] * 200)
    calls, usec = calls_and_usec(run, "get")
    assert calls == 200
    assert usec > STEP_US
