"""Carries the keys of migrating slots to their new shard. ``core.admin.slot_moves`` decides what is sent."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from cachetwin_engine.core.admin.slot_moves import Batch
from cachetwin_engine.core.cluster.state import ClusterState
from cachetwin_engine.core.cluster.topology import FAILED
from cachetwin_engine.core.engine import Engine
from cachetwin_engine.server.cluster.links import Contexts, LinkedNode, LinkError, NodeLink
from cachetwin_engine.server.logs import log

RETRY_SECONDS: Final = 0.1

Report = Callable[[dict[str, object]], Awaitable[None]]


class MovingNode(LinkedNode, Protocol):
    """What the mover needs of its node."""

    def schedule_drain(self) -> None:
        """Write other sessions' output at the end of the loop's turn."""


class SlotMover:
    """Works while this node is the primary of slots that migrate."""

    def __init__(self, node: MovingNode, contexts: Contexts, report: Report) -> None:
        """``report`` gets ``{"event": "slots moved", ...}`` when no migrating slot has keys left."""
        self._node = node
        self._contexts = contexts
        self._report = report
        self._link: NodeLink | None = None
        self._task: asyncio.Task[None] | None = None

    def topology_changed(self) -> None:
        """Begin, or look again where the keys go."""
        cluster = self._node.engine.cluster
        if cluster is None:
            return
        if self._link is not None and not _takes_keys(cluster, self._link.node_id):
            self._close_link()
        if cluster.migrating and cluster.myself.primary is None and self._task is None:
            self._task = self._node.loop.create_task(self._run(self._node.engine, cluster))

    def close(self) -> None:
        """The node ends."""
        if self._task is not None:
            self._task.cancel()
        self._close_link()

    async def _run(self, engine: Engine, cluster: ClusterState) -> None:
        try:
            while True:
                engine.start_turn()
                batch = engine.slot_moves.next_request()
                if batch is None:
                    break
                if not await self._carry(engine, cluster, batch):
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            self._task = None
            self._close_link()
        if cluster.migrating and engine.slot_moves.is_done():
            ranges = _ranges(sorted(cluster.migrating))
            log.info("slots moved", extra={"fields": {"slots": ranges}})
            await self._report({"event": "slots moved", "slots": ranges, "epoch": cluster.current_epoch})

    async def _carry(self, engine: Engine, cluster: ClusterState, batch: Batch) -> bool:
        """Send one batch and pass the replies on; False if the next attempt should wait."""
        replies: list[bytes] = []
        keys: list[list[bytes]] | None = None
        try:
            link = await self._link_to(cluster, batch)
            if batch.slots:
                keys = await link.ask_lists(batch.request, batch.replies)
            else:
                replies = await link.ask_all(batch.request, batch.replies)
        except LinkError as error:
            self._close_link()
            log.warning("keys of migrating slots can't be sent", extra={"fields": {"reason": str(error)}})
        engine.start_turn()
        if not batch.slots:
            goes_on = engine.slot_moves.answered(batch, replies)
        else:
            goes_on = keys is not None
            if keys is not None:
                engine.slot_moves.has_keys(batch, keys)
        engine.run_pending()
        self._node.schedule_drain()
        return goes_on

    async def _link_to(self, cluster: ClusterState, batch: Batch) -> NodeLink:
        """The connection to a batch's target, made since the last topology: then that node knows who sends."""
        link = self._link
        if link is not None and (link.node_id != batch.target.id or link.epoch != cluster.current_epoch):
            self._close_link()
        if self._link is None:
            self._link = await NodeLink.open(cluster, batch.target, cluster.current_epoch, self._contexts)
        return self._link

    def _close_link(self) -> None:
        if self._link is not None:
            with contextlib.suppress(OSError):
                self._link.close()
            self._link = None


def _takes_keys(cluster: ClusterState, node_id: bytes) -> bool:
    node = cluster.nodes.get(node_id)
    return node is not None and node.primary is None and node.health != FAILED


def _ranges(slots: list[int]) -> list[list[int]]:
    """Sorted slots as first and last of each unbroken run."""
    ranges: list[list[int]] = []
    for slot in slots:
        if ranges and ranges[-1][1] == slot - 1:
            ranges[-1][1] = slot
        else:
            ranges.append([slot, slot])
    return ranges
