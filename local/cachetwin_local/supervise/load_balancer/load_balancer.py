"""An Application Load Balancer: its listening sockets and its state. The traffic is in a process of its own."""

import asyncio
import socket
from collections.abc import Mapping

from cachetwin_local.supervise.data_plane.process import DataPlaneProcess
from cachetwin_local.supervise.data_plane.program import Report
from cachetwin_local.supervise.events import State
from cachetwin_local.supervise.load_balancer.settings import Front, LoadBalancerSettings
from cachetwin_local.supervise.process.sockets import listen
from cachetwin_local.supervise.project.run_context import RunContext, slug
from cachetwin_local.topology.values import (
    Action,
    Forward,
    Listener,
    LoadBalancer,
    Service,
    TargetGroup,
    Topology,
)

__all__ = ["LoadBalancerActor", "target_groups_of"]

_PROGRAM = "cachetwin_local.supervise.load_balancer"


class LoadBalancerActor:
    """One load balancer. It is ready when every target of its groups has answered its health check."""

    kind = "load balancer"

    def __init__(self, run_context: RunContext, load_balancer: LoadBalancer, topology: Topology) -> None:
        self.name = load_balancer.identity.key
        self._run_context = run_context
        self._load_balancer = load_balancer
        services = {service.identity.key: service for service in topology.services}
        groups = target_groups_of(load_balancer, topology)
        self._groups = {key: (group, _addresses(group, services)) for key, group in groups.items()}
        self.depends_on = frozenset(target.service for group in groups.values() for target in group.targets)
        self._listeners: list[tuple[Listener, socket.socket]] = []
        self._total = sum(len(places) for _group, places in self._groups.values())
        self._health: dict[str, bool] = {}
        self._seen_healthy: set[str] = set()
        self._all_seen = asyncio.Event()
        self._reported: str | None = None
        self._process = DataPlaneProcess(
            run_context, self.name, self.kind, "traffic", program=_PROGRAM, on_report=self._take
        )

    @property
    def detail(self) -> str:
        """How many targets are healthy."""
        return f"{sum(self._health.values())} of {self._total} targets healthy"

    def open(self) -> None:
        """Open the listeners' sockets."""
        for listener in self._load_balancer.listeners:
            endpoint = listener.endpoint
            self._listeners.append((listener, listen(endpoint.address, endpoint.port, f"{self.name} (listener)")))

    async def prepare(self) -> None:
        """Start the process, which waits for the services."""
        await self._process.prepare([sock for _listener, sock in self._listeners])

    async def start(self) -> None:
        """Return when every target has been healthy and the listeners answer."""
        fronts = tuple(self._front(listener, sock) for listener, sock in self._listeners)
        await self._process.start(LoadBalancerSettings(fronts, self._groups))
        if self._total:
            await self._all_seen.wait()
        self._reported = self.detail

    async def stop(self) -> None:
        """Close the listeners, then stop the process, which lets requests end."""
        for _listener, sock in self._listeners:
            sock.close()
        await self._process.stop()

    def _front(self, listener: Listener, sock: socket.socket) -> Front:
        endpoint, pair = listener.endpoint, None
        if listener.protocol == "HTTPS":
            name = f"{slug(self.name)}-{endpoint.port}"
            pair = self._run_context.local_ca.issue(name, [endpoint.address], endpoint.names)
        return Front(listener, sock.fileno(), pair)

    def _take(self, report: Report) -> None:
        self._run_context.metrics.add(self.name, report.counts, report.levels)
        self._health = report.health
        self._seen_healthy |= {target for target, healthy in report.health.items() if healthy}
        if len(self._seen_healthy) == self._total:
            self._all_seen.set()
        if self._reported is None or self.detail == self._reported:
            return
        self._reported = self.detail
        self._run_context.logs.write(self.name, f"[cachetwin] {self.detail}")
        state: State = "ready" if sum(self._health.values()) == self._total else "unhealthy"
        self._run_context.report(self.name, self.kind, "targets", state, self.detail)


def target_groups_of(load_balancer: LoadBalancer, topology: Topology) -> dict[str, TargetGroup]:
    """The target groups that the load balancer's listeners forward to, by key."""
    actions: list[Action] = []
    for listener in load_balancer.listeners:
        actions += [listener.default_action, *(rule.action for rule in listener.rules)]
    forwards = [action for action in actions if isinstance(action, Forward)]
    wanted = {weighted.target_group for forward in forwards for weighted in forward.target_groups}
    return {group.identity.key: group for group in topology.target_groups if group.identity.key in wanted}


def _addresses(group: TargetGroup, services: Mapping[str, Service]) -> tuple[tuple[str, int], ...]:
    return tuple(
        (task.address, task.ports.get(target.container_port, target.container_port))
        for target in group.targets
        if target.service in services
        for task in services[target.service].tasks
    )
