"""Changes the number of shards of a running cache: starts new ones, moves slots, stops those that are left without.

Slots move in steps while clients go on. In a step their sources own them and send their keys; when none is left the next
topology names the new owners (`cachetwin_engine.core.admin.slot_moves`). A node that fails meanwhile is replaced by its
shard; its heir goes on where it was.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.background import first_cause
from cachetwin_local.supervise.cache.cluster.further_shards import further_nodes, next_shard_id
from cachetwin_local.supervise.cache.cluster.slot_plan import SlotMove, even_moves, in_steps, slots_in
from cachetwin_local.supervise.cache.cluster.topology import ClusterTopology
from cachetwin_local.supervise.cache.shard.shard import Shard
from cachetwin_local.topology.values import CacheNode, Endpoint, ShardPattern

__all__ = ["SHARDS_MAX", "Progress", "ShardCount"]

SHARDS_MAX: Final = 500
STEP_SLOTS: Final = 512
_POLL_S: Final = 0.02
_STUCK_S: Final = 60.0  # without one key less; large keys take seconds

Progress = Callable[[str], None]
MakeShard = Callable[[tuple[CacheNode, ...], tuple[Endpoint, ...]], Shard]


class ShardCount:
    """The shards of a cache in cluster mode.

    `shards` is the list that the cache has, and is changed here. `make` makes a shard of nodes, `admit` lets endpoints be
    served (certificates), `changed` is awaited when the topology is another. Moves without progress for `stuck_s` fail.
    """

    def __init__(
        self,
        shards: list[Shard],
        topology: ClusterTopology,
        pattern: ShardPattern,
        *,
        make: MakeShard,
        admit: Callable[[], Awaitable[None]],
        changed: Callable[[], Awaitable[None]],
        stuck_s: float = _STUCK_S,
    ) -> None:
        self._shards = shards
        self._topology = topology
        self._pattern = pattern
        self._make = make
        self._admit = admit
        self._changed = changed
        self._stuck_s = stuck_s

    async def set(self, count: int, progress: Progress) -> None:
        """Add or remove shards until there are `count`, each with an equal part of the slots. Raises UserError."""
        if count < len(self._shards):
            await self._require_room(count)
        if self._topology.open_moves:  # of a change that failed: keys of one slot are in two places
            await self._finish(self._topology.open_moves)
        while len(self._shards) < count:
            await self._add(progress)
        wanted = [shard.id for shard in sorted(self._shards, key=lambda shard: shard.id)[:count]]
        await self._move(even_moves(self._topology.slots, wanted), progress)
        for shard in [shard for shard in self._shards if shard.id not in wanted]:
            await self._remove(shard, progress)

    async def _add(self, progress: Progress) -> None:
        """Start one more shard, with as many nodes as most others have."""
        nodes = [member.node for shard in self._shards for member in shard.members]
        taken = [endpoint for shard in self._shards for endpoint in shard.endpoints]
        shard_id = next_shard_id([shard.id for shard in self._shards])
        count = Counter(len(shard.members) for shard in self._shards).most_common(1)[0][0]
        shard = self._make(*further_nodes(self._pattern, shard_id, nodes, count, taken))
        shard.open()
        self._shards.append(shard)
        try:
            await self._admit()
            await self._changed()
            await shard.start()
        except BaseException as error:
            self._shards.remove(shard)
            await shard.stop()
            await self._changed()
            raise first_cause(error) from error
        progress(f"shard {shard_id} runs, with {count} {'node' if count == 1 else 'nodes'}")

    async def _remove(self, shard: Shard, progress: Progress) -> None:
        """Stop a shard that has no slots."""
        self._shards.remove(shard)
        self._topology.slots.pop(shard.id, None)
        await self._changed()
        await shard.stop()
        shard.tell_of_deletion()
        progress(f"shard {shard.id} is gone")

    async def _move(self, moves: list[SlotMove], progress: Progress) -> None:
        total = sum(_count(move) for move in moves)
        moved = 0
        for step in in_steps(moves, STEP_SLOTS):
            self._topology.begin_moves(step)
            await self._changed()
            await self._finish(step)
            moved += sum(_count(move) for move in step)
            progress(f"{moved} of {total} slots moved")

    async def _finish(self, step: list[SlotMove]) -> None:
        """Give slots to their new owners once their keys have left. Raises UserError where they do not leave.

        Then the slots stay open: clients find each key where it is, and no shard is removed.
        """
        try:
            await self._emptied(step)
        except UserError as error:
            raise UserError(f"{error}; every shard is kept: run `cachetwin scale` again to go on") from None
        self._topology.end_moves()
        await self._changed()

    async def _emptied(self, step: list[SlotMove]) -> None:
        """Return when the sources have no key left in the slots that they give away.

        Raises UserError when no key has left for a minute.
        """
        loop = asyncio.get_running_loop()
        left: dict[str, object] = {}
        moved_at = loop.time()
        waiting: Counter[str] = Counter()
        for move in step:
            waiting[move.source] += _count(move)
        while waiting:
            for shard in [shard for shard in self._shards if shard.id in waiting]:
                with suppress(OSError, UserError):  # its primary is gone: the next one is asked
                    answer = await shard.primary.process.ask("moves")
                    if answer.get("slots") == waiting[shard.id] and answer.get("done") is True:
                        del waiting[shard.id]
                    if left.get(shard.id) != answer.get("keys"):
                        left[shard.id], moved_at = answer.get("keys"), loop.time()
            if waiting and loop.time() - moved_at > self._stuck_s:
                names = ", ".join(f"{name} ({left.get(name, 'unknown')} keys)" for name in sorted(waiting))
                raise UserError(f"no key has left node group {names} for {self._stuck_s:g} s")
            if waiting:
                await asyncio.sleep(_POLL_S)

    async def _require_room(self, count: int) -> None:
        """Raise UserError where the data does not fit into `count` shards."""
        used = room = 0
        for shard in self._shards:
            info = str((await shard.primary.process.ask("info"))["info"])
            fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
            used += int(fields.get("used_memory_dataset", "0"))
            room = shard.primary.node.maxmemory_bytes
        if room and used > count * room:
            raise UserError(f"the data, {used} bytes, does not fit into {count} shards of {room} bytes")


def _count(move: SlotMove) -> int:
    return sum(1 for _ in slots_in(move.slots))
