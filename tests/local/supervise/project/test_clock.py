"""The clock of what runs: moves forward, and jobs in order."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.project.clock import Clock

HOUR_MS = 3_600_000


class Machine:
    """The machine's clock, moved by the test."""

    def __init__(self) -> None:
        self.ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def clock(machine: Machine) -> Clock:
    return Clock(machine)


def test_it_is_the_machines_until_it_is_moved(clock: Clock, machine: Machine) -> None:
    assert (clock.now_ms(), clock.ahead_ms, clock.moves) == (machine.ms, 0, [])
    asyncio.run(clock.advance(12 * HOUR_MS))
    machine.ms += 5000
    asyncio.run(clock.advance(HOUR_MS))
    assert clock.now_ms() == machine.ms + 13 * HOUR_MS
    assert clock.moves == [(machine.ms - 5000, 12 * HOUR_MS), (machine.ms, 13 * HOUR_MS)]
    assert clock.now().isoformat() == "2027-01-15T21:00:05+00:00"


@pytest.mark.parametrize("by_ms", [0, -1, 367 * 24 * HOUR_MS])
def test_it_moves_forward_only_and_not_for_ever(clock: Clock, by_ms: int) -> None:
    with pytest.raises(UserError):
        asyncio.run(clock.advance(by_ms))
    assert clock.moves == []


def test_what_is_due_runs_in_order_each_at_its_time(clock: Clock) -> None:
    seen: list[tuple[str, int]] = []
    start = clock.now_ms()

    def job(name: str, then: Callable[[], None] = lambda: None) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            seen.append((name, (clock.now_ms() - start) // HOUR_MS))
            then()

        return run

    async def told() -> None:
        seen.append(("moved", (clock.now_ms() - start) // HOUR_MS))

    clock.on_move(told)
    clock.at(start + 5 * HOUR_MS, job("late"))
    clock.at(start + 2 * HOUR_MS, job("early", lambda: clock.at(start + 3 * HOUR_MS, job("made meanwhile"))))
    clock.at(start + 13 * HOUR_MS, job("not yet"))
    clock.at(start - HOUR_MS, job("overdue"))
    asyncio.run(clock.advance(12 * HOUR_MS))
    assert seen == [
        ("overdue", 0),
        ("moved", 2),
        ("early", 2),
        ("moved", 3),
        ("made meanwhile", 3),
        ("moved", 5),
        ("late", 5),
        ("moved", 12),
    ]


def test_a_job_runs_when_the_machines_clock_reaches_its_time() -> None:
    clock = Clock()
    done = asyncio.Event()

    async def job() -> None:
        done.set()

    async def main() -> None:
        clock.at(clock.now_ms() + 20, job)
        running = asyncio.create_task(clock.run())
        async with asyncio.timeout(20):
            await done.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(main())
