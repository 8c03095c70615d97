"""``python -m orders.worker``: does the orders that were placed, until SIGTERM; then finishes those at hand."""

import asyncio
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from .cache import OPERATION_TIMEOUT_S, connect
from .job_queue import Job, JobQueue, Limits
from .leaderboard import REPORT_S, Leaderboard
from .order_book import OrderBook
from .runner import Pace, Runner
from .settings import CacheSettings, SettingsError, integer, text
from .until_stopped import run_until_stopped

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker is told beside its cache. A job may take half of ``STALE_MS``."""

    stream: str
    dead_letters: str
    limits: Limits
    pace: Pace
    work_s: float

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> "WorkerSettings":
        """Read the variables. Raises SettingsError.

        ``STALE_MS`` and ``ATTEMPTS_MAX`` may say when a job is taken over and given up, ``JOBS_AT_ONCE`` how many are
        done side by side, and ``WORK_MS`` how long the work on an order takes.
        """
        env = {"STALE_MS": "60000", "ATTEMPTS_MAX": "5", "JOBS_AT_ONCE": "8", "WORK_MS": "0", **env}
        stale_ms = integer(env, "STALE_MS", 100, 3_600_000)
        return cls(
            stream=text(env, "WORKS_ON"),
            dead_letters=text(env, "DEAD_LETTERS"),
            limits=Limits(stale_ms=stale_ms, attempts_max=integer(env, "ATTEMPTS_MAX", 1, 100)),
            pace=Pace(jobs_at_once=integer(env, "JOBS_AT_ONCE", 1, 1_000), job_timeout_s=stale_ms / 2000),
            work_s=integer(env, "WORK_MS", 0, stale_ms // 2 - 1) / 1000,
        )


class Worker:
    """One worker under a name of its own: no two may share one, or they would share their jobs."""

    def __init__(self, client: Valkey, settings: WorkerSettings) -> None:
        self.name = f"{socket.gethostname()}-{secrets.token_hex(4)}"
        self._book = OrderBook(client)
        self._leaderboard = Leaderboard(client)
        self._work_s = settings.work_s
        queue = JobQueue(
            client,
            stream=settings.stream,
            dead_letters=settings.dead_letters,
            worker=self.name,
            limits=settings.limits,
            given_up=self._fail,
        )
        self._runner = Runner(queue, self._do, settings.pace)
        self.stop = self._runner.stop

    async def run(self) -> None:
        """Work and report until ``stop``."""
        reports = asyncio.create_task(self._report())
        try:
            await self._runner.run()
        finally:
            reports.cancel()
            await asyncio.gather(reports, return_exceptions=True)
        try:
            await self._leaderboard.leave(self.name)
        except (ValkeyError, OSError):
            logger.warning("could not sign off; the name is forgotten by itself")

    async def _do(self, job: Job) -> None:
        if await self._book.begin(job, self.name):
            await asyncio.sleep(self._work_s)  # where a real worker would pack the parcel
            await self._book.finish(job, self.name)

    async def _fail(self, job: Job, reason: str) -> None:
        await self._book.fail(job, self.name, reason)

    async def _report(self) -> None:
        """Say that this worker is alive; be killed when somebody asks for it, in the middle of whatever it does."""
        while True:
            try:
                if await self._leaderboard.report(self.name):
                    logger.warning("%s is killed, as was asked for", self.name)
                    os.kill(os.getpid(), signal.SIGKILL)
            except (ValkeyError, OSError) as error:
                logger.info("could not report: %s", error)
            await asyncio.sleep(REPORT_S)


def main() -> int:
    """Work until SIGTERM or SIGINT; the exit status: 1 with one line on stderr when the environment is wrong."""
    try:
        cache = CacheSettings.from_environment(os.environ)
        settings = WorkerSettings.from_environment(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"orders.worker: {error}\n")
        return 1
    # A reply to a read that waits for jobs comes later than any other.
    client = connect(cache, patience_s=settings.pace.block_ms / 1000 + OPERATION_TIMEOUT_S)
    worker = Worker(client, settings)

    async def work() -> None:
        logger.info("%s works on %s", worker.name, settings.stream)
        await worker.run()
        await client.aclose()
        logger.info("%s has stopped", worker.name)

    return run_until_stopped(work, worker.stop)


if __name__ == "__main__":
    sys.exit(main())
