"""A replication group: its shards, and the endpoints over them."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from cachetwin_local.errors import UserError
from cachetwin_local.resources.elasticache.cache_engine import maxmemory_bytes, node_type_memory
from cachetwin_local.resources.elasticache.parameter_changes import AT_REBOOT, NOT_MODIFIABLE
from cachetwin_local.supervise.background import BackgroundTasks, describe, first_cause
from cachetwin_local.supervise.cache.backups import Backups
from cachetwin_local.supervise.cache.cache_endpoints import MovingEndpoint, SpreadEndpoint, ping
from cachetwin_local.supervise.cache.cluster.shard_count import SHARDS_MAX, Progress, ShardCount
from cachetwin_local.supervise.cache.cluster.topology import ClusterTopology
from cachetwin_local.supervise.cache.logins import Logins
from cachetwin_local.supervise.cache.node_settings import NodeSettings
from cachetwin_local.supervise.cache.shard.member import Member
from cachetwin_local.supervise.cache.shard.shard import Shard
from cachetwin_local.supervise.cache.shard.upstream import Upstream
from cachetwin_local.supervise.cache.shared_turn import SharedTurn
from cachetwin_local.supervise.cache.update import cache_update
from cachetwin_local.supervise.events import ResourceState
from cachetwin_local.supervise.health import HealthWatch
from cachetwin_local.supervise.process.fork_server import ENGINE
from cachetwin_local.supervise.project.run_context import RunContext, slug
from cachetwin_local.topology.values import CacheNode, Endpoint, ReplicationGroup

__all__ = ["CacheActor"]

_FAILOVER_S = 30.0
_FINAL_S = 45.0
_POLL_S = 0.01
_LINK_S = 0.25
_PUSH_S = 0.5
_REPLICAS_MAX = 5


class CacheActor:
    """One replication group with all its nodes.

    `program` is the engine's command line up to its options; the installed engine unless a test gives another. `upstream`
    gives the link to another region by the id of a shard.
    """

    kind = "cache"

    def __init__(
        self,
        run_context: RunContext,
        group: ReplicationGroup,
        program: tuple[str, ...] | None = None,
        upstream: Callable[[str], Upstream] = lambda _shard: Upstream(),
    ) -> None:
        self.name = group.identity.key
        self.depends_on = frozenset({group.follows} - {""})
        self._upstream = upstream
        self._run_context = run_context
        run_context.details[self.name] = lambda: self.detail
        self._group = group
        self._is_serverless = group.cluster_mode == "serverless"
        clustered = group.cluster_mode != "disabled"
        self.logins = Logins(run_context, group)
        self._settings = NodeSettings(
            program=program or ENGINE,
            profile=group.profile,
            parameters=group.parameters,
            ca_file=str(run_context.local_ca.certificate_file),
            clock=run_context.clock,
            logins=self.logins,
            options=_options(group),
        )
        named = (group.primary_endpoint, group.reader_endpoint, group.configuration_endpoint)
        self._endpoints = [endpoint for endpoint in named if endpoint is not None]
        self._settings.shared_endpoints = tuple(self._endpoints)
        self._primary = MovingEndpoint("primary", group.primary_endpoint) if group.primary_endpoint else None
        self._reader = SpreadEndpoint("reader", group.reader_endpoint) if group.reader_endpoint else None
        configuration = group.configuration_endpoint
        self._configuration = SpreadEndpoint("configuration", configuration) if configuration else None
        self._tasks = BackgroundTasks(run_context, self.name, self.kind)
        self._changed = SharedTurn(self._announce)
        self.shards = [
            self._make_shard(
                tuple(node for node in group.nodes if node.shard == node_group.id),
                node_group.spare_endpoints,
                group.backup.seed,
            )
            for node_group in group.node_groups
        ]
        self._topology = ClusterTopology(group, self.shards) if clustered else None
        if self._topology is not None:
            self._topology.update()
            self._settings.topology = self._topology.document
        self.backups = Backups(run_context, self.name, group, self.shards)
        self._serves = False
        self._pushing: set[asyncio.Task[None]] = set()
        self._operation = ""
        self._operations: set[asyncio.Task[str]] = set()

    def _make_shard(
        self, nodes: tuple[CacheNode, ...], spare_endpoints: tuple[Endpoint, ...], seed: tuple[str, ...] = ()
    ) -> Shard:
        return Shard(
            self._run_context,
            self.name,
            self._settings,
            nodes,
            "" if self._is_serverless else self._group.identity.physical_name,
            primary_endpoint=self._primary,
            automatic_failover=self._group.automatic_failover,
            changed=self._changed,
            spare_endpoints=spare_endpoints,
            seed=seed,
            upstream=self._upstream(nodes[0].shard),
        )

    @property
    def detail(self) -> str:
        """The engine's profile, and the number of nodes."""
        count = len(self.members())
        if self._is_serverless:
            return f"{self._group.profile}, serverless"
        if self._topology is not None:
            return f"{self._group.profile}, {_counted(len(self.shards), 'shard')}, {_counted(count, 'node')}"
        return f"{self._group.profile}, {count} nodes" if count > 1 else self._group.profile

    def open(self) -> None:
        """Open the endpoints' sockets. Raises UserError."""
        for endpoint in (self._primary, self._reader, self._configuration):
            if endpoint is not None:
                endpoint.open(self.name)
        for shard in self.shards:
            shard.open()

    async def prepare(self) -> None:
        """Have the engine loaded, and issue a certificate for all endpoints."""
        await self._run_context.engines.enter(self.name)
        endpoints = [*self._endpoints, *(endpoint for shard in self.shards for endpoint in shard.endpoints)]
        addresses = list(dict.fromkeys(endpoint.address for endpoint in endpoints))
        names = [name for endpoint in endpoints for name in endpoint.names]
        self._settings.pair = self._run_context.local_ca.issue(slug(self.name), addresses, names)

    async def start(self) -> None:
        """Return when every node serves and every endpoint answers a PING, over TLS where it is on."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for shard in self.shards:
                    tasks.create_task(shard.start())
        except BaseExceptionGroup as group:
            raise first_cause(group) from group
        await self._ping_endpoints()
        watch = HealthWatch(self._run_context, self.name, self.kind, self._ping_endpoints, part="endpoints")
        self._tasks.start("checking the health", watch.watch)
        self._tasks.start("the links to other regions", self._keep_links)
        if self._group.backup.retention_days:
            self.backups.schedule()
        self._serves = True

    async def _keep_links(self) -> None:
        while True:
            await asyncio.sleep(_LINK_S)
            for shard in self.shards:
                await shard.renew_link()

    async def stop(self) -> None:
        """Shut the nodes down, then close the sockets."""
        for operation in self._operations:
            operation.cancel()
        await asyncio.gather(*self._operations, return_exceptions=True)
        await self._tasks.stop()
        self.backups.stop()
        if self._serves and self._group.backup.final_name:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.backups.take_last(), _FINAL_S)
        await asyncio.gather(*(shard.stop() for shard in self.shards))
        for endpoint in (self._primary, self._reader, self._configuration):
            if endpoint is not None:
                endpoint.close()
        await self._run_context.engines.leave(self.name)

    @property
    def names(self) -> frozenset[str]:
        """The names by which people may call it, in lower case: those of its identity, the service's name."""
        identity = self._group.identity
        return frozenset(name.lower() for name in (*identity.names, identity.physical_name))

    async def become(self, group: ReplicationGroup) -> bool:
        """Take over a changed `group` while it runs; False where CloudFormation replaces the cache. Raises UserError.

        Connections of users who are gone end, as on the service; the others go on with their new rights.
        """
        update = cache_update(self._group, group)
        if update.replacement:
            return False
        self.logins.change_to(group)
        await self.set_logins()
        for shard in self.shards:
            shard.automatic_failover = group.automatic_failover
        if update.new_nodes:
            self._settings.profile, self._settings.parameters = group.profile, group.parameters
            self._settings.options = _options(group)
            await self._replace_nodes(group.nodes[0].node_type, group.nodes[0].maxmemory_bytes)
        for name, value in update.parameters:
            await self.set_parameter(name, value)
        if update.replicas is not None:
            await self.set_replicas(update.replicas)
        if update.shards is not None:
            await self.set_shards(update.shards, lambda _line: None)
        if group.backup.retention_days and not self._group.backup.retention_days:
            self.backups.schedule()
        self._group = self.backups.group = group  # only now: what failed above is tried again
        return True

    async def set_node_type(self, node_type: str) -> str:
        """Replace every node by one of another type, with its data. Returns a sentence. Raises UserError."""
        self._refuse_serverless("ModifyReplicationGroup with a node type")
        if node_type not in node_type_memory():
            raise UserError(
                f"node type must be one of those whose memory is known (cache.t4g.micro, ...), got {node_type}"
            )
        node = self.members()[0].node
        if node_type == node.node_type:
            return f"{self.name} has nodes of the type {node_type} already"
        usable = node.maxmemory_bytes / node_type_memory()[node.node_type]
        return await self._replace_nodes(node_type, int(node_type_memory()[node_type] * usable))

    async def _replace_nodes(self, node_type: str, maxmemory_bytes: int) -> str:
        async def change() -> str:
            for shard in self.shards:
                await self._require_fit(shard, maxmemory_bytes)
            for shard in self.shards:
                try:
                    await shard.replace_nodes(
                        lambda node: replace(node, node_type=node_type, maxmemory_bytes=maxmemory_bytes)
                    )
                except (OSError, UserError):
                    self._tell(f"Failed applying modification to cache node type to {node_type}.")
                    raise
            self._tell(f"Succeeded applying modification to cache node type to {node_type}.")
            return f"{self.name} has nodes of the type {node_type} now"

        return await self._operate("its nodes are replaced", change())

    async def _require_fit(self, shard: Shard, maxmemory_bytes: int) -> None:
        """Raise UserError where the data of a shard does not fit into a node."""
        info = str((await shard.primary.process.ask("info"))["info"])
        used = next((int(line[20:]) for line in info.splitlines() if line.startswith("used_memory_dataset:")), 0)
        if used > maxmemory_bytes:
            raise UserError(
                f"the data of node group {shard.id}, {used} bytes, does not fit into {maxmemory_bytes} bytes"
            )

    async def set_parameter(self, name: str, value: str) -> str:
        """Set a parameter of the parameter group, at once where the service does. Returns a sentence. Raises UserError."""
        self._refuse_serverless("a parameter group")
        if name in NOT_MODIFIABLE:
            raise UserError(f"{name} cannot be modified: the service sets it")
        at_reboot = name in AT_REBOOT

        async def change() -> str:
            parameters = {name: value}
            if name == "reserved-memory-percent":
                return await self._reserve(value)
            if not at_reboot:
                for member in [member for shard in self.shards for member in (shard.primary, *shard.members)]:
                    if member.process.pid:  # the first refuses a wrong value before anything has changed
                        await member.set_parameter(name, value)
            self._settings.parameters = {**self._settings.parameters, **parameters}
            when = "when its nodes are rebooted" if at_reboot else "now"
            self._tell(f"Updated parameter {name} to {value}")
            return f"{self.name} has {name} {value} {when}"

        return await self._operate("a parameter is set", change())

    async def _reserve(self, value: str) -> str:
        """Another part of the memory is reserved."""
        if not value.isdigit() or int(value) >= 100:
            raise UserError(f"reserved-memory-percent must be between 0 and 99, got {value}")
        for member in self.members():
            member.node = replace(member.node, maxmemory_bytes=maxmemory_bytes(member.node.node_type, int(value)))
            await member.process.ask("parameters", parameters={"maxmemory": str(member.node.maxmemory_bytes)})
        self._tell(f"Updated parameter reserved-memory-percent to {value}")
        return f"{self.name} has reserved-memory-percent {value} now"

    async def set_logins(self) -> None:
        """Give every node the users, and what IAM tokens need, as they are now. Raises UserError."""
        for shard in self.shards:
            await shard.set_logins()

    async def clock_moved(self) -> None:
        """Give every node the time, and the decisions that depend on it. Raises UserError."""
        await asyncio.gather(*(shard.set_clock() for shard in self.shards))
        if self.logins.iam() is not None:
            await self.set_logins()

    async def fail_over(self, shard_id: str | None, *, planned: bool) -> str:
        """Let a replica of a shard take over; `planned` keeps the old primary up. Returns a sentence. Raises UserError."""
        self._refuse_serverless("TestFailover")
        shard = self._shard(shard_id)
        old = shard.primary
        if planned:
            await shard.hand_over()
        else:
            await shard.fail_over()
            async with asyncio.timeout(_FAILOVER_S):
                while shard.primary is old:
                    await asyncio.sleep(_POLL_S)
        return f"{shard.primary.node.member_id} is the primary of node group {shard.id} now"

    async def reboot(self, member_id: str) -> str:
        """Restart one node. Returns a sentence. Raises UserError."""
        self._refuse_serverless("RebootCacheCluster")
        member = self.member(member_id)
        await next(shard for shard in self.shards if member in shard.members).reboot(member)
        return f"{member_id} has restarted"

    async def set_replicas(self, count: int) -> str:
        """Add or remove replicas, one after the other. Returns a sentence. Raises UserError."""
        self._refuse_serverless("IncreaseReplicaCount")
        least = 1 if self._group.automatic_failover else 0
        if not least <= count <= _REPLICAS_MAX:
            raise UserError(f"replicas must be between {least} and {_REPLICAS_MAX}, got {count}")

        async def change() -> str:
            for shard in self.shards:
                await shard.set_replicas(count)
            which = f"node group {self.shards[0].id}" if len(self.shards) == 1 else "each node group"
            return f"{which} of {self.name} has {_counted(count, 'replica')} now"

        return await self._operate("its number of replicas changes", change())

    async def set_shards(self, count: int, progress: Progress) -> str:
        """Add or remove shards while clients go on. Returns a sentence. Raises UserError.

        The change goes on when the caller is cancelled; only `stop` ends it.
        """
        self._refuse_serverless("ModifyReplicationGroupShardConfiguration")
        topology, pattern = self._topology, self._group.shard_pattern
        if topology is None or pattern is None:
            mode = self._group.cluster_mode
            raise UserError(f"{self.name} must have cluster mode enabled for another number of shards, got {mode}")
        if not 1 <= count <= SHARDS_MAX:
            raise UserError(f"shards must be between 1 and {SHARDS_MAX}, got {count}")
        if count == len(self.shards):
            return f"{self.name} has {_counted(count, 'shard')} already"
        shards = ShardCount(
            self.shards, topology, pattern, make=self._make_shard, admit=self._issue_again, changed=self._changed
        )

        async def change() -> str:
            before = len(self.shards)
            self._tell(f"Resharding from {before} to {count} node groups started")

            def tell(line: str) -> None:
                self._run_context.logs.write(self.name, f"[cachetwin] resharding: {line}")
                progress(line)

            try:
                await shards.set(count, tell)
            except (OSError, UserError):
                self._tell(f"Resharding from {before} to {count} node groups failed")
                raise
            self._tell(f"Resharding from {before} to {count} node groups completed")
            return f"{self.name} has {_counted(count, 'shard')} now"

        return await self._operate("its number of shards changes", change())

    async def snapshot(self, name: str | None, folder: Path | None) -> str:
        """Take a snapshot, into `folder` or the project's own. Returns a sentence. Raises UserError."""

        async def change() -> str:
            files = await self.backups.take(name, folder)
            return f"{self.name} is in {', '.join(map(str, files))}"

        return await self._operate("a snapshot is taken", change())

    async def restore(self, snapshot: str) -> str:
        """Replace the data by that of a snapshot: a name of this cache's, a file or a folder. Raises UserError."""
        files = self.backups.files(snapshot)

        async def change() -> str:
            for shard in self.shards:
                await shard.replace_nodes(lambda node: node, files)
            return f"{self.name} has the data of {snapshot} now"

        return await self._operate("it is restored", change())

    async def _operate(self, what: str, change: Coroutine[Any, Any, str]) -> str:
        """Run one change at a time; it goes on when the caller is cancelled. Raises UserError while another one runs."""
        if self._operation:
            change.close()
            raise UserError(f"{self.name} is being modified: {self._operation}; try again when that is done")
        self._operation = what
        task = asyncio.create_task(change)
        self._operations.add(task)
        task.add_done_callback(self._operation_done)
        return await asyncio.shield(task)

    def _operation_done(self, task: asyncio.Task[str]) -> None:
        self._operation = ""
        self._operations.discard(task)
        if not task.cancelled() and task.exception() is None:
            self._run_context.publish(ResourceState(self.name, self.kind, "ready", self.detail))
        elif not task.cancelled():  # the caller may be gone
            self._run_context.logs.write(self.name, f"[cachetwin] {describe(task.exception() or Exception())}")

    def _tell(self, message: str) -> None:
        """Write an event of the replication group."""
        group_id = self._group.identity.physical_name
        self._run_context.service_events.write("replication-group", group_id, message, self.name)
        self._run_context.logs.write(self.name, f"[cachetwin] event of {group_id}: {message}")

    async def _issue_again(self) -> None:
        """Give every node a certificate that has the endpoints which were added."""
        await self.prepare()
        pair = self._settings.pair
        if pair is None:
            return
        certificate, key, ca_file = str(pair.certificate_file), str(pair.key_file), self._settings.ca_file
        for member in self.members():
            with suppress(OSError, UserError):  # a node that is gone gets it when it is replaced
                await member.process.ask("tls", certificate_file=certificate, key_file=key, ca_file=ca_file)

    def members(self) -> list[Member]:
        """Every node."""
        return [member for shard in self.shards for member in shard.members]

    async def info(self, member_id: str) -> str:
        """The INFO of one node."""
        return str((await self.member(member_id).process.ask("info"))["info"])

    def member(self, member_id: str) -> Member:
        """The node of this id. Raises UserError."""
        for member in self.members():
            if member.node.member_id == member_id:
                return member
        known = ", ".join(member.node.member_id for member in self.members())
        raise UserError(f"node must be one of {known}, got {member_id}")

    def _refuse_serverless(self, operation: str) -> None:
        if self._is_serverless:
            raise UserError(f"{self.name} is serverless: the service has no {operation} for it")

    def _shard(self, shard_id: str | None) -> Shard:
        for shard in self.shards:
            if (shard_id is None and len(self.shards) == 1) or (shard_id is not None and shard_id.zfill(4) == shard.id):
                return shard
        known = ", ".join(shard.id for shard in self.shards)
        raise UserError(f"shard must be {'one of ' if len(self.shards) > 1 else ''}{known}, got {shard_id or 'none'}")

    def nodes(self) -> list[dict[str, object]]:
        """The nodes as `status` shows them."""
        return [member.row(self.name, shard.primary) for shard in self.shards for member in shard.members]

    async def _announce(self) -> None:
        """The roles, or the nodes that serve, are others: tell the nodes, and move the endpoints."""
        available = [member for member in self.members() if member.available and member.process.pid]
        if self._topology is not None:
            self._topology.update()
            await self._push_topology()
        if self._reader is not None:  # the replicas', or the primary's where there is none
            replicas = [member for member in available if member is not self.shards[0].primary]
            await self._reader.spread_over({member.process for member in replicas or available})
        if self._configuration is not None:
            await self._configuration.spread_over({member.process for member in available})

    async def _push_topology(self) -> None:
        """Send every node the topology. A node that is busy gets it when it can; a failover does not wait for it."""
        running = [member for member in self.members() if member.process.pid]
        for members in self._topology.in_order(running) if self._topology is not None else ():
            pushes = {asyncio.create_task(self._push(member)) for member in members}
            self._pushing |= pushes
            for push in pushes:
                push.add_done_callback(self._pushing.discard)
            await asyncio.wait(pushes, timeout=_PUSH_S)

    async def _push(self, member: Member) -> None:
        if self._topology is not None:
            with suppress(OSError, UserError):  # it is starting, or gone: it gets the topology when it starts
                await member.process.ask("topology", topology=self._topology.document(member.node))

    async def _ping_endpoints(self) -> None:
        """Return when the endpoints answer a PING. Raises OSError for another answer."""
        context = self._run_context.local_ca.trusting_context()
        for endpoint in self._endpoints:
            await ping(endpoint, context if endpoint.tls != "off" else None)


def _options(group: ReplicationGroup) -> tuple[str, ...]:
    """What a node has to know at its start."""
    clustered = ("--cluster-enabled", "yes") if group.cluster_mode != "disabled" else ()
    if group.cluster_mode != "serverless":
        return clustered
    return (*clustered, "--serverless", "yes", "--serverless-ecpu-max", str(group.ecpu_per_second_max))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
