"""Serves an application until SIGTERM or SIGINT."""

import logging
import signal
import sys
from typing import Final

import uvicorn
from starlette.applications import Starlette

SHUTDOWN_TIMEOUT_S: Final = 10  # for requests under way; ECS kills a task 30 s after SIGTERM by default


def serve(app: Starlette, host: str, port: int) -> int:
    """The exit status: 0 after a clean stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("psycopg.pool").setLevel(logging.WARNING)  # it has two lines for each use of a connection
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
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
