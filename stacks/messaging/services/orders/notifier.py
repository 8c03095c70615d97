"""``python -m orders.notifier``: tells of every order that was closed, until SIGTERM.

It subscribes to the channels of orders, and each message lets it read the history from where it was. Pub/sub reaches who
listens at that moment: a message that was missed, while this service or the cache was away, is made up for by the next,
or after ``LOOK_S``. What was told, and up to where the history was read, is written in one transaction.
"""

import asyncio
import logging
import os
import sys
from typing import Any, Final

from valkey.exceptions import ResponseError, ValkeyError, WatchError

from .cache import Pause, connect, is_failing_over
from .history import HISTORY
from .settings import CacheSettings, SettingsError, text
from .until_stopped import run_until_stopped

LOOK_S: Final = 1.0  # also how long a stop may go unnoticed
COUNTS_KEY: Final = "notice:counts"
CURSOR_KEY: Final = "notice:cursor"
FEED_KEY: Final = "notice:feed"
FEED_LENGTH: Final = 20_000
BATCH: Final = 500
TOLD: Final = ("done", "failed")

logger = logging.getLogger(__name__)


class Notifier:
    """Tells of closed orders: in its log, in a feed, and in counts that whoever may read them can read."""

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
                    while not self._stopping.is_set():
                        await self._catch_up(client)
                        pause.succeeded()
                        if await subscription.get_message(timeout=LOOK_S):
                            while await subscription.get_message(timeout=0):
                                pass  # one look serves all messages that came together
            except ResponseError as error:
                if not is_failing_over(error):
                    raise  # a right that is missing: no waiting mends that
                await client.connection_pool.disconnect()
                await pause.failed(error, self._stopping)
            except (ValkeyError, OSError) as error:
                await pause.failed(error, self._stopping)
        await client.aclose()

    async def _catch_up(self, client: Any) -> None:  # noqa: ANN401  (as above)
        """Tell of what the history has that was not told yet, each entry once."""
        while not self._stopping.is_set():
            async with client.pipeline(transaction=True) as transaction:
                await transaction.watch(CURSOR_KEY)
                after = await transaction.get(CURSOR_KEY) or "0-0"
                entries = await transaction.xrange(HISTORY, f"({after}", count=BATCH)
                if not entries:
                    return
                transaction.multi()
                for _, fields in entries:
                    if fields["kind"] in TOLD:
                        transaction.xadd(FEED_KEY, fields, maxlen=FEED_LENGTH, approximate=True)
                        transaction.hincrby(COUNTS_KEY, fields["kind"], 1)
                transaction.set(CURSOR_KEY, entries[-1][0])
                try:
                    await transaction.execute()
                except WatchError:
                    continue  # another task of this service was faster
            for _, fields in entries:
                if fields["kind"] in TOLD:
                    logger.info("order %s is %s %s", fields["order"], fields["kind"], fields.get("reason", ""))


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
