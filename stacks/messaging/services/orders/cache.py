"""Connections to the cache, with TLS that is verified and limits on every wait."""

import asyncio
import logging
from contextlib import suppress
from typing import Any, Final

from valkey.asyncio import Valkey
from valkey.asyncio.retry import Retry
from valkey.backoff import NoBackoff
from valkey.exceptions import ConnectionError as CacheConnectionError
from valkey.exceptions import ReadOnlyError, ResponseError

from .settings import CacheSettings

CONNECT_TIMEOUT_S: Final = 2.0
OPERATION_TIMEOUT_S: Final = 2.0
PAUSE_FIRST_S: Final = 0.1
PAUSE_MAX_S: Final = 5.0

# What a node replies while another takes over from it: as good as no answer, and there will be one.
_FAILING_OVER: Final = ("READONLY", "UNBLOCKED", "LOADING", "MASTERDOWN")

logger = logging.getLogger(__name__)


def is_failing_over(error: ResponseError) -> bool:
    """Whether the node says that it is no primary, or none yet; a new connection leads to the one that is."""
    return any(word in str(error) for word in _FAILING_OVER) or isinstance(error, ReadOnlyError)


def connect(settings: CacheSettings, *, patience_s: float = OPERATION_TIMEOUT_S) -> Valkey:
    """A client that connects with its first command. ``patience_s`` is how long any reply may take."""
    options: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "username": settings.user,
        "password": settings.password,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": patience_s,
        "socket_keepalive": True,
        "decode_responses": True,
        # A connection that a failover dropped is replaced once, silently.
        "retry": Retry(NoBackoff(), 1, (CacheConnectionError,)),
        "retry_on_error": [CacheConnectionError],
    }
    if settings.tls:
        # The platform's trust store, or SSL_CERT_FILE; valkey-py leaves the host name unchecked unless told.
        options |= {"ssl": True, "ssl_cert_reqs": "required", "ssl_check_hostname": True}
    return Valkey(**options)


class Pause:
    """How long to wait before the next try: twice as long each time, up to ``PAUSE_MAX_S``, until one succeeds."""

    def __init__(self) -> None:
        self._next_s = PAUSE_FIRST_S

    def succeeded(self) -> None:
        """The next failure is the first again."""
        self._next_s = PAUSE_FIRST_S

    async def failed(self, error: Exception, stopping: asyncio.Event) -> None:
        """Say so and wait, but not longer than until ``stopping`` is set."""
        delay_s, self._next_s = self._next_s, min(self._next_s * 2, PAUSE_MAX_S)
        logger.warning("the cache is out of reach, next try in %.1f s: %s", delay_s, error)
        with suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await stopping.wait()
