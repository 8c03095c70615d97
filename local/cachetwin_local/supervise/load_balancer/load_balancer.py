"""An Application Load Balancer: its listening sockets and its state. The traffic is in a process of its own."""

import asyncio
import socket
from collections.abc import Iterable, Iterator

from cachetwin_local.identity.deliveries import LOAD_BALANCING, DeliveryPermissions, Sender
from cachetwin_local.supervise.data_plane.process import DataPlaneProcess
from cachetwin_local.supervise.data_plane.program import Report
from cachetwin_local.supervise.events import State
from cachetwin_local.supervise.function.sockets import function_socket
from cachetwin_local.supervise.load_balancer.settings import Front, LoadBalancerSettings
from cachetwin_local.supervise.process.sockets import listen
from cachetwin_local.supervise.project.run_context import RunContext, slug
from cachetwin_local.topology.principals import principals_of_roles
from cachetwin_local.topology.values import (
    Action,
    Forward,
    Listener,
    LoadBalancer,
    TargetGroup,
    Topology,
)

__all__ = ["LoadBalancerActor", "refusals_of", "target_groups_of"]

_PROGRAM = "cachetwin_local.supervise.load_balancer"


class LoadBalancerActor:
    """One load balancer. It is ready when every target of its groups has answered its health check."""

    kind = "load balancer"

    def __init__(self, run_context: RunContext, load_balancer: LoadBalancer, topology: Topology) -> None:
        self.name = load_balancer.identity.key
        self._run_context = run_context
        self._load_balancer = load_balancer
        self._services = {service.identity.key: service.tasks for service in topology.services}
        self._groups = target_groups_of(load_balancer, topology)
        self._refusals = refusals_of(self._groups.values(), topology)
        called = {g.function.function for g in self._groups.values() if g.function and g.identity.key in self._refusals}
        self._functions = {key: str(function_socket(run_context.directory, key)) for key in called}
        self._followed = frozenset(target.service for group in self._groups.values() for target in group.targets)
        self.depends_on = self._followed | called
        self._listeners: list[tuple[Listener, socket.socket]] = []
        self._fronts: tuple[Front, ...] = ()
        self._health: dict[str, bool] = {}
        self._seen_healthy: set[str] = set()
        self._all_seen = asyncio.Event()
        self._reported: str | None = None
        self._process = DataPlaneProcess(
            run_context, self.name, self.kind, "traffic", program=_PROGRAM, on_report=self._take
        )

    @property
    def detail(self) -> str:
        """How many targets are healthy, and how many functions are called."""
        functions = f"calls {len(self._functions)} function{'s' * (len(self._functions) != 1)}"
        healthy = f"{self._healthy} of {len(self._wanted)} targets healthy"
        if not self._functions:
            return healthy
        return f"{healthy}, {functions}" if self._wanted else functions

    @property
    def _wanted(self) -> set[str]:
        """The targets that it should have, as its process names them."""
        return {
            f"{key} {address}:{port}" for key, (_group, places) in self._places().items() for address, port in places
        }

    @property
    def _healthy(self) -> int:
        return sum(self._health.get(target, False) for target in self._wanted)

    def _places(self) -> dict[str, tuple[TargetGroup, tuple[tuple[str, int], ...]]]:
        """Each target group with the places of its targets now."""
        return {key: (group, tuple(self._places_of(group))) for key, group in self._groups.items()}

    def _places_of(self, group: TargetGroup) -> Iterator[tuple[str, int]]:
        for target in group.targets:
            published = self._run_context.task_places.of(target.service)
            tasks = self._services.get(target.service, ()) if published is None else published
            for task in tasks:
                yield task.address, task.ports.get(target.container_port, target.container_port)

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
        self._fronts = tuple(self._front(listener, sock) for listener, sock in self._listeners)
        self._run_context.task_places.follow(self._follow)
        await self._process.start(self._settings())
        if self._wanted:
            await self._all_seen.wait()
        self._reported = self.detail

    def _follow(self, service: str) -> None:
        """Let the process have the tasks that a service has now."""
        if service in self._followed:
            self._process.update(self._settings())

    def _settings(self) -> LoadBalancerSettings:
        return LoadBalancerSettings(self._fronts, self._places(), self._functions, self._refusals)

    async def stop(self) -> None:
        """Close the listeners, then stop the process, which lets requests end."""
        self._run_context.task_places.unfollow(self._follow)
        self._run_context.task_places.forget(self.name)
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
        places = {target.rpartition(" ")[2]: healthy for target, healthy in report.health.items()}
        self._run_context.task_places.take_report(self.name, places, set(report.draining))
        self._seen_healthy |= {target for target, healthy in report.health.items() if healthy}
        if self._seen_healthy >= self._wanted:
            self._all_seen.set()
        if self._reported is None or self.detail == self._reported:
            return
        self._reported = self.detail
        self._run_context.logs.write(self.name, f"[cachetwin] {self.detail}")
        state: State = "ready" if self._healthy == len(self._wanted) else "unhealthy"
        self._run_context.report(self.name, self.kind, "targets", state, self.detail)


def target_groups_of(load_balancer: LoadBalancer, topology: Topology) -> dict[str, TargetGroup]:
    """The target groups that the load balancer's listeners forward to, by key."""
    actions: list[Action] = []
    for listener in load_balancer.listeners:
        actions += [listener.default_action, *(rule.action for rule in listener.rules)]
    forwards = [action for action in actions if isinstance(action, Forward)]
    wanted = {weighted.target_group for forward in forwards for weighted in forward.target_groups}
    return {group.identity.key: group for group in topology.target_groups if group.identity.key in wanted}


def refusals_of(groups: Iterable[TargetGroup], topology: Topology) -> dict[str, str | None]:
    """Why no policy lets a load balancer call the function of a target group, by its key; None where one does."""
    permissions = DeliveryPermissions(topology.grants, principals_of_roles(topology.roles))
    running = {function.identity.key for function in topology.functions}
    return {
        group.identity.key: permissions.refusal_of(Sender(LOAD_BALANCING, group.identity.arn), group.function.arn)
        for group in groups
        if group.function is not None and group.function.function in running
    }
