"""The nodes of one shard: who is the primary, who follows it, and what happens when one of them fails.

Each node has a task that watches its process. A change of roles holds the lock `_changing`; a node that is replaced starts
outside it, so that another failure is handled meanwhile. What a primary sent before it died is still in the sockets of its
replicas; they are asked how far they are when they have read it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.background import BackgroundTasks, describe, first_cause
from cachetwin_local.supervise.cache.cache_endpoints import MovingEndpoint, SpreadEndpoint
from cachetwin_local.supervise.cache.node import NodeProcess
from cachetwin_local.supervise.cache.node_settings import NodeSettings
from cachetwin_local.supervise.cache.shard.events import NODE_ID, ShardEvents
from cachetwin_local.supervise.cache.shard.member import Member
from cachetwin_local.supervise.cache.shard.next_node import next_node
from cachetwin_local.supervise.cache.shard.replication import drained, follow, furthest
from cachetwin_local.supervise.cache.shard.upstream import Upstream
from cachetwin_local.supervise.events import State
from cachetwin_local.supervise.parts import Part
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import CacheNode, Endpoint

__all__ = ["Shard"]

_POLL_S = 0.02
_POLL_MAX_S = 0.2
_SYNC_S = 600.0
_BACKOFF_MAX_S = 60.0
_RELINK_S = 0.1
_RELINK_POLLS = 10


class Shard:
    """One node group of the cache `cache`: `nodes` in the order of the template, the first is the primary.

    `primary_endpoint` follows the primary, if there is one. `spare_endpoints` are for nodes that are added. `seed` are
    snapshot files with the data that it starts with. `changed` is awaited whenever the nodes that serve, or their roles,
    have changed. `group_id` is the replication group's id, for events; empty where the service writes none. `upstream` is
    the link to another region.
    """

    def __init__(
        self,
        run_context: RunContext,
        cache: str,
        settings: NodeSettings,
        nodes: tuple[CacheNode, ...],
        group_id: str,
        *,
        primary_endpoint: MovingEndpoint | None,
        automatic_failover: bool,
        changed: Callable[[], Awaitable[None]],
        spare_endpoints: tuple[Endpoint, ...] = (),
        seed: tuple[str, ...] = (),
        upstream: Upstream | None = None,
    ) -> None:
        self.id = nodes[0].shard
        self._run_context = run_context
        self._cache = cache
        self._settings = settings
        self._group_id = group_id
        self._events = ShardEvents(run_context, cache, group_id)
        self._primary_endpoint = primary_endpoint
        self.automatic_failover = automatic_failover
        self._seed = seed
        self.upstream = upstream or Upstream()
        self._changed = changed
        self._changing = asyncio.Lock()
        self._scaling = asyncio.Lock()
        self._zones = tuple(node.availability_zone for node in nodes)
        self.endpoints = tuple(dict.fromkeys([*(node.endpoint for node in nodes), *spare_endpoints]))
        self._tasks = BackgroundTasks(run_context, cache, "cache")
        self._started = False
        self.members: list[Member] = [self._member(node, node.role) for node in nodes]
        self.primary = self.members[0]

    # Life

    def open(self) -> None:
        """Open the sockets of the nodes' own endpoints. Raises UserError."""
        for member in self.members:
            self._open(member)

    async def start(self) -> None:
        """Start every node, let the replicas follow, and return when all serve. Raises UserError."""
        async with asyncio.TaskGroup() as tasks:
            for member in self.members:
                tasks.create_task(self._start(member))
        if self._seed:
            await self.primary.process.load(self._seed)
        async with self._changing:
            await self._lead(self.primary)
            await self.upstream.in_step(self.primary)
            for member in self._replicas():
                await follow(member, self.primary)
        for member in self._replicas():
            await self._in_step(member)
            member.available = True
        for member in self.members:
            await member.own.give(member.process)
        await self._changed()
        for member in self.members:
            self._report(member, "ready", "")
            self._events.created(member.node)
            self._watch(member)
        self._started = True

    def tell_of_deletion(self) -> None:
        """Write the events of a shard that is gone, and forget its nodes."""
        for member in self.members:
            self._run_context.parts.forget(self._cache, member.node.member_id)
            self._events.write("cache-cluster", member.node.member_id, "Cache cluster deleted")

    async def stop(self) -> None:
        """Stop watching, stop every node, close the sockets."""
        await self._tasks.stop()
        await asyncio.gather(*(member.process.stop() for member in self.members))
        for member in self.members:
            member.own.close()

    # What people and the service ask for

    async def fail_over(self) -> None:
        """TestFailover: the primary goes down, a replica takes its place. Raises UserError."""
        self._require_replica()
        self._events.write("replication-group", self._group_id, f"Test Failover API called for node group {self.id}")
        await self.primary.process.kill()  # its watch does the rest

    async def hand_over(self) -> None:
        """A planned failover, as in an update: the primary becomes a replica and stays up. Raises UserError."""
        self._require_replica()
        async with self._changing:
            old = self.primary
            new = await self._demote(old)
            await follow(old, new)
        await self._in_step(old)
        old.available = True
        self._report(old, "ready", "")
        await self._changed()

    async def reboot(self, member: Member) -> None:
        """RebootCacheCluster: the node restarts, without its data unless it is a replica."""
        self._events.write("cache-cluster", member.node.member_id, f"Cache node {NODE_ID} shutdown")
        await self._tasks.stop_one(_watch_of(member))
        await member.process.kill()
        async with self._changing:
            await self._leave(member, "rebooting")
        await self._bring_back(member)
        self._events.write("cache-cluster", member.node.member_id, f"Cache node {NODE_ID} restarted")
        self._watch(member)

    async def step_down(self) -> int | None:
        """Take no more writes, for another region will. Returns how far the data is, None where the primary is gone."""
        async with self._changing:
            with suppress(OSError, UserError):
                endpoint = self.primary.node.endpoint
                await self.primary.process.ask("follow", host=endpoint.address, port=endpoint.port)
                return (await self.primary.process.ask_state()).offset
        return None

    async def take_role(self) -> None:
        """Let the primary take writes, or follow the region that does. Raises UserError or OSError."""
        async with self._changing:
            await self.upstream.lead(self.primary)

    async def renew_link(self) -> None:
        """Connect the primary again to the region that it follows, where that is needed, or let it follow none."""
        if self.primary.available and (self.upstream.is_secondary() or self.upstream.is_outdated):
            async with self._changing:
                with suppress(OSError, UserError):  # it is gone: its own watch sees to it
                    if self.upstream.is_outdated:
                        await self.upstream.lead(self.primary)
                    else:
                        await self.upstream.renew(self.primary)

    async def set_logins(self) -> None:
        """Give every node the users, and what IAM tokens need, as they are now. Raises UserError."""
        for member in self.members:
            with suppress(OSError):  # a node that is gone gets them when it is replaced
                await member.process.set_logins()

    async def set_clock(self) -> None:
        """Give every node the time, the primary first. Raises UserError."""
        for member in sorted(self.members, key=lambda one: one is not self.primary):
            with suppress(OSError):  # a node that is gone gets it when it is replaced
                await member.process.set_clock()

    async def set_replicas(self, count: int) -> None:
        """Add replicas, or remove the newest ones, until there are `count`. Raises UserError."""
        async with self._scaling:
            way = "Increase" if count > len(self._replicas()) else "Decrease"
            self._events.write("replication-group", self._group_id, f"ReplicationGroup{way}ReplicaCountStarted")
            while len(self._replicas()) < count:
                await self._add(self._next_node())
            while len(self._replicas()) > count:
                await self._remove(max(self._replicas(), key=lambda member: member.node.member_id))
            self._events.write("replication-group", self._group_id, f"ReplicationGroup{way}ReplicaCountFinished")

    async def replace_nodes(
        self, changed: Callable[[CacheNode], CacheNode], files: Sequence[str] | None = None
    ) -> None:
        """Put a new node in the place of each, with the primary's data or that of snapshot files. Raises UserError.

        Clients go on until the new nodes have the data; then the endpoints move, and the connections to the old ones break.
        """
        async with self._scaling:
            pairs = {member: self._stand_in(member, changed(member.node)) for member in self.members}
            try:
                await self._fill(pairs, files)
            except BaseException as error:
                await asyncio.gather(*(fresh.process.kill() for fresh in pairs.values()))
                raise first_cause(error) from error
            async with self._changing:
                await self._cut_over(pairs, drain=files is None)
            await asyncio.gather(*(member.process.stop() for member in pairs))
            for fresh in pairs.values():
                fresh.process.take_over()
                self._report(fresh, "ready", "")
                self._watch(fresh)

    def _stand_in(self, member: Member, node: CacheNode) -> Member:
        fresh = Member(node, member.role, member.process, member.own)
        fresh.process = self._process(fresh)
        fresh.process.stand_in()
        return fresh

    async def _fill(self, pairs: Mapping[Member, Member], files: Sequence[str] | None) -> None:
        """Start new nodes and give them their data."""
        async with asyncio.TaskGroup() as tasks:
            for fresh in pairs.values():
                tasks.create_task(fresh.process.start())
        source = self.primary
        if files is not None:
            source = pairs[self.primary]
            await source.process.load(files)
        for fresh in pairs.values():
            if fresh is not source:
                async with self._changing:
                    await follow(fresh, source)
                await self._in_step(fresh, source if files is not None else None)

    async def _cut_over(self, pairs: Mapping[Member, Member], *, drain: bool) -> None:
        """Let new nodes serve in the place of the old ones."""
        await self._tasks.stop()
        old, new = self.primary, pairs[self.primary]
        with suppress(OSError, UserError):  # a primary that is gone takes no more writes either
            if self._primary_endpoint is not None:
                await self._primary_endpoint.take(old.process)
            await old.process.ask("follow", host=old.node.endpoint.address, port=old.node.endpoint.port)
        if drain:
            offset = None
            with suppress(OSError, UserError):
                offset = (await old.process.ask_state()).offset
            await drained(new, offset)
        for member, fresh in pairs.items():
            member.available, fresh.available, fresh.role = False, True, "replica"
        self.members[:] = pairs.values()
        self.primary = new
        with suppress(OSError, UserError):  # one that fails now is replaced by its watch
            await self._lead(new)
            for fresh in pairs.values():
                if fresh is not new and drain:
                    await self._try_to_follow(fresh, new)
        for fresh in pairs.values():
            await fresh.own.spread_over({fresh.process})
        await self._changed()

    def _next_node(self) -> CacheNode:
        try:
            return next_node([member.node for member in self.members], self.endpoints, self._zones)
        except UserError as error:
            raise UserError(f"node group {self.id} of {self._group_id} {error}") from None

    async def _add(self, node: CacheNode) -> None:
        member = self._member(node, "replica")
        self._open(member)
        self.members.append(member)
        self._report(member, "starting", "")
        await self._changed()  # the topology must have a node before the node gets it
        await self._bring_back(member)
        self._events.created(member.node)
        self._watch(member)

    async def _remove(self, member: Member) -> None:
        async with self._changing:
            member.available = False
            self.members.remove(member)
            await self._changed()
        await self._tasks.stop_one(_watch_of(member))
        await member.process.stop()
        member.own.close()
        self._run_context.parts.forget(self._cache, member.node.member_id)
        self._events.write("cache-cluster", member.node.member_id, "Cache cluster deleted")

    # Failure

    def _watch(self, member: Member) -> None:
        self._tasks.start(_watch_of(member), lambda: self._keep(member))

    async def _keep(self, member: Member) -> None:
        while True:
            reason = await member.process.failure()
            await self._failed(member, reason)

    async def _failed(self, member: Member, reason: str) -> None:
        """A node has died or hangs: promote another if it was the primary, then replace it."""
        self._events.log(member.node, f"{reason}; it is being replaced")
        await member.process.kill()
        async with self._changing:
            await self._leave(member, f"{reason}; being replaced")
        self._events.write("cache-cluster", member.node.member_id, f"Recovering cache nodes {NODE_ID}")
        await self._bring_back(member)
        self._events.write("cache-cluster", member.node.member_id, f"Finished recovery for cache nodes {NODE_ID}")

    async def _leave(self, member: Member, detail: str) -> None:
        """A node serves no more: promote another one if it was the primary, and tell the rest."""
        member.available = False
        self._report(member, "restarting", detail)
        promotes = member is self.primary and self.automatic_failover
        if not (promotes and await self._promote(member)):
            await self._changed()

    async def _promote(self, failed: Member) -> bool:
        """Make the replica that is furthest the primary. Returns False where none was in step."""
        new = await self._furthest(failed)
        if new is None:
            return False
        failed.role = "replica"
        await self._lead(new)
        await self._changed()
        self._events.failed_over(failed.node, new.node)
        for other in self._replicas():
            if other is not failed:
                await self._try_to_follow(other, new)
        return True

    async def _demote(self, old: Member) -> Member:
        """Make the primary a replica of the replica that is furthest, and return that one."""
        if self._primary_endpoint is not None:
            await self._primary_endpoint.take(old.process)
        old.available = False
        await old.process.ask("follow", host=old.node.endpoint.address, port=old.node.endpoint.port)
        offset = (await old.process.ask_state()).offset
        new = await self._furthest(old, offset)
        if new is None:
            await self._lead(old)
            raise UserError(f"no replica of node group {self.id} can take over: see `cachetwin status`")
        old.role = "replica"
        await self._lead(new)
        await self._changed()
        self._events.failed_over(old.node, new.node)
        for other in self._replicas():
            if other is not old:
                await self._try_to_follow(other, new)
        return new

    async def _furthest(self, failed: Member, offset: int | None = None) -> Member | None:
        """The replica with the highest offset, once each has read what the primary sent (up to `offset` if known)."""
        return await furthest([one for one in self.members if one is not failed and one.available], offset)

    async def _bring_back(self, member: Member) -> None:
        """Start a node anew until it serves again."""
        backoff_s = 0.0
        while True:
            await asyncio.sleep(backoff_s)
            backoff_s = min(max(1.0, 2 * backoff_s), _BACKOFF_MAX_S)
            try:
                member.process = self._process(member)
                await self._start(member)
                await self._join(member)
                await member.own.give(member.process)
            except Exception as error:  # noqa: BLE001  (a full disk, no file descriptor left: the next try may do better)
                self._report(member, "restarting", f"{describe(error)}; next try in {backoff_s:g} s")
                await member.process.kill()
                continue
            member.restarts += 1
            member.available = True
            self._report(member, "ready", "restarted" if member.restarts == 1 else f"restarted {member.restarts} times")
            await self._changed()
            return

    async def _join(self, member: Member) -> None:
        """Give a new process its place: a replica follows, a primary takes the data of a replica that has it."""
        if member is not self.primary:
            async with self._changing:
                await follow(member, self.primary)
            await self._in_step(member)
            return
        donor = None if self.upstream.is_secondary() else await self._furthest(member)
        if donor is not None:
            async with self._changing:
                await donor.process.ask("lead")  # a replica without its primary gives its data to nobody
                await follow(member, donor)
            await self._in_step(member, donor)
        async with self._changing:
            await self._lead(member)
            await self.upstream.in_step(member)
            for other in self._replicas():
                await self._try_to_follow(other, member)

    # Roles

    def _replicas(self) -> list[Member]:
        return [member for member in self.members if member is not self.primary]

    async def _lead(self, member: Member) -> None:
        """Make a node the primary, with the primary endpoint."""
        await self.upstream.lead(member)
        self.primary = member
        member.role = "primary"
        member.available = True
        if self._primary_endpoint is not None:
            await self._primary_endpoint.give(member.process)
        if self._started:
            self._report(member, "ready", "")

    async def _try_to_follow(self, member: Member, primary: Member) -> None:
        if not member.process.pid:
            return
        with suppress(OSError, UserError):  # one of the two is gone: its own watch sees to it
            await follow(member, primary)
            self._report(member, member.state, member.detail)

    async def _in_step(self, member: Member, source: Member | None = None) -> None:
        """Return when a replica has the data of `source`, the primary by default. Raises UserError or OSError.

        A link that broke before that is made again.
        """
        broken, poll_s = 0, _POLL_S
        async with asyncio.timeout(_SYNC_S):
            while not (state := await member.process.ask_state()).is_linked:
                broken = broken + 1 if state.link == "connect" else 0
                if broken > _RELINK_POLLS:
                    broken = 0
                    self._events.log(member.node, "its link broke before it had the data; it is made again")
                    async with self._changing:
                        await follow(member, source or self.primary)
                await asyncio.sleep(poll_s)
                poll_s = min(1.5 * poll_s, _POLL_MAX_S)  # many replicas at once would be asked for little else

    def _link_lost(self, member: Member) -> None:
        if self._started:
            purpose = f"the link of {member.node.member_id}"
            self._tasks.start(purpose, lambda: self._relink(member))

    async def _relink(self, member: Member) -> None:
        """Connect a replica again, unless a change of roles has done so meanwhile."""
        await asyncio.sleep(_RELINK_S)
        async with self._changing:
            # a primary that is being replaced may itself follow this one for its data
            if member is self.primary or member not in self.members or not self.primary.available:
                return
            with suppress(OSError, UserError):
                if (await member.process.ask_state()).link == "connect":
                    await follow(member, self.primary)

    def _require_replica(self) -> None:
        if not self.automatic_failover:
            raise UserError(f"{self._group_id} has no automatic failover: set AutomaticFailoverEnabled in its template")
        if not any(member.available for member in self._replicas()):
            raise UserError(f"node group {self.id} of {self._group_id} has no replica that can take over")

    # Processes

    def _member(self, node: CacheNode, role: str) -> Member:
        own = SpreadEndpoint("node", node.endpoint)
        member = Member(
            node, role, NodeProcess(self._run_context, self._cache, self._settings, node, lambda: None), own
        )
        member.process = self._process(member)
        return member

    def _process(self, member: Member) -> NodeProcess:
        return NodeProcess(self._run_context, self._cache, self._settings, member.node, lambda: self._link_lost(member))

    def _open(self, member: Member) -> None:
        if not self._settings.is_shared(member.node.endpoint):
            member.own.open(f"{self._cache}, {member.node.member_id}")

    async def _start(self, member: Member) -> None:
        await member.process.start()

    def _report(self, member: Member, state: State, detail: str) -> None:
        """Record a node's state, and publish it once everything has started."""
        member.state, member.detail = state, detail
        where = f"{member.role} in {member.node.availability_zone}"
        text = f"{where}; {detail}" if detail else where
        if self._started:
            self._run_context.report(self._cache, "cache", member.node.member_id, state, text)
        else:
            self._run_context.parts.report(Part(self._cache, member.node.member_id, state, text))


def _watch_of(member: Member) -> str:
    return f"the watch over {member.node.member_id}"
