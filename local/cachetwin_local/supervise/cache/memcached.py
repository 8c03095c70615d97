"""A Memcached cluster: its nodes, each for itself, and the configuration endpoint that any of them answers.

A node that is lost is replaced by an empty one behind the same endpoint: its keys are gone, those of the others stay.
The list of nodes that clients find is the same whether a node is up or not, as the service's is. It changes with the
number of nodes, and its version rises by one with each change. A new node is in the list once it serves; one that is
removed leaves the list before it stops.

A serverless cache is one node, with the endpoint and its second port as its own.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.background import BackgroundTasks
from cachetwin_local.supervise.cache.cache_endpoints import SpreadEndpoint
from cachetwin_local.supervise.cache.memcached_metrics import metrics_of
from cachetwin_local.supervise.cache.node import NodeProcess
from cachetwin_local.supervise.cache.node_settings import NodeSettings
from cachetwin_local.supervise.events import State
from cachetwin_local.supervise.parts import Part
from cachetwin_local.supervise.process.fork_server import ENGINE
from cachetwin_local.supervise.project.run_context import RunContext, slug
from cachetwin_local.supervise.project.service_events import SourceType
from cachetwin_local.topology.values import CacheNode, Endpoint, MemcachedCluster

__all__ = ["MemcachedActor"]

_RESTART_S = 0.5
_METRICS_S = 1.0


@dataclass(slots=True)
class _Settings(NodeSettings):
    """Memcached's nodes get all of it on their command line."""

    def parameters_of(self, node: CacheNode) -> dict[str, str]:
        return {}


@dataclass(slots=True, eq=False)
class MemcachedNode:
    """A node of the cluster and the process that it has now. `own` are the endpoints that no other node has."""

    node: CacheNode
    process: NodeProcess
    own: tuple[SpreadEndpoint, ...]
    state: State = "waiting"
    detail: str = ""
    metrics: dict[str, int] = field(default_factory=dict)


