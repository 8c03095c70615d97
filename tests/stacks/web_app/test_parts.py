"""The parts that decide without doing: breaker, jitter, single flight."""

import asyncio
import json

import pytest
from stacks.web_app.service.catalogue.aside import jittered_ttl_ms, lock_key
from stacks.web_app.service.catalogue.database import NOTICE_SIZE_MAX, notices
from stacks.web_app.service.catalogue.limits.breaker import Breaker
from stacks.web_app.service.catalogue.limits.flights import Flights
from stacks.web_app.service.catalogue.limits.gate import Busy, Gate


def test_the_jitter_stays_within_a_tenth() -> None:
    assert jittered_ttl_ms(60, 0.0) == 54_000
    assert jittered_ttl_ms(60, 0.5) == 60_000
    assert 65_999 <= jittered_ttl_ms(60, 0.999999) <= 66_000
    assert jittered_ttl_ms(1, 0.0) == 900


def test_a_lock_lies_under_the_same_prefix_as_what_it_guards() -> None:
    assert lock_key("catalogue:1:product:7") == "catalogue:lock:1:product:7"


def test_the_breaker_opens_after_three_failures_in_a_row() -> None:
    breaker = Breaker()
    assert [breaker.record_failure(0.0), breaker.record_failure(0.0)] == [False, False]
    breaker.record_success()
    assert [breaker.record_failure(1.0) for _ in range(3)] == [False, False, True]
    assert not breaker.closed


def test_the_breakers_pause_doubles_to_its_bound_and_success_forgets_it() -> None:
    breaker = Breaker(failure_count_max=1, pause_s_min=1.0, pause_s_max=4.0)
    breaker.record_failure(0.0)
    pauses = []
    for _ in range(4):
        now_s = breaker.probe_at_s
        pauses.append(breaker.pause_s)
        assert not breaker.probe_due(now_s - 0.01)
        assert breaker.probe_due(now_s)
        breaker.record_failure(now_s)
    assert pauses == [1.0, 2.0, 4.0, 4.0]
    breaker.record_success()
    assert breaker.closed
    breaker.record_failure(100.0)
    assert breaker.pause_s == 1.0


def test_late_failures_do_not_lengthen_the_pause() -> None:
    breaker = Breaker(failure_count_max=1)
    breaker.record_failure(0.0)
    before = (breaker.pause_s, breaker.probe_at_s)
    breaker.record_failure(0.1)
    assert (breaker.pause_s, breaker.probe_at_s) == before


def test_callers_of_one_key_share_the_work_and_its_failure() -> None:
    async def scenario() -> None:
        flights: Flights[int] = Flights()
        runs = 0
        gate = asyncio.Event()

        async def work() -> int:
            nonlocal runs
            runs += 1
            await gate.wait()
            if runs == 2:
                raise ValueError("the second run fails")
            return runs

        callers = [asyncio.ensure_future(flights.join("k", work)) for _ in range(5)]
        await asyncio.sleep(0)
        callers[0].cancel()  # the leader's own caller goes away
        await asyncio.sleep(0)
        gate.set()
        assert [result for result, _ in await asyncio.gather(*callers[1:])] == [1, 1, 1, 1]
        failures = await asyncio.gather(*(flights.join("k", work) for _ in range(3)), return_exceptions=True)
        assert all(isinstance(failure, ValueError) for failure in failures)
        assert runs == 2

    asyncio.run(scenario())


def test_a_caller_after_a_forget_does_not_join_the_earlier_work() -> None:
    async def scenario() -> None:
        flights: Flights[str] = Flights()
        gate = asyncio.Event()

        async def old() -> str:
            await gate.wait()
            return "old"

        async def new() -> str:
            return "new"

        early = asyncio.ensure_future(flights.join("lists:a", old))
        await asyncio.sleep(0)
        flights.forget_prefix("lists:")
        assert await flights.join("lists:a", new) == ("new", True)
        gate.set()
        assert await early == ("old", True)

    asyncio.run(scenario())


@pytest.mark.parametrize("count", [1, 3])
def test_flights_leave_nothing_behind(count: int) -> None:
    async def scenario() -> int:
        flights: Flights[int] = Flights()

        async def work() -> int:
            return 1

        await asyncio.gather(*(flights.join(f"k{number}", work) for number in range(count)))
        return sum([(await flights.join(f"k{number}", work))[1] for number in range(count)])

    assert asyncio.run(scenario()) == count


def test_a_gate_lets_its_width_through_and_the_others_in_turn() -> None:
    async def scenario() -> None:
        gate = Gate(2, waiting_max=10, wait_s=20)
        inside = most = 0

        async def caller() -> None:
            nonlocal inside, most
            async with gate.turn():
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0)
                inside -= 1

        await asyncio.gather(*(caller() for _ in range(10)))
        assert (inside, most) == (0, 2)

    asyncio.run(scenario())


def test_a_gate_sends_away_who_waits_too_long_or_behind_too_many() -> None:
    async def scenario() -> None:
        gate = Gate(1, waiting_max=1, wait_s=0.05)
        async with gate.turn():
            waiting = asyncio.ensure_future(gate.turn().__aenter__())
            await asyncio.sleep(0)
            with pytest.raises(Busy):
                await gate.turn().__aenter__()
            with pytest.raises(Busy):
                await waiting
        async with gate.turn():
            pass

    asyncio.run(scenario())


def test_many_keys_are_told_in_notices_that_postgresql_takes() -> None:
    keys = [f"catalogue:1:product:{number}" for number in range(1_000)]
    told = notices(keys)
    assert len(told) > 1
    assert all(len(notice.encode()) <= NOTICE_SIZE_MAX for notice in told)
    assert [key for notice in told for key in json.loads(notice)] == keys
