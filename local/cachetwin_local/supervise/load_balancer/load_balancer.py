"""An Application Load Balancer: its listeners as ports on 127.0.0.1, its rules, its targets' health.

Bounded at 1024 connections a listener; one more is closed at once.
"""

import asyncio
import random
import socket
from collections.abc import Mapping

from cachetwin_local.supervise.background import BackgroundTasks
from cachetwin_local.supervise.events import State
from cachetwin_local.supervise.load_balancer.http_proxy import Frontend, HttpProxy, Response
from cachetwin_local.supervise.load_balancer.routing import Request, redirect_location, select_action
from cachetwin_local.supervise.load_balancer.targets import Targets
from cachetwin_local.supervise.process.sockets import listen
from cachetwin_local.supervise.project.run_context import RunContext, slug
from cachetwin_local.topology.values import (
    Action,
    FixedResponse,
    Forward,
    Listener,
    LoadBalancer,
    Redirect,
    Service,
    TargetGroup,
    Topology,
)

__all__ = ["LoadBalancerActor", "target_groups_of"]

_CONNECTIONS_MAX = 1024
_HEADER_BYTES_MAX = 65_536
_HEALTH_REPORT_INTERVAL_S = 1.0


class LoadBalancerActor:
    """One load balancer. It is ready when every target of its groups has answered its health check."""

    kind = "load balancer"

    def __init__(self, run_context: RunContext, load_balancer: LoadBalancer, topology: Topology) -> None:
        self.name = load_balancer.identity.key
        self._run_context = run_context
        self._load_balancer = load_balancer
        services = {service.identity.key: service for service in topology.services}
        groups = target_groups_of(load_balancer, topology)
        self._targets = {key: Targets(group, _addresses(group, services)) for key, group in groups.items()}
        self.depends_on = frozenset(target.service for group in groups.values() for target in group.targets)
        self._listeners: list[tuple[Listener, socket.socket]] = []
        self._servers: list[asyncio.Server] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._tasks = BackgroundTasks(run_context, self.name, self.kind)

    @property
    def detail(self) -> str:
        """How many targets are healthy."""
        counts = [targets.counts for targets in self._targets.values()]
        return f"{sum(count[0] for count in counts)} of {sum(count[1] for count in counts)} targets healthy"

    @property
    def _all_healthy(self) -> bool:
        return all(healthy == total for healthy, total in (targets.counts for targets in self._targets.values()))

    def open(self) -> None:
        """Open the listeners' sockets."""
        for listener in self._load_balancer.listeners:
            endpoint = listener.endpoint
            self._listeners.append((listener, listen(endpoint.address, endpoint.port, f"{self.name} (listener)")))

    async def prepare(self) -> None:
        """Do nothing: the load balancer needs its services first."""

    async def start(self) -> None:
        """Return when every target is healthy and the listeners answer."""
        for listener, sock in self._listeners:
            await self._serve(listener, sock)
        for targets in self._targets.values():
            self._tasks.start("checking the health of targets", targets.watch)
        for targets in self._targets.values():
            await targets.all_healthy()
        self._tasks.start("reporting the health of targets", self._report_health)

    async def stop(self) -> None:
        """Close the listeners, then the connections."""
        for server in self._servers:
            server.close()
        for _listener, sock in self._listeners:
            sock.close()
        await self._tasks.stop()
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, listener: Listener, sock: socket.socket) -> None:
        endpoint = listener.endpoint
        context = None
        if listener.protocol == "HTTPS":
            name = f"{slug(self.name)}-{endpoint.port}"
            context = self._run_context.local_ca.issue(name, [endpoint.address], endpoint.names).server_context()
        front = Frontend(listener.protocol, endpoint.port, lambda request: self._route(listener, request))

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if len(self._connections) >= _CONNECTIONS_MAX:
                writer.close()
                return
            task = asyncio.create_task(HttpProxy(front, reader, writer).serve())
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

        self._servers.append(await asyncio.start_server(accept, sock=sock, ssl=context, limit=_HEADER_BYTES_MAX))

    def _route(self, listener: Listener, request: Request) -> Response | Targets:
        action = select_action(listener, request)
        match action:
            case FixedResponse():
                headers = (("Content-Type", action.content_type),)
                return Response(action.status_code, headers, action.message_body.encode())
            case Redirect():
                ports = {str(each.endpoint.port_on_aws): each.endpoint.port for each in self._load_balancer.listeners}
                there = redirect_location(action, request, listener.protocol, listener.endpoint.port, ports)
                return Response(action.status_code, (("Location", there),))
            case Forward():
                weights = [weighted.weight for weighted in action.target_groups]
                chosen = random.choices(action.target_groups, weights)[0]  # noqa: S311  (spreads load, hides nothing)
                return self._targets[chosen.target_group]

    async def _report_health(self) -> None:
        reported = self.detail
        while True:
            await asyncio.sleep(_HEALTH_REPORT_INTERVAL_S)
            if self.detail != reported:
                reported = self.detail
                self._run_context.logs.write(self.name, f"[cachetwin] {reported}")
                state: State = "ready" if self._all_healthy else "unhealthy"
                self._run_context.report(self.name, self.kind, "targets", state, reported)


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
