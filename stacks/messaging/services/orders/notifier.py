"""``python -m orders.notifier``: hears of orders and notes how many of each kind there were, until SIGTERM.

Pub/sub reaches who listens at that moment, and nobody else: right for news, wrong for work. What must not be missed is
a job in a queue.
"""

import asyncio
import json
import logging
import os
import sys
from typing import Any, Final

from valkey.exceptions import ValkeyError

from .cache import Pause, connect
from .settings import CacheSettings, SettingsError, text
from .until_stopped import run_until_stopped

WAIT_S: Final = 1.0  # also how long a stop may go unnoticed
COUNTS_KEY: Final = "notice:counts"

logger = logging.getLogger(__name__)


class Notifier:
    """Listens to channels and tells of what it hears: in its log, and in the counts that anybody may read."""

    def __init__(self, settings: CacheSettings, patterns: list[str]) -> None:
        self._settings = settings
        self._patterns = patterns
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Listen no longer than to the message at hand."""
        self._stopping.set()

    async def run(self) -> None:
        """Listen until ``stop``; a cache that is away is waited for."""
        pause = Pause()
        client: Any = connect(self._settings)  # valkey-py's types say too little about pub/sub
        while not self._stopping.is_set():
            try:
                async with client.pubsub(ignore_subscribe_messages=True) as subscription:
                    await subscription.psubscribe(*self._patterns)
                    pause.succeeded()
                    while not self._stopping.is_set():
                        message = await subscription.get_message(timeout=WAIT_S)
                        if message is not None:
                            await self._tell(client, message)
            except (ValkeyError, OSError) as error:
                await pause.failed(error, self._stopping)
        await client.aclose()

    async def _tell(self, client: Any, message: dict[str, str]) -> None:  # noqa: ANN401  (as above)
        try:
            news = json.loads(message["data"])
        except ValueError:
            logger.warning("no JSON on %s", message["channel"])
            return
        logger.info("%s: %s", message["channel"], news)
        await client.hincrby(COUNTS_KEY, message["channel"], 1)


def main() -> int:
    """Listen until SIGTERM or SIGINT; the exit status: 1 with one line on stderr when the environment is wrong."""
    try:
        settings = CacheSettings.from_environment(os.environ)
        patterns = text(os.environ, "SUBSCRIBES").split(",")
    except SettingsError as error:
        sys.stderr.write(f"orders.notifier: {error}\n")
        return 1
    notifier = Notifier(settings, patterns)
    return run_until_stopped(notifier.run, notifier.stop)


if __name__ == "__main__":
    sys.exit(main())