class MemcachedActor:
    """One Memcached cluster with all its nodes, or a serverless cache."""

    kind = "cache"

    def __init__(self, run_context: RunContext, cluster: MemcachedCluster) -> None:
        self.name = cluster.identity.key
        self.depends_on: frozenset[str] = frozenset()
        self._run_context = run_context
        run_context.details[self.name] = lambda: self.detail
        self._cluster = cluster
        self._settings = _Settings(
            program=ENGINE,
            profile=cluster.profile,
            parameters={},
            ca_file=str(run_context.local_ca.certificate_file),
            clock=run_context.clock,
            options=cluster.options,
        )
        self._configuration = (
            None if cluster.is_serverless else SpreadEndpoint("configuration", cluster.configuration_endpoint)
        )
        self._tasks = BackgroundTasks(run_context, self.name, self.kind)
        self._scaling = asyncio.Lock()
        self._started = False
        self._version = int(time.time())  # higher than that of any run before
        self.nodes = [self._make(node) for node in cluster.nodes]

    @property
    def detail(self) -> str:
        """The engine's profile, and the number of nodes."""
        if self._cluster.is_serverless:
            return f"{self._cluster.profile}, serverless"
        return f"{self._cluster.profile}, {_counted(len(self.nodes))}"

    @property
    def names(self) -> frozenset[str]:
        """The names by which people may call it, in lower case: those of its identity, the service's name."""
        identity = self._cluster.identity
        return frozenset(name.lower() for name in (*identity.names, identity.physical_name))

    def open(self) -> None:
        """Open the endpoints' sockets. Raises UserError."""
        if self._configuration is not None:
            self._configuration.open(self.name)
        for one in self.nodes:
            self._open(one)

    async def prepare(self) -> None:
        """Have the engine loaded, and issue a certificate for all endpoints where TLS is on, future nodes' included."""
        await self._run_context.engines.enter(self.name)
        cluster = self._cluster
        endpoints = [
            cluster.configuration_endpoint,
            *(node.endpoint for node in cluster.nodes),
            *cluster.spare_endpoints,
        ]
        if any(endpoint.tls != "off" for endpoint in endpoints):
            addresses = list(dict.fromkeys(endpoint.address for endpoint in endpoints))
            names = list(dict.fromkeys(name for endpoint in endpoints for name in endpoint.names))
            self._settings.pair = self._run_context.local_ca.issue(slug(self.name), addresses, names)

    async def start(self) -> None:
        """Return when every node serves."""
        await asyncio.gather(*(self._start(one) for one in self.nodes))
        self._started = True
        for one in self.nodes:
            self._watch(one)
        self._tasks.start("reading the metrics", self._read_metrics)

    async def clock_moved(self) -> None:
        """Give every node the time. Raises UserError."""
        for one in self.nodes:
            with suppress(OSError):  # a node that is gone gets it when it is replaced
                await one.process.set_clock()

    async def stop(self) -> None:
        """Shut the nodes down, then close the sockets."""
        await self._tasks.stop()
        await asyncio.gather(*(one.process.stop() for one in self.nodes))
        if self._configuration is not None:
            self._configuration.close()
        for one in self.nodes:
            _close(one)
        await self._run_context.engines.leave(self.name)

    @property
    def member_ids(self) -> list[str]:
        """The ids by which people may call the nodes."""
        return [one.node.member_id for one in self.nodes]

    @property
    def nodes_max(self) -> int:
        """How many nodes it can have: those with an endpoint in the plan."""
        return len(self._cluster.nodes) + len(self._cluster.spare_endpoints)

    async def reboot(self, member_id: str) -> str:
        """Restart one node, empty. Returns a sentence. Raises UserError."""
        self._refuse_serverless("RebootCacheCluster")
        one = next(one for one in self.nodes if one.node.member_id == member_id)
        await self._tasks.stop_one(_watch_of(one))
        self._note(one, "starting", "reboots")
        self._event(f"Cache node {one.node.shard} shutdown")
        await one.process.stop()
        try:
            await self._replace(one)
        finally:
            self._watch(one)
        self._event(f"Cache node {one.node.shard} restarted")
        return f"{member_id} has restarted, without its keys"

    async def set_nodes(self, count: int) -> str:
        """Add nodes, or remove those with the highest numbers. Returns a sentence. Raises UserError."""
        self._refuse_serverless("ModifyCacheCluster")
        if not 1 <= count <= self.nodes_max:
            raise UserError(f"nodes must be between 1 and {self.nodes_max}, got {count}")
        async with self._scaling:
            kept = [one.node for one in self.nodes][:count]
            await self._change(kept, self._new_nodes(kept, count - len(kept)))
        return f"{self.name} has {_counted(count)} now"

    async def become(self, cluster: MemcachedCluster) -> bool:
        """Take another number of nodes from the template while the nodes that stay run on.

        Returns False, with nothing done, where something else differs.
        """
        if cluster.is_serverless or replace(cluster, nodes=(), spare_endpoints=()) != replace(
            self._cluster, nodes=(), spare_endpoints=()
        ):
            return False
        wanted = {node.member_id: node for node in cluster.nodes}
        if any(wanted.get(one.node.member_id, one.node) != one.node for one in self.nodes):
            return False
        async with self._scaling:
            present = set(self.member_ids)
            kept = [one.node for one in self.nodes if one.node.member_id in wanted]
            await self._change(kept, [node for node in cluster.nodes if node.member_id not in present])
            self._cluster = cluster
        return True

    def rows(self) -> list[dict[str, object]]:
        """The nodes as `status` shows them."""
        return [
            {
                "resource": self.name,
                "node": one.node.member_id,
                "shard": one.node.shard,
                "role": "node",
                "availability_zone": one.node.availability_zone,
                "node_type": one.node.node_type,
                "state": one.state,
                "detail": one.detail,
                "endpoint": f"{one.node.endpoint.address}:{one.node.endpoint.port}",
                "pid": one.process.pid,
                "offset": None,
                "lag_bytes": 0,
                "clients": one.process.state.clients if one.process.state else None,
                "metrics": one.metrics,
            }
            for one in self.nodes
        ]

    # The list of nodes

    async def _change(self, kept: Sequence[CacheNode], added: Sequence[CacheNode]) -> None:
        """Start the nodes that are added, let clients know of the new list, then stop those that are not kept."""
        leaving = [one for one in self.nodes if one.node not in kept]
        if not leaving and not added:
            return
        coming = await self._begin(added)
        self.nodes = sorted(
            [one for one in self.nodes if one not in leaving] + coming, key=lambda one: one.node.member_id
        )
        self._version += 1
        for one in self.nodes:
            await self._tell(one)
        for one in coming:
            await self._serve(one)
            self._watch(one)
            self._event(f"Added cache node {one.node.shard} in availability zone {one.node.availability_zone}")
        for one in leaving:
            await self._remove(one)
        self._run_context.report(self.name, self.kind, "nodes", "ready", self.detail)

    async def _begin(self, nodes: Sequence[CacheNode]) -> list[MemcachedNode]:
        """Start nodes that do not serve yet: all of them, or none. Raises UserError."""
        coming = [self._make(node) for node in nodes]
        try:
            for one in coming:
                self._open(one)
            await asyncio.gather(*(one.process.start() for one in coming))
        except BaseException:
            for one in coming:
                await one.process.stop()
                _close(one)
            raise
        return coming

    async def _remove(self, one: MemcachedNode) -> None:
        """Stop a node that is in the list no more."""
        await self._tasks.stop_one(_watch_of(one))
        await one.process.stop()
        _close(one)
        if self._configuration is not None:
            self._configuration.forget(one.process)
        self._run_context.parts.forget(self.name, one.node.member_id)
        self._event(f"Removed cache node {one.node.shard}")

    def _new_nodes(self, present: Sequence[CacheNode], count: int) -> list[CacheNode]:
        """The next nodes: the lowest numbers that are free, each in the zone with the fewest nodes."""
        known = {node.shard: node.endpoint for node in self._cluster.nodes}
        first = len(self._cluster.nodes) + 1
        known |= {f"{first + index:04}": endpoint for index, endpoint in enumerate(self._cluster.spare_endpoints)}
        zones = list(dict.fromkeys(node.availability_zone for node in self._cluster.nodes))
        nodes = list(present)
        taken = {node.shard for node in present}
        for number in [number for number in known if number not in taken][:count]:
            places = [node.availability_zone for node in nodes]
            nodes.append(
                replace(
                    self._cluster.nodes[0],
                    member_id=f"{self._cluster.identity.physical_name}-{number}",
                    availability_zone=min(zones, key=places.count),
                    endpoint=known[number],
                    shard=number,
                )
            )
        return nodes[len(present) :]

    async def _tell(self, one: MemcachedNode) -> None:
        """Tell a node of the nodes that clients find. One that is gone learns of them when it starts."""
        with suppress(OSError, UserError):
            await self._give_list(one)

    async def _give_list(self, one: MemcachedNode) -> None:
        endpoints: list[Endpoint] = [other.node.endpoint for other in self.nodes]
        names = [f"{endpoint.names[0]}|{endpoint.address}|{endpoint.port}" for endpoint in endpoints]
        await one.process.ask("nodes", nodes=names, version=self._version)

    # Processes

    def _make(self, node: CacheNode) -> MemcachedNode:
        own = [SpreadEndpoint("node", node.endpoint)]
        if self._cluster.reader_endpoint is not None:
            own.append(SpreadEndpoint("reader", self._cluster.reader_endpoint))
        return MemcachedNode(node, self._process(node), tuple(own))

    def _process(self, node: CacheNode) -> NodeProcess:
        return NodeProcess(self._run_context, self.name, self._settings, node, lambda: None)

    def _open(self, one: MemcachedNode) -> None:
        for endpoint in one.own:
            endpoint.open(f"{self.name}, {one.node.member_id}")

    async def _start(self, one: MemcachedNode) -> None:
        """Start a node: it learns of all nodes before it listens."""
        await one.process.start()
        await self._give_list(one)
        await self._serve(one)

    async def _serve(self, one: MemcachedNode) -> None:
        for endpoint in one.own:
            await endpoint.give(one.process)
        if self._configuration is not None:
            await self._configuration.give(one.process)
        self._note(one, "ready", "")

    async def _replace(self, one: MemcachedNode) -> None:
        for endpoint in (*one.own, self._configuration):
            if endpoint is not None:
                endpoint.forget(one.process)
        one.metrics = {}
        one.process = self._process(one.node)
        await self._start(one)

    def _watch(self, one: MemcachedNode) -> None:
        self._tasks.start(_watch_of(one), lambda: self._keep(one))

    async def _keep(self, one: MemcachedNode) -> None:
        """Replace a node whenever it is lost."""
        while True:
            reason = await one.process.failure()
            self._note(one, "restarting", reason)
            line = f"[cachetwin] {one.node.member_id} {reason}: a new, empty node follows"
            self._run_context.logs.write(self.name, line)
            with suppress(OSError, UserError):
                await one.process.kill()
            self._event(f"Recovering cache nodes {one.node.shard}")
            await asyncio.sleep(_RESTART_S)
            await self._replace(one)
            self._event(f"Finished recovery for cache nodes {one.node.shard}")

    async def _read_metrics(self) -> None:
        """Keep the metrics of each node up to date; a node that is gone or busy keeps its last ones."""
        while True:
            for one in list(self.nodes):
                with suppress(OSError, UserError):
                    one.metrics = metrics_of(str((await one.process.ask("info"))["info"]))
            await asyncio.sleep(_METRICS_S)

    # Telling

    def _refuse_serverless(self, operation: str) -> None:
        if self._cluster.is_serverless:
            raise UserError(f"{self.name} is serverless: the service has no {operation} for it")

    def _event(self, message: str) -> None:
        source = self._cluster.identity.physical_name
        kind: SourceType = "serverless-cache" if self._cluster.is_serverless else "cache-cluster"
        self._run_context.service_events.write(kind, source, message, self.name)
        self._run_context.logs.write(self.name, f"[cachetwin] event of {source}: {message}")

    def _note(self, one: MemcachedNode, state: State, detail: str) -> None:
        one.state, one.detail = state, detail
        text = f"node in {one.node.availability_zone}" + (f"; {detail}" if detail else "")
        if self._started:
            self._run_context.report(self.name, self.kind, one.node.member_id, state, text)
        else:
            self._run_context.parts.report(Part(self.name, one.node.member_id, state, text))


def _close(one: MemcachedNode) -> None:
    for endpoint in one.own:
        endpoint.close()


def _watch_of(one: MemcachedNode) -> str:
    return f"keeping {one.node.member_id} up"


def _counted(count: int) -> str:
    return f"{count} node{'' if count == 1 else 's'}"
