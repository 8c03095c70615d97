"""The cache as the service sees it: a handful of calls that answer or say "not now", never raise, never hang.

Two endpoints. Writes, locks and invalidations go to the primary. Reads go to the reader, whose replica may lag; a
caller that must see its own write reads from the primary. While the primary is out of reach the reader is not asked
either: a write that could not be invalidated must not leave a replica answering with what it replaced.

A call has ``OPERATION_TIMEOUT_S``; failures count in a circuit breaker per endpoint. Once open, calls return at once
and ``watch`` probes in the background. Keys whose invalidation failed are remembered, and deleted before the breaker
closes.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Any, Final, TypeVar

from valkey.asyncio import BlockingConnectionPool, Connection, SSLConnection, Valkey
from valkey.asyncio.retry import Retry
from valkey.backoff import NoBackoff
from valkey.exceptions import ConnectionError as CacheConnectionError
from valkey.exceptions import OutOfMemoryError, ValkeyError

from .breaker import Breaker
from .settings import CacheSettings

OPERATION_TIMEOUT_S: Final = 0.25  # a cache answers in about a millisecond; past this the database is the better bet
CONNECT_TIMEOUT_S: Final = 1.0  # TCP, TLS and AUTH, paid once per connection
CONNECTION_COUNT_MAX: Final = 50
WATCH_INTERVAL_S: Final = 0.25
HEARTBEAT_INTERVAL_S: Final = 5.0
PENDING_COUNT_MAX: Final = 10_000  # invalidations remembered through an outage; past it the oldest rely on their TTL

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Unavailable(Enum):
    """The answer of a call that the cache could not serve; distinct from a missing key (None)."""

    CACHE = "unavailable"


UNAVAILABLE: Final = Unavailable.CACHE


class VerifiedConnection(SSLConnection):
    """TLS with the platform's trust store (or ``SSL_CERT_FILE``) and with the host name checked.

    valkey-py's own context leaves the host name unchecked unless told.
    """

    def __init__(self, *, context: ssl.SSLContext, **options: Any) -> None:  # noqa: ANN401  (valkey-py's)
        super().__init__(**options)
        self._verified_context = context

    def _connection_arguments(self) -> Mapping[str, Any]:
        return {**super()._connection_arguments(), "ssl": self._verified_context}


class Endpoint:
    """One address of the cache, its connections and its breaker."""

    def __init__(
        self, name: str, host: str, port: int, settings: CacheSettings, context: ssl.SSLContext | None
    ) -> None:
        self.name = name
        self.address = f"{host}:{port}"
        self.breaker = Breaker()
        self.last_error = ""
        secured: dict[str, Any] = (
            {"connection_class": VerifiedConnection, "context": context}
            if context
            else {"connection_class": Connection}
        )
        self._pool = BlockingConnectionPool(
            max_connections=CONNECTION_COUNT_MAX,
            timeout=OPERATION_TIMEOUT_S,  # type: ignore[arg-type]  # passed to asyncio, which takes fractions
            host=host,
            port=port,
            username=settings.user,
            password=settings.password,
            socket_timeout=OPERATION_TIMEOUT_S,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            socket_keepalive=True,
            # A connection that a restart or a failover dropped is replaced once, silently; a timeout is not repeated.
            retry=Retry(NoBackoff(), 1, (CacheConnectionError,)),
            retry_on_error=[CacheConnectionError],
            **secured,
        )
        self.client: Valkey = Valkey(connection_pool=self._pool)

    async def call(self, operation: Callable[[Valkey], Awaitable[T]]) -> T | Unavailable:
        """Run one operation if the breaker lets it; every failure is counted and answered with UNAVAILABLE."""
        return await self.probe(operation) if self.breaker.closed else UNAVAILABLE

    async def probe(self, operation: Callable[[Valkey], Awaitable[T]]) -> T | Unavailable:
        """Run one operation whatever the breaker says; success does not close it (see ``Cache.watch``)."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S + OPERATION_TIMEOUT_S):
                result = await operation(self.client)
        except OutOfMemoryError as error:
            self.last_error = str(error)  # it still reads, and it still deletes: no reason to stop asking
            return UNAVAILABLE
        except (ValkeyError, OSError, TimeoutError) as error:
            await self._failed(error)
            return UNAVAILABLE
        if self.breaker.closed:
            self.breaker.record_success()
        return result

    async def _failed(self, error: Exception) -> None:
        self.last_error = f"{type(error).__name__}: {error}"
        if self.breaker.record_failure(time.monotonic()):
            logger.warning("cache %s %s is out of reach, bypassing it: %s", self.name, self.address, self.last_error)
            # New connections resolve the name again, so a failover behind the endpoint is followed.
            await self._pool.disconnect(inuse_connections=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.disconnect()


class Cache:
    """Get, set, lock and unlink on the two endpoints. Answers UNAVAILABLE instead of raising."""

    def __init__(self, settings: CacheSettings) -> None:
        context = ssl.create_default_context() if settings.tls else None
        self.primary = Endpoint("primary", settings.host, settings.port, settings, context)
        same = (settings.host, settings.port) == (settings.reader_host, settings.reader_port)
        self.reader = (
            self.primary if same else Endpoint("reader", settings.reader_host, settings.reader_port, settings, context)
        )
        self._pending: dict[str, None] = {}  # an ordered set
        self._heartbeat_at_s = 0.0

    @property
    def available(self) -> bool:
        """Whether the cache takes part at present."""
        return self.primary.breaker.closed

    async def get(self, key: str, *, primary: bool = False) -> bytes | Unavailable | None:
        """The value of ``key``, None when there is none. From the reader unless ``primary``."""
        if not self.available or key in self._pending:
            return UNAVAILABLE
        if not primary and self.reader.breaker.closed:
            value = await self.reader.call(lambda client: client.get(key))
            if value is not UNAVAILABLE or self.reader is self.primary:
                return value
        return await self.primary.call(lambda client: client.get(key))

    async def set(self, key: str, value: bytes | str, ttl_ms: int) -> bool:
        """Store a value for ``ttl_ms``. False when it could not be."""
        return await self.primary.call(lambda client: client.set(key, value, px=ttl_ms)) is True

    async def set_if_absent(self, key: str, value: str, ttl_ms: int) -> bool | Unavailable:
        """Store a value for ``ttl_ms`` unless the key exists; whether it was stored."""
        stored = await self.primary.call(lambda client: client.set(key, value, px=ttl_ms, nx=True))
        return stored if stored is UNAVAILABLE else bool(stored)

    async def unlink(self, *keys: str) -> bool:
        """Delete keys in one step. False when the cache could not be told."""
        return await self.primary.call(lambda client: client.unlink(*keys)) is not UNAVAILABLE

    async def invalidate(self, *keys: str) -> bool:
        """``unlink`` that is made up for when the cache is back, if it cannot be done now."""
        if await self.unlink(*keys):
            return True
        for key in keys:
            self._pending[key] = None
        while len(self._pending) > PENDING_COUNT_MAX:
            del self._pending[next(iter(self._pending))]
        return False

    async def watch(self) -> None:
        """Probe the endpoints whose breakers are open, and now and then the others. Runs until cancelled."""
        while True:
            now_s = time.monotonic()
            heartbeat = now_s >= self._heartbeat_at_s
            if heartbeat:
                self._heartbeat_at_s = now_s + HEARTBEAT_INTERVAL_S
            for endpoint in {self.primary, self.reader}:
                if endpoint.breaker.probe_due(now_s):
                    await self._try_to_recover(endpoint)
                elif heartbeat and endpoint.breaker.closed:
                    await endpoint.probe(lambda client: client.ping())
            if self._pending and self.available:
                await self._flush_pending()
            await asyncio.sleep(WATCH_INTERVAL_S)

    async def close(self) -> None:
        """Close every connection."""
        for endpoint in {self.primary, self.reader}:
            await endpoint.close()

    async def _try_to_recover(self, endpoint: Endpoint) -> None:
        if await endpoint.probe(lambda client: client.ping()) is UNAVAILABLE:
            return
        if endpoint is self.primary and not await self._flush_pending():
            return
        endpoint.breaker.record_success()
        logger.info("cache %s %s answers again", endpoint.name, endpoint.address)

    async def _flush_pending(self) -> bool:
        """Delete what could not be deleted during the outage; keys leave the list only once they are gone."""
        keys = tuple(self._pending)
        if not keys:
            return True
        if await self.primary.probe(lambda client: client.unlink(*keys)) is UNAVAILABLE:
            return False
        for key in keys:
            self._pending.pop(key, None)
        logger.info("deleted %d keys that were invalidated while the cache was away", len(keys))
        return True
