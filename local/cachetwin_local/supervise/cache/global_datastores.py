"""Global datastores: which region is written, and which follow it.

The primary of each shard of a secondary follows the primary of the shard with the same id in the region that is written.
`cachetwin up` begins with the primary of the template; `fail_over` makes another region the primary.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.cache.cache import CacheActor
from cachetwin_local.supervise.cache.shard.member import Member
from cachetwin_local.supervise.cache.shard.shard import Shard
from cachetwin_local.supervise.cache.shard.upstream import Upstream
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import GlobalDatastore, GlobalMember

__all__ = ["GlobalDatastores"]

_CATCH_UP_S: Final = 10.0
_POLL_S: Final = 0.01


class GlobalDatastores:
    """The global datastores of what runs. `caches` are the caches that run, `datastores` those of the topology."""

    def __init__(
        self,
        run_context: RunContext,
        caches: Callable[[], Sequence[CacheActor]],
        datastores: Callable[[], Sequence[GlobalDatastore]],
    ) -> None:
        self._run_context = run_context
        self._caches = caches
        self._datastores = datastores
        self._promoted: dict[str, str] = {}
        self._moving = asyncio.Lock()

    def upstream(self, group: str) -> Callable[[str], Upstream]:
        """Makes the link of a shard of the group `group`, by the shard's id."""

        def of_shard(shard_id: str) -> Upstream:
            return Upstream(lambda: self._is_secondary(group), lambda: self._source(group, shard_id))

        return of_shard

    def refuse_member(self, cache: CacheActor, operation: str) -> None:
        """Raise UserError for a cache that belongs to a global datastore."""
        datastore = self._of(cache.name)
        if datastore is not None:
            raise UserError(
                f"{cache.name} is a member of the global datastore {datastore.identity.physical_name}: "
                f"{operation} is not possible for one region alone"
            )

    def rows(self) -> list[dict[str, object]]:
        """The members as `status` shows them; lags are in bytes of the replication stream."""
        return [self._row(one, member) for one in self._datastores() for member in one.members]

    async def fail_over(self, name: str, region: str | None) -> str:
        """FailoverGlobalReplicationGroup: the member in `region` takes the writes. Returns a sentence. Raises UserError.

        `region` may also be the name of the member, where two are in one region.
        """
        datastore = self._find(name)
        members = {member.group: member for member in datastore.members}
        old = members[self._primary(datastore)]
        target = self._member(datastore, region)
        if target is old:
            raise UserError(f"{_place(old)} is the primary of {name} already")
        if self._moving.locked():
            raise UserError(f"{name} is being modified: a failover is under way; try again when that is done")
        async with self._moving:
            self._tell(datastore, f"Failover of global datastore from {_place(old)} to {_place(target)} started")
            try:
                await self._move(datastore, old, target)
            except (OSError, UserError):
                self._tell(datastore, f"Failover of global datastore from {_place(old)} to {_place(target)} failed")
                raise
            self._tell(datastore, f"Failover of global datastore from {_place(old)} to {_place(target)} completed")
        return f"{_place(target)} is the primary of {name} now"

    async def _move(self, datastore: GlobalDatastore, old: GlobalMember, target: GlobalMember) -> None:
        old_shards, new_shards = self._shards(old.group), self._shards(target.group)
        if {shard.id for shard in old_shards} - {shard.id for shard in new_shards}:
            raise UserError(f"{target.group} must have the shards of {old.group}, got fewer")
        ends = {shard.id: await shard.step_down() for shard in old_shards}
        late = [shard for shard in new_shards if not await _caught_up(shard, ends.get(shard.id))]
        if late:
            for shard in old_shards:
                await shard.take_role()
            raise UserError(
                f"{target.group} has not all data after {_CATCH_UP_S:g} s (shard {late[0].id}): see `cachetwin status`"
            )
        self._promoted[datastore.identity.key] = target.group
        for shard in new_shards:
            await shard.take_role()
        for member in datastore.members:
            for shard in self._shards(member.group) if member is not target else ():
                with suppress(OSError, UserError):  # it is gone: its link is made when it is back
                    await shard.take_role()

    def _shards(self, group: str) -> list[Shard]:
        return next((cache.shards for cache in self._caches() if cache.name == group), [])

    def _of(self, group: str) -> GlobalDatastore | None:
        found = (one for one in self._datastores() if any(member.group == group for member in one.members))
        return next(found, None)

    def _primary(self, datastore: GlobalDatastore) -> str:
        promoted = self._promoted.get(datastore.identity.key)
        groups = [member.group for member in datastore.members]
        return promoted if promoted in groups else groups[0]

    def _is_secondary(self, group: str) -> bool:
        datastore = self._of(group)
        return datastore is not None and self._primary(datastore) != group

    def _source(self, group: str, shard_id: str) -> Member | None:
        datastore = self._of(group)
        shards = self._shards(self._primary(datastore)) if datastore is not None else []
        return next((shard.primary for shard in shards if shard.id == shard_id), None)

    def _find(self, name: str) -> GlobalDatastore:
        known = self._datastores()
        found = [one for one in known if name.lower() in _names_of(one)]
        if len(found) != 1:
            ids = ", ".join(one.identity.physical_name for one in known)
            raise UserError(f"a region is for a global datastore: it must be one of {ids or 'none'}, got {name}")
        return found[0]

    @staticmethod
    def _member(datastore: GlobalDatastore, region: str | None) -> GlobalMember:
        found = [one for one in datastore.members if region in {one.region, one.group, one.group.partition("/")[0]}]
        if len(found) == 1:
            return found[0]
        places = ", ".join(_place(member) for member in datastore.members)
        if found:
            raise UserError(f"region {region} has several members: name one of {places}")
        raise UserError(f"region must be that of a member ({places}), got {region or 'none'}")

    def _row(self, datastore: GlobalDatastore, member: GlobalMember) -> dict[str, object]:
        shards, is_secondary = self._shards(member.group), self._is_secondary(member.group)
        states = [shard.primary.process.state for shard in shards]
        linked = bool(states) and all(state is not None and state.is_linked for state in states)
        return {
            "global_datastore": datastore.identity.physical_name,
            "resource": member.group,
            "region": member.region,
            "role": "secondary" if is_secondary else "primary",
            "link": ("connected" if linked else "down") if is_secondary else "",
            "lag_bytes": sum(_lag(shard) for shard in shards) if is_secondary else 0,
        }

    def _tell(self, datastore: GlobalDatastore, message: str) -> None:
        name = datastore.identity.physical_name
        self._run_context.service_events.write("replication-group", name, message, datastore.identity.key)
        for member in datastore.members:
            self._run_context.logs.write(member.group, f"[cachetwin] event of {name}: {message}")


def _names_of(datastore: GlobalDatastore) -> set[str]:
    """The names by which people may call a global datastore, in lower case."""
    identity = datastore.identity
    suffix = identity.physical_name.partition("-")[2]
    return {name.lower() for name in (*identity.names, identity.physical_name, suffix)}


def _place(member: GlobalMember) -> str:
    return f"{member.group} in {member.region}"


def _lag(shard: Shard) -> int:
    """How far the primary of a secondary's shard is behind, as the last answers have it."""
    source, state = shard.upstream.source(), shard.primary.process.state
    if source is None or source.process.state is None or state is None:
        return 0
    return max(0, source.process.state.offset - state.offset)


async def _caught_up(shard: Shard, offset: int | None) -> bool:
    """Whether a shard gets as far as `offset` in time; where the old primary is gone, what it has is all there is."""
    if offset is None:
        return True
    with suppress(TimeoutError):
        async with asyncio.timeout(_CATCH_UP_S):
            while True:
                with suppress(OSError, UserError):  # its primary is gone: the next one is asked
                    if (await shard.primary.process.ask_state()).offset >= offset:
                        return True
                await asyncio.sleep(_POLL_S)
    return False
