"""The worker's loop: take jobs, do them side by side, take over what others left, stop when told."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from valkey.exceptions import ResponseError, ValkeyError

from .cache import Pause, is_failing_over
from .job_queue import Job, JobQueue

logger = logging.getLogger(__name__)
Handler = Callable[[Job], Awaitable[None]]


class Rejected(Exception):
    """The job can never be done, however often it is tried; the message says why."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How many jobs at once, how long one may take, and how long to wait for the next."""

    jobs_at_once: int = 8
    job_timeout_s: float = 30.0  # half of the queue's stale_ms: a job that is being done is never taken over
    block_ms: int = 1_000  # also how long a stop may go unnoticed


class Runner:
    """Works on one queue until it is stopped. A job that fails stays with the group and is tried again when stale."""

    def __init__(self, queue: JobQueue, handler: Handler, pace: Pace | None = None) -> None:
        self._queue = queue
        self._handler = handler
        self._pace = pace or Pace()
        self._stopping = asyncio.Event()
        if self._pace.job_timeout_s * 1000 >= queue.limits.stale_ms:
            raise ValueError(
                f"job_timeout_s must be below stale_ms, {queue.limits.stale_ms / 1000} s, got "
                f"{self._pace.job_timeout_s}; a job would be done twice at once"
            )

    def stop(self) -> None:
        """Take no more jobs; ``run`` returns when those at hand are finished."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until ``stop``. A cache that is away is waited for."""
        pause, prepared = Pause(), False
        while not self._stopping.is_set():
            try:
                if not prepared:
                    await self._queue.prepare()
                    prepared = True
                await self._round()
                pause.succeeded()
            except ResponseError as error:
                prepared = False  # the stream may be gone, or this node never had it: make it again
                if is_failing_over(error):
                    await self._queue.reconnect()
                    await pause.failed(error, self._stopping)
                elif not str(error).startswith("NOGROUP"):
                    raise  # a right that is missing, a key of another kind: no waiting mends that
            except (ValkeyError, OSError) as error:
                await pause.failed(error, self._stopping)
        try:
            await self._queue.leave()
        except (ValkeyError, OSError):
            logger.warning("could not sign off; the group keeps this worker's name")

    async def _round(self) -> None:
        jobs = await self._queue.take_over(self._pace.jobs_at_once)
        if not jobs:
            jobs = await self._queue.take(self._pace.jobs_at_once, block_ms=self._pace.block_ms)
        results = await asyncio.gather(*(self._work(job) for job in jobs), return_exceptions=True)
        for error in results:  # every job has come to its end; only now may one of them stop the round
            if error is not None:
                raise error

    async def _work(self, job: Job) -> None:
        try:
            async with asyncio.timeout(self._pace.job_timeout_s):
                await self._handler(job)
        except Rejected as error:
            logger.warning("job %s was rejected: %s", job.job_id, error)
            await self._queue.give_up(job, str(error))
        except Exception:  # whatever a handler raises, the other jobs go on and this one is tried again
            logger.exception("job %s failed at attempt %d", job.job_id, job.attempt)
            if job.attempt >= self._queue.limits.attempts_max:
                await self._queue.give_up(job, "it failed too often")
        else:
            await self._queue.done(job)
