"""Runs a service's coroutine until SIGTERM or SIGINT asks it to stop."""

import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable, Callable


def run_until_stopped(main: Callable[[], Awaitable[None]], stop: Callable[[], None]) -> int:
    """Run ``main``; each signal calls ``stop``, after which ``main`` has to return by itself. The exit status: 0."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        await main()

    asyncio.run(run())
    return 0
