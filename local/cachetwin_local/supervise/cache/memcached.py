"""A Memcached cluster: its nodes, each for itself, and the configuration endpoint that any of them answers.

A node that is lost is replaced by an empty one behind the same endpoint: its keys are gone, those of the others stay.
The list of nodes that clients find is that of the template, as the service's is, whether a node is up or not.
"""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.background import BackgroundTasks
from cachetwin_local.supervise.cache.cache_endpoints import SpreadEndpoint
from cachetwin_local.supervise.cache.node import NodeProcess
from cachetwin_local.supervise.cache.node_settings import ENGINE, NodeSettings
from cachetwin_local.supervise.events import State
from cachetwin_local.supervise.parts import Part
from cachetwin_local.supervise.project.run_context import RunContext, slug
from cachetwin_local.topology.values import CacheNode, MemcachedCluster

__all__ = ["MemcachedActor"]

_RESTART_S = 0.5


@dataclass(slots=True)
class _Settings(NodeSettings):
    """Memcached's nodes get all of it on their command line."""

    def parameters_of(self, node: CacheNode) -> dict[str, str]:
        return {}


@dataclass(slots=True, eq=False)
class MemcachedNode:
    """A node of the cluster and the process that it has now."""

    node: CacheNode
    process: NodeProcess
    own: SpreadEndpoint
    state: State = "waiting"
    detail: str = ""


class MemcachedActor:
    """One Memcached cluster with all its nodes."""

    kind = "cache"

    def __init__(self, run_context: RunContext, cluster: MemcachedCluster) -> None:
        self.name = cluster.identity.key
        self.depends_on: frozenset[str] = frozenset()
        self._run_context = run_context
        self._cluster = cluster
        self._settings = _Settings(
            program=ENGINE,
            profile=cluster.profile,
            parameters={},
            users=list,
            ca_file=str(run_context.local_ca.certificate_file),
            options=cluster.options,
        )
        self._configuration = SpreadEndpoint("configuration", cluster.configuration_endpoint)
        self._tasks = BackgroundTasks(run_context, self.name, self.kind)
        self._started = False
        self._version = int(time.time())  # higher than that of any run before
        self.nodes = [
            MemcachedNode(node, self._process(node), SpreadEndpoint("node", node.endpoint)) for node in cluster.nodes
        ]

    @property
    def detail(self) -> str:
        """The engine's profile, and the number of nodes."""
        count = len(self.nodes)
        return f"{self._cluster.profile}, {count} node{'' if count == 1 else 's'}"

    def open(self) -> None:
        """Open the endpoints' sockets. Raises UserError."""
        self._configuration.open(self.name)
        for one in self.nodes:
            one.own.open(f"{self.name}, {one.node.member_id}")

    async def prepare(self) -> None:
        """Issue a certificate for all endpoints, where TLS is on."""
        endpoints = [self._cluster.configuration_endpoint, *(one.node.endpoint for one in self.nodes)]
        if any(endpoint.tls != "off" for endpoint in endpoints):
            addresses = list(dict.fromkeys(endpoint.address for endpoint in endpoints))
            names = [name for endpoint in endpoints for name in endpoint.names]
            self._settings.pair = self._run_context.local_ca.issue(slug(self.name), addresses, names)

    async def start(self) -> None:
        """Return when every node serves."""
        await asyncio.gather(*(self._start(one) for one in self.nodes))
        self._started = True
        for one in self.nodes:
            self._watch(one)

    async def stop(self) -> None:
        """Shut the nodes down, then close the sockets."""
        await self._tasks.stop()
        await asyncio.gather(*(one.process.stop() for one in self.nodes))
        self._configuration.close()
        for one in self.nodes:
            one.own.close()

    @property
    def member_ids(self) -> list[str]:
        """The ids by which people may call the nodes."""
        return [one.node.member_id for one in self.nodes]

    async def reboot(self, member_id: str) -> str:
        """Restart one node, empty. Returns a sentence. Raises UserError."""
        one = next(one for one in self.nodes if one.node.member_id == member_id)
        await self._tasks.stop_one(f"keeping {member_id} up")
        self._note(one, "starting", "reboots")
        await one.process.stop()
        try:
            await self._replace(one)
        finally:
            self._watch(one)
        return f"{member_id} has restarted, without its keys"

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
            }
            for one in self.nodes
        ]

    def _process(self, node: CacheNode) -> NodeProcess:
        return NodeProcess(self._run_context, self.name, self._settings, node, lambda: None)

    async def _start(self, one: MemcachedNode) -> None:
        """Start a node: it learns of all nodes before it listens."""
        await one.process.start()
        endpoints = [other.node.endpoint for other in self.nodes]
        names = [f"{endpoint.names[0]}|{endpoint.address}|{endpoint.port}" for endpoint in endpoints]
        await one.process.ask("nodes", nodes=names, version=self._version)
        await one.own.give(one.process)
        await self._configuration.give(one.process)
        self._note(one, "ready", "")

    async def _replace(self, one: MemcachedNode) -> None:
        one.process = self._process(one.node)
        await self._start(one)

    def _watch(self, one: MemcachedNode) -> None:
        self._tasks.start(f"keeping {one.node.member_id} up", lambda: self._keep(one))

    async def _keep(self, one: MemcachedNode) -> None:
        """Replace a node whenever it is lost."""
        while True:
            reason = await one.process.failure()
            self._note(one, "restarting", reason)
            line = f"[cachetwin] {one.node.member_id} {reason}: a new, empty node follows"
            self._run_context.logs.write(self.name, line)
            with suppress(OSError, UserError):
                await one.process.kill()
            await asyncio.sleep(_RESTART_S)
            await self._replace(one)

    def _note(self, one: MemcachedNode, state: State, detail: str) -> None:
        one.state, one.detail = state, detail
        text = f"node in {one.node.availability_zone}" + (f"; {detail}" if detail else "")
        if self._started:
            self._run_context.report(self.name, self.kind, one.node.member_id, state, text)
        else:
            self._run_context.parts.report(Part(self.name, one.node.member_id, state, text))
