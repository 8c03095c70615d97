"""The nodes of the cluster as the storefront sees them: calls that answer or say "not now", never raise, never hang.

Keys are spread by rendezvous hashing over the ids of the nodes: a node that is added or removed takes or leaves its own
share of the keys, and the others keep theirs. A node that does not answer keeps its keys too: they are answered by the
database until it is back. Moving them to other nodes would bring old values to light when it comes back.

pymemcache's clients block, so calls run in threads, a bounded number at once.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import anyio
from pymemcache.client.base import PooledClient
from pymemcache.client.rendezvous import RendezvousHash
from pymemcache.exceptions import MemcacheUnexpectedCloseError
from stacks.web_app.service.catalogue.limits.breaker import Breaker

from .discovery import DiscoveryError, Members, NamedContext, Node, discover
from .settings import CacheSettings

CONNECT_TIMEOUT_S: Final = 1.0
OPERATION_TIMEOUT_S: Final = 0.5
CALLS_AT_ONCE: Final = 24
WATCH_INTERVAL_S: Final = 0.25
PAUSE_S_MAX: Final = 1.0
CHANGED: Final = b""
"""The value of a key that was just changed: no answer, and in the way of a fill that began before."""

CHANGED_SECONDS: Final = 6
"""Longer than a fill may take (the database's statement timeout and the use of its connection)."""

logger = logging.getLogger(__name__)
State = Literal["hit", "miss", "changed", "away"]


@dataclass(frozen=True, slots=True)
class Found:
    """What a node has for a key; ``node`` is its id, empty where there is no node at all."""

    state: State
    node: str
    value: bytes = b""


@dataclass(slots=True)
class Member:
    """A node, the connections to it, and whether it answers."""

    node: Node
    client: PooledClient
    breaker: Breaker = field(default_factory=lambda: Breaker(pause_s_max=PAUSE_S_MAX))
    doubted: set[str] = field(default_factory=set)  # keys whose change it was not told of


class Cluster:
    """Get, add and invalidate on whichever node has the key."""

    def __init__(self, settings: CacheSettings) -> None:
        self._settings = settings
        self._context = ssl.create_default_context() if settings.tls else None
        self._limiter = anyio.CapacityLimiter(CALLS_AT_ONCE)
        self._members: dict[str, Member] = {}
        self._hash = RendezvousHash()
        self._asked_at_s = float("-inf")
        self.version = 0
        self.last_error = "the configuration endpoint was not asked yet"

    @property
    def available(self) -> bool:
        """Whether there are nodes, and every one of them answers."""
        return bool(self._members) and all(member.breaker.closed for member in self._members.values())

    def nodes(self) -> list[dict[str, Any]]:
        """The nodes, for people."""
        return [
            {
                "id": one.node.id,
                "host": one.node.host,
                "address": f"{one.node.address}:{one.node.port}",
                "status": "up" if one.breaker.closed else "down",
            }
            for one in self._members.values()
        ]

    async def get(self, key: str) -> Found:
        """What the key's node has."""
        member = self._member_of(key)
        if member is None:
            return Found("away", "")
        if key in member.doubted:
            return Found("away", member.node.id)
        value = await self._call(member, lambda: member.client.get(key, default=None), failed=_FAILED)
        if value is _FAILED:
            return Found("away", member.node.id)
        if value is None:
            return Found("miss", member.node.id)
        return Found("changed", member.node.id) if value == CHANGED else Found("hit", member.node.id, value)

    async def add(self, key: str, value: bytes, seconds: int) -> None:
        """Store a value unless the key has one: where another filled it, or it was changed meanwhile, that stays."""
        member = self._member_of(key)
        if member is not None:
            await self._call(member, lambda: member.client.add(key, value, expire=seconds, noreply=False))

    async def invalidate(self, key: str) -> None:
        """Forget a value, and for a while what was read before. A node that is away is told when it is back."""
        member = self._member_of(key)
        if member is None:
            return
        if not await self._call(member, lambda: _mark(member.client, key)):
            member.doubted.add(key)

    async def watch(self) -> None:
        """Follow the list of nodes, and notice nodes that are back. Runs until cancelled."""
        while True:
            now_s = time.monotonic()
            if now_s - self._asked_at_s >= (self._settings.discovery_seconds if self._members else 1):
                self._asked_at_s = now_s
                await self._discover()
            for member in list(self._members.values()):
                if member.breaker.probe_due(now_s):
                    await self._probe(member)
            await asyncio.sleep(WATCH_INTERVAL_S)

    def close(self) -> None:
        """Close every connection."""
        for member in self._members.values():
            member.client.close()

    async def _discover(self) -> None:
        settings = self._settings
        try:
            members = await self._in_thread(
                lambda: discover(settings.host, settings.port, self._context, CONNECT_TIMEOUT_S)
            )
        except DiscoveryError as error:
            if not self.last_error:
                logger.warning("the nodes stay as they are known: %s", error)
            self.last_error = str(error)
        else:
            self.last_error = ""
            self._take(members)

    def _take(self, members: Members) -> None:
        """Make the nodes those of the list; connections to nodes that stay, stay."""
        wanted = {node.id: node for node in members.nodes}
        for node_id, member in list(self._members.items()):
            if wanted.get(node_id) != member.node:
                member.client.close()
                del self._members[node_id]
        for node_id, node in wanted.items():
            if node_id not in self._members:
                self._members[node_id] = Member(node, self._client(node))
        self._members = dict(sorted(self._members.items()))
        self._hash = RendezvousHash(list(self._members))
        if members.version != self.version:
            logger.info("version %d of the cluster has the nodes %s", members.version, ", ".join(self._members))
        self.version = members.version

    def _client(self, node: Node) -> PooledClient:
        return PooledClient(
            (node.address, node.port),
            connect_timeout=CONNECT_TIMEOUT_S,
            timeout=OPERATION_TIMEOUT_S,
            no_delay=True,
            tls_context=NamedContext(self._context, node.host) if self._context is not None else None,
        )

    def _member_of(self, key: str) -> Member | None:
        return self._members.get(str(self._hash.get_node(key))) if self._members else None

    async def _call(self, member: Member, operation: Callable[[], Any], failed: Any = None) -> Any:  # noqa: ANN401
        """The operation's result; ``failed`` where the node is out of reach, which its breaker counts."""
        if not member.breaker.closed:
            return failed
        try:
            result = await self._in_thread(operation)
        except Exception as error:  # noqa: BLE001  (no failure of a cache, of whatever kind, fails a request)
            if member.breaker.record_failure(time.monotonic()):
                logger.warning("node %s is out of reach, its keys go to the database: %s", member.node.id, error)
            return failed
        member.breaker.record_success()
        return result

    async def _probe(self, member: Member) -> None:
        """Ask a node that was away for a sign of life; forget what was changed meanwhile before it is read again."""
        doubted = list(member.doubted)

        def reach() -> None:
            member.client.version()
            for key in doubted:
                _mark(member.client, key)

        try:
            await self._in_thread(reach)
        except Exception:  # noqa: BLE001  (whatever it is, the node is not back)
            member.breaker.record_failure(time.monotonic())
            return
        member.doubted.difference_update(doubted)
        member.breaker.record_success()
        logger.info("node %s answers again", member.node.id)

    async def _in_thread(self, operation: Callable[[], Any]) -> Any:  # noqa: ANN401  (whatever it returns)
        return await anyio.to_thread.run_sync(_on_a_live_connection, operation, limiter=self._limiter)


_FAILED: Final = object()
_DROPPED: Final = (
    MemcacheUnexpectedCloseError,
    BrokenPipeError,
    ConnectionAbortedError,
    ConnectionResetError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)


def _mark(client: PooledClient, key: str) -> bool:
    """Put the mark of a change in the key's place."""
    return bool(client.set(key, CHANGED, expire=CHANGED_SECONDS, noreply=False))


def _on_a_live_connection(operation: Callable[[], Any]) -> Any:  # noqa: ANN401  (whatever it returns)
    """Run the operation; again where its connection was one that a restart of the node had dropped."""
    for _ in range(CALLS_AT_ONCE):
        with suppress(*_DROPPED):
            return operation()
    return operation()
