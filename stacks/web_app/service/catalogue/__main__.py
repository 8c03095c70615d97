"""``python -m catalogue``: read the environment, serve until SIGTERM or SIGINT."""

import logging
import os
import signal
import sys

import uvicorn

from .settings import Settings, SettingsError
from .web import build_app

SHUTDOWN_TIMEOUT_S = 10  # for requests under way; ECS kills a task 30 s after SIGTERM by default


def main() -> int:
    """Serve; the exit status. 1 with one line on stderr when the environment is wrong, 0 after a clean stop."""
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"catalogue: {error}\n")
        return 1
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("psycopg.pool").setLevel(logging.WARNING)  # it has two lines for each use of a connection
    config = uvicorn.Config(
        build_app(settings),
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
    )
    # uvicorn raises the signal again once it has stopped; these make that the clean end it is.
    signal.signal(signal.SIGTERM, _stopped)
    signal.signal(signal.SIGINT, _stopped)
    server = uvicorn.Server(config)
    server.run()
    return 0 if server.started else 1


def _stopped(_signal: int, _frame: object) -> None:
    """The signal has done its work."""


if __name__ == "__main__":
    sys.exit(main())
