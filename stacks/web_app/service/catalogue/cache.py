"""The cache as the service sees it: a handful of calls that answer or say "not now", never raise, never hang.

Two endpoints. Writes, locks and invalidations go to the primary. Reads go to the reader, whose replica may lag; a
caller that must see its own write reads from the primary. While the primary is out of reach the reader is not asked
either: a write that could not be invalidated must not leave a replica answering with what it replaced.

A call has ``OPERATION_TIMEOUT_S``; failures count in a circuit breaker per endpoint. Once open, calls return at once
and ``watch`` probes in the background. A call that finds every connection in use is no failure of the cache and does
not count.

Keys whose invalidation failed are doubted: no read uses them until they are deleted, which is before the breaker
closes. ``doubt`` adds those that another process could not delete.

A replica is trusted while it shows, at each heartbeat, the token that was written to the primary at the one before.
One that lost its primary, or has yet to copy a primary that came back, is left alone.
"""

import asyncio
import contextlib
import logging
import secrets
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Final, TypeVar

from valkey.asyncio import Connection, ConnectionPool, SSLConnection, Valkey
from valkey.asyncio.retry import Retry
from valkey.backoff import NoBackoff
from valkey.exceptions import ConnectionError as CacheConnectionError
from valkey.exceptions import OutOfMemoryError, WatchError

from .limits.breaker import Breaker
from .limits.gate import Busy, Gate
from .settings import KEY_PREFIX, CacheSettings

OPERATION_TIMEOUT_S: Final = (
    0.5  # a cache answers in about a millisecond, and this process may be busy itself for a while
)
CONNECT_TIMEOUT_S: Final = 1.0  # TCP, TLS and AUTH, paid once per connection
CONNECTION_COUNT_MAX: Final = 10  # more answer no sooner from one event loop, and each costs a TLS handshake
WAITING_COUNT_MAX: Final = 1_000
TURN_TIMEOUT_S: Final = 2.0  # in the line for a connection, while the cache answers others
WATCH_INTERVAL_S: Final = 0.25
HEARTBEAT_INTERVAL_S: Final = 1.0
PAUSE_S_MAX: Final = 1.0  # between probes: one PING a second harms no cache that comes back
TOKEN_TTL_MS: Final = 60_000
DOUBTED_COUNT_MAX: Final = 10_000  # remembered through an outage; past it the oldest rely on their TTL

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
        self.breaker = Breaker(pause_s_max=PAUSE_S_MAX)
        self.last_error = ""
        self._gate = Gate(CONNECTION_COUNT_MAX, waiting_max=WAITING_COUNT_MAX, wait_s=TURN_TIMEOUT_S)
        self._options: dict[str, Any] = {
            "max_connections": CONNECTION_COUNT_MAX + 1,  # the gate's, and the watcher's
            "host": host,
            "port": port,
            "username": settings.user,
            "password": settings.password,
            "socket_timeout": OPERATION_TIMEOUT_S,
            "socket_connect_timeout": CONNECT_TIMEOUT_S,
            "socket_keepalive": True,
            # A connection that a restart or a failover dropped is replaced once, silently; a timeout is not repeated.
            "retry": Retry(NoBackoff(), 1, (CacheConnectionError,)),
            "retry_on_error": [CacheConnectionError],
            "connection_class": VerifiedConnection if context else Connection,
            **({"context": context} if context else {}),
        }
        self._client = self._new_client()
        self._closing: set[asyncio.Task[None]] = set()

    def _new_client(self) -> Valkey:
        return Valkey(connection_pool=ConnectionPool(**self._options))

    async def call(self, operation: Callable[[Valkey], Awaitable[T]]) -> T | Unavailable:
        """Run one operation if the breaker lets it; every failure is counted and answered with UNAVAILABLE."""
        if not self.breaker.closed:
            return UNAVAILABLE
        try:
            async with self._gate.turn():
                return await self.probe(operation) if self.breaker.closed else UNAVAILABLE
        except Busy:
            return UNAVAILABLE

    async def probe(self, operation: Callable[[Valkey], Awaitable[T]]) -> T | Unavailable:
        """Run one operation whatever the breaker says; success does not close it (see ``Cache.watch``)."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S + OPERATION_TIMEOUT_S):
                result = await operation(self._client)
        except OutOfMemoryError as error:
            self.last_error = str(error)  # it still reads, and it still deletes: no reason to stop asking
            return UNAVAILABLE
        except Exception as error:  # noqa: BLE001  (no failure of a cache, of whatever kind, fails a request)
            self._failed(error)
            return UNAVAILABLE
        if self.breaker.closed:
            self.breaker.record_success()
        return result

    def _failed(self, error: Exception) -> None:
        self.last_error = f"{type(error).__name__}: {error}"
        if not self.breaker.record_failure(time.monotonic()):
            return
        logger.warning("cache %s %s is out of reach, bypassing it: %s", self.name, self.address, self.last_error)
        # New connections resolve the name again, so a failover behind the endpoint is followed.
        task = asyncio.ensure_future(_close(self._client))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        self._client = self._new_client()

    async def close(self) -> None:
        """Close every connection; waits a bounded time."""
        await asyncio.gather(_close(self._client), *self._closing)


async def _close(client: Valkey) -> None:
    """Close a client's connections. With TLS that waits for an answer, which a server that hangs does not give."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await client.connection_pool.disconnect()


