"""The worker's loop and its queue in this process: jobs that fail, that take too long, and a stop in between."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from stacks.messaging.services.orders.cache import connect
from stacks.messaging.services.orders.job_queue import GROUP, Job, JobQueue, Limits
from stacks.messaging.services.orders.runner import Pace, Runner
from stacks.messaging.services.orders.settings import CacheSettings
from valkey.exceptions import NoPermissionError

from .conftest import PASSWORD, CacheServer, Client

STREAM = "queue:{orders}"
DEAD_LETTERS = "queue:{orders}:dead"
LIMITS = Limits(stale_ms=50, attempts_max=2)
PACE = Pace(jobs_at_once=4, job_timeout_s=0.04, block_ms=20)


def _run(
    server: CacheServer,
    handler: Callable[[Job], Awaitable[None]],
    until: Callable[[], bool],
    *,
    user: str = "worker",
    limits: Limits = LIMITS,
    pace: Pace = PACE,
) -> None:
    """Work until a condition holds, for ten seconds at most."""

    async def work() -> None:
        client = connect(CacheSettings("127.0.0.1", server.port, tls=False, user=user, password=PASSWORD))
        queue = JobQueue(client, stream=STREAM, dead_letters=DEAD_LETTERS, worker="w", limits=limits)
        runner = Runner(queue, handler, pace)

        async def watch() -> None:
            while not until():
                await asyncio.sleep(0.01)
            runner.stop()

        watcher = asyncio.create_task(watch())
        try:
            async with asyncio.timeout(10):
                await runner.run()
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
            await client.aclose()

    asyncio.run(work())


def test_a_job_that_fails_is_tried_again_and_then_given_up(server: CacheServer, admin: Client) -> None:
    attempts: list[int] = []

    async def fail(job: Job) -> None:
        attempts.append(job.attempt)
        raise RuntimeError("no tea")

    admin.xadd(STREAM, {"order": "1"})
    _run(server, fail, lambda: bool(admin.xlen(DEAD_LETTERS)))
    assert attempts == [1, 2]
    ((_, letter),) = admin.xrange(DEAD_LETTERS)
    assert (letter["order"], letter["attempts"], letter["reason"]) == ("1", "2", "it failed too often")
    assert (admin.xlen(STREAM), admin.xpending(STREAM, GROUP)["pending"]) == (0, 0)


def test_a_job_that_takes_too_long_is_stopped_before_another_may_have_it(server: CacheServer, admin: Client) -> None:
    attempts: list[int] = []

    async def hang_once(job: Job) -> None:
        attempts.append(job.attempt)
        if job.attempt == 1:
            await asyncio.Event().wait()

    admin.xadd(STREAM, {"order": "1"})
    _run(server, hang_once, lambda: bool(attempts) and not admin.xlen(STREAM))
    assert attempts == [1, 2]
    assert admin.xlen(DEAD_LETTERS) == 0


def test_one_job_that_fails_does_not_hold_up_the_others(server: CacheServer, admin: Client) -> None:
    done: list[str] = []

    async def fail_the_first(job: Job) -> None:
        if job.fields["order"] == "0":
            raise RuntimeError("no tea")
        done.append(job.fields["order"])

    for number in range(4):
        admin.xadd(STREAM, {"order": str(number)})
    _run(server, fail_the_first, lambda: len(done) == 3, limits=Limits(stale_ms=60_000))
    assert sorted(done) == ["1", "2", "3"]
    assert admin.xlen(STREAM) == 1


def test_a_stop_lets_the_job_at_hand_finish_and_takes_no_other(server: CacheServer, admin: Client) -> None:
    started: list[str] = []
    finished: list[str] = []

    async def work(job: Job) -> None:
        started.append(job.job_id)
        await asyncio.sleep(0.2)  # longer than until the stop, which comes as soon as the job has started
        finished.append(job.job_id)

    admin.xadd(STREAM, {"order": "1"})
    admin.xadd(STREAM, {"order": "2"})
    pace = Pace(jobs_at_once=1, job_timeout_s=5, block_ms=20)
    _run(server, work, lambda: bool(started), limits=Limits(stale_ms=60_000), pace=pace)
    assert len(started) == len(finished) == 1
    assert admin.xlen(STREAM) == 1
    assert admin.xinfo_consumers(STREAM, GROUP) == []


def test_a_stream_that_was_deleted_is_made_again(server: CacheServer, admin: Client) -> None:
    done: list[str] = []

    async def work(job: Job) -> None:
        done.append(job.fields["order"])
        if job.fields["order"] == "1":
            admin.delete(STREAM)
            admin.xadd(STREAM, {"order": "2"})

    admin.xadd(STREAM, {"order": "1"})
    _run(server, work, lambda: "2" in done)
    assert done == ["1", "2"]


def test_a_right_that_is_missing_ends_the_worker(server: CacheServer) -> None:
    async def work(_job: Job) -> None:
        pass

    with pytest.raises(NoPermissionError):
        _run(server, work, lambda: False, user="notifier")


def test_a_worker_that_could_lose_a_job_to_another_is_refused(server: CacheServer) -> None:
    async def work(_job: Job) -> None:
        pass

    with pytest.raises(ValueError, match=r"job_timeout_s must be below stale_ms, 0.05 s, got 0.06"):
        _run(server, work, lambda: True, pace=Pace(job_timeout_s=0.06))
