"""A job queue on a stream: every job is done at least once, by whoever lives.

A consumer group hands each job to one worker and remembers that it did. A worker that has done a job acknowledges and
deletes it, in one transaction, so the stream's length is what is left to do. A job whose worker died stays with the
group; after ``stale_ms`` another worker takes it over (XAUTOCLAIM). The group counts how often a job was handed out: at
``attempts_max`` it is given up and goes to the dead-letter stream, together with why.

A job must be finished, or have failed, before it is stale, or two workers would do it at once; so a worker's deadline
for a job lies well below ``stale_ms``.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from valkey.asyncio import Valkey
from valkey.exceptions import ResponseError

GROUP: Final = "workers"
GivenUp = Callable[["Job", str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Job:
    """What was handed in, and how often it has been handed out, this time included."""

    job_id: str
    fields: Mapping[str, str]
    attempt: int


@dataclass(frozen=True, slots=True)
class Limits:
    """When a job is taken from its worker, and when it is given up."""

    stale_ms: int = 60_000
    attempts_max: int = 5


class JobQueue:
    """One worker's view of a queue. Raises valkey's errors when the cache is away."""

    def __init__(
        self,
        client: Valkey,
        *,
        stream: str,
        dead_letters: str,
        worker: str,
        limits: Limits | None = None,
        given_up: GivenUp | None = None,
    ) -> None:
        self._client: Any = client  # valkey-py's types say too little about streams
        self._stream = stream
        self._dead_letters = dead_letters
        self._worker = worker
        self._given_up = given_up
        self.limits = limits or Limits()
        self._claim_from = "0-0"

    async def prepare(self) -> None:
        """Make the stream and its group, unless they exist. Jobs that were handed in before are not lost."""
        try:
            await self._client.xgroup_create(self._stream, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def take(self, count: int, *, block_ms: int) -> list[Job]:
        """Up to ``count`` jobs that nobody had yet; none after ``block_ms`` without any."""
        reply = await self._client.xreadgroup(GROUP, self._worker, {self._stream: ">"}, count=count, block=block_ms)
        return [Job(job_id, fields, 1) for _, entries in reply or [] for job_id, fields in entries]

    async def take_over(self, count: int) -> list[Job]:
        """Up to ``count`` jobs of workers that died. Those that were tried too often are given up on the way."""
        reply = await self._client.xautoclaim(
            self._stream, GROUP, self._worker, self.limits.stale_ms, start_id=self._claim_from, count=count
        )
        self._claim_from, entries = reply[0], reply[1]
        jobs = []
        for job_id, fields in entries:
            attempt = await self._attempts(job_id)
            if attempt is None:
                continue
            job = Job(job_id, fields, attempt)
            if attempt > self.limits.attempts_max:
                await self.give_up(job, "it was tried too often")
            else:
                jobs.append(job)
        return jobs

    async def done(self, job: Job) -> None:
        """The job needs no one any more."""
        async with self._client.pipeline(transaction=True) as transaction:
            transaction.xack(self._stream, GROUP, job.job_id)
            transaction.xdel(self._stream, job.job_id)
            await transaction.execute()

    async def give_up(self, job: Job, reason: str) -> None:
        """Move the job to the dead letters, where a person can see it. ``given_up`` is told first, maybe twice."""
        if self._given_up is not None:
            await self._given_up(job, reason)
        letter = {**job.fields, "job_id": job.job_id, "attempts": str(job.attempt), "reason": reason[:500]}
        async with self._client.pipeline(transaction=True) as transaction:
            transaction.xadd(self._dead_letters, letter)
            transaction.xack(self._stream, GROUP, job.job_id)
            transaction.xdel(self._stream, job.job_id)
            await transaction.execute()

    async def reconnect(self) -> None:
        """Close the connections: the next command looks up where the primary is."""
        await self._client.connection_pool.disconnect()

    async def leave(self) -> None:
        """Sign off. A worker that still has jobs stays on the group's list, so that they can be taken over."""
        if not await self._client.xpending_range(self._stream, GROUP, "-", "+", 1, self._worker):
            await self._client.xgroup_delconsumer(self._stream, GROUP, self._worker)

    async def _attempts(self, job_id: str) -> int | None:
        """How often the job was handed out; None when the worker it was taken from has finished it after all."""
        for pending in await self._client.xpending_range(self._stream, GROUP, job_id, job_id, 1):
            return int(pending["times_delivered"])
        return None