class Cache:
    """Get, set, lock and unlink on the two endpoints. Answers UNAVAILABLE instead of raising."""

    def __init__(self, settings: CacheSettings) -> None:
        context = ssl.create_default_context() if settings.tls else None
        self.primary = Endpoint("primary", settings.host, settings.port, settings, context)
        same = (settings.host, settings.port) == (settings.reader_host, settings.reader_port)
        self.reader = (
            self.primary if same else Endpoint("reader", settings.reader_host, settings.reader_port, settings, context)
        )
        self._doubted: dict[str, int] = {}  # in order, each with the number of its last doubt
        self._doubt_number = 0
        self.reader_is_current = True  # as far as is known
        self._token_key = f"{KEY_PREFIX}token:{secrets.token_hex(8)}"
        self._token = ""
        self._heartbeat_at_s = 0.0

    @property
    def available(self) -> bool:
        """Whether the cache takes part at present."""
        return self.primary.breaker.closed

    async def get(self, key: str, *, primary: bool = False) -> bytes | Unavailable | None:
        """The value of ``key``, None when there is none. From the reader unless ``primary``."""
        if not self.available or key in self._doubted:
            return UNAVAILABLE
        value: bytes | Unavailable | None = UNAVAILABLE
        if not primary and self.reader_is_current and self.reader.breaker.closed:
            value = await self.reader.call(lambda client: client.get(key))
        if value is UNAVAILABLE and (primary or self.reader is not self.primary):
            value = await self.primary.call(lambda client: client.get(key))
        return UNAVAILABLE if key in self._doubted else value

    async def set(self, key: str, value: bytes | str, ttl_ms: int) -> bool:
        """Store a value for ``ttl_ms``. False when it could not be."""
        return await self.primary.call(lambda client: client.set(key, value, px=ttl_ms)) is True

    async def set_while(self, key: str, value: bytes, ttl_ms: int, lock: str, token: str) -> bool:
        """Store a value for ``ttl_ms`` in one step with a look at ``lock``: only if it still holds ``token``.

        Whether it was stored; False too where the cache did not answer, which may have stored it while the lock was there.
        """

        async def store(client: Valkey) -> bool:
            async with client.pipeline(transaction=True) as steps:
                await steps.watch(lock)
                if await steps.get(lock) != token.encode():
                    return False
                steps.multi()  # type: ignore[no-untyped-call]  # valkey-py's
                steps.set(key, value, px=ttl_ms)
                try:
                    await steps.execute()
                except WatchError:  # the lock went, or the connection
                    return False
                return True

        return await self.primary.call(store) is True

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
        self.doubt(keys)
        return False

    def doubt(self, keys: Iterable[str]) -> None:
        """Let no read use ``keys`` until this process has deleted them."""
        self._doubt_number += 1
        for key in keys:
            self._doubted[key] = self._doubt_number
        while len(self._doubted) > DOUBTED_COUNT_MAX:
            del self._doubted[next(iter(self._doubted))]

    async def watch(self) -> None:
        """Probe the endpoints whose breakers are open, and now and then the others. Runs until cancelled."""
        while True:
            heartbeat = time.monotonic() >= self._heartbeat_at_s
            if heartbeat:
                self._heartbeat_at_s = time.monotonic() + HEARTBEAT_INTERVAL_S
            await asyncio.gather(
                *(self._look_at(endpoint, heartbeat=heartbeat) for endpoint in {self.primary, self.reader})
            )
            if self._doubted and self.available:
                await self._delete_doubted()
            if heartbeat and self.reader is not self.primary:
                await self._compare_reader()
            await asyncio.sleep(WATCH_INTERVAL_S)

    async def close(self) -> None:
        """Close every connection."""
        for endpoint in {self.primary, self.reader}:
            await endpoint.close()

    async def _look_at(self, endpoint: Endpoint, *, heartbeat: bool) -> None:
        if endpoint.breaker.probe_due(time.monotonic()):
            await self._try_to_recover(endpoint)
        elif heartbeat and endpoint.breaker.closed:
            await endpoint.probe(lambda client: client.ping())

    async def _try_to_recover(self, endpoint: Endpoint) -> None:
        if await endpoint.probe(lambda client: client.ping()) is UNAVAILABLE:
            return
        if endpoint is self.primary:
            self.reader_is_current = False  # until it shows what is written from now on
            self._token = ""
            if not await self._delete_doubted():
                return
        endpoint.breaker.record_success()
        logger.info("cache %s %s answers again", endpoint.name, endpoint.address)

    async def _compare_reader(self) -> None:
        """Look for the last heartbeat's token at the reader, and write the next one to the primary."""
        shown = await self.reader.call(lambda client: client.get(self._token_key)) if self._token else None
        current = isinstance(shown, bytes) and shown.decode() == self._token
        if self.reader_is_current and not current and self._token and shown is not UNAVAILABLE:
            logger.warning("cache reader %s does not follow the primary, leaving it alone", self.reader.address)
        if self._token:
            self.reader_is_current = current
        token = secrets.token_hex(8)
        self._token = token if await self.set(self._token_key, token, TOKEN_TTL_MS) else ""

    async def _delete_doubted(self) -> bool:
        """Delete what could not be deleted during the outage; keys leave the list only once they are gone."""
        doubted = dict(self._doubted)
        if not doubted:
            return True
        if await self.primary.probe(lambda client: client.unlink(*doubted)) is UNAVAILABLE:
            return False
        for key, number in doubted.items():
            if self._doubted.get(key) == number:  # not doubted once more in the meantime
                del self._doubted[key]
        logger.info("deleted %d keys that could not be deleted when they changed", len(doubted))
        return True
