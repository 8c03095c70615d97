"""A client-side deadline for work on a PostgreSQL connection.

``statement_timeout`` is the server's, and a server that hangs does not keep it. psycopg's own cancellation asks that
server to stop, and waits. A deadline shuts the socket down instead: whatever waits on the connection then fails at once.
"""

import asyncio
import contextlib
import os
import socket
from types import TracebackType
from typing import Any

from psycopg import AsyncConnection, OperationalError


class Deadline:
    """Entered around the whole use of a connection, its commit included; ``start`` says which one and how long."""

    def __init__(self) -> None:
        self.passed = False
        self._connection: AsyncConnection[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self, connection: AsyncConnection[Any], seconds: float) -> None:
        """Break ``connection`` in ``seconds`` unless the block has ended."""
        self._connection = connection
        self._timer = asyncio.get_running_loop().call_later(seconds, self._pass)

    def cut(self) -> None:
        """Break the connection now."""
        if self._connection is not None:
            with contextlib.suppress(OSError, OperationalError):  # it is closed already
                ours = socket.socket(fileno=os.dup(self._connection.fileno()))
                with ours:
                    ours.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> "Deadline":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection = None
        if self._timer is not None:
            self._timer.cancel()

    def _pass(self) -> None:
        self.passed = True
        self.cut()
