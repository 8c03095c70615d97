"""``python -m orders.worker``: does the orders that were placed, until SIGTERM; then finishes those at hand."""

import logging
import os
import secrets
import socket
import sys

from .cache import OPERATION_TIMEOUT_S, connect
from .job_queue import JobQueue, Limits
from .order_book import OrderBook
from .runner import Pace, Runner
from .settings import CacheSettings, SettingsError, integer, text
from .until_stopped import run_until_stopped

logger = logging.getLogger(__name__)


def main() -> int:
    """Work until SIGTERM or SIGINT; the exit status: 1 with one line on stderr when the environment is wrong.

    ``STALE_MS`` and ``ATTEMPTS_MAX`` may say when a job is taken over and given up; a job may take half of the first.
    """
    env = os.environ
    try:
        settings = CacheSettings.from_environment(env)
        stream, dead_letters = text(env, "WORKS_ON"), text(env, "DEAD_LETTERS")
        limits = Limits(
            stale_ms=integer({"STALE_MS": "60000", **env}, "STALE_MS", 100, 3_600_000),
            attempts_max=integer({"ATTEMPTS_MAX": "5", **env}, "ATTEMPTS_MAX", 1, 100),
        )
    except SettingsError as error:
        sys.stderr.write(f"orders.worker: {error}\n")
        return 1
    pace = Pace(job_timeout_s=limits.stale_ms / 2000)
    # A reply to a read that waits for jobs comes later than any other.
    client = connect(settings, patience_s=pace.block_ms / 1000 + OPERATION_TIMEOUT_S)
    # No two workers may share a name, or they would share their jobs: not even one that was restarted on its host.
    name = f"{socket.gethostname()}-{secrets.token_hex(4)}"
    queue = JobQueue(client, stream=stream, dead_letters=dead_letters, worker=name, limits=limits)
    runner = Runner(queue, OrderBook(client).do, pace)

    async def work() -> None:
        logger.info("%s works on %s", name, stream)
        await runner.run()
        await client.aclose()
        logger.info("%s has stopped", name)

    return run_until_stopped(work, runner.stop)


if __name__ == "__main__":
    sys.exit(main())
