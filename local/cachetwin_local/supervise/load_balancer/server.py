"""What runs in a load balancer's process: its listeners, their rules, the health of the targets.

At the end it accepts nothing more, closes the connections that wait for a request, and gives the others a moment to end
theirs.
"""

import asyncio
import random
import socket
import time

from cachetwin_local.supervise.api.functions import FunctionCaller
from cachetwin_local.supervise.data_plane.program import Report
from cachetwin_local.supervise.load_balancer.function_target import FunctionTarget
from cachetwin_local.supervise.load_balancer.http_proxy import Frontend, HttpProxy
from cachetwin_local.supervise.load_balancer.response import Response
from cachetwin_local.supervise.load_balancer.routing import Request, redirect_location, select_action
from cachetwin_local.supervise.load_balancer.settings import Front, LoadBalancerSettings
from cachetwin_local.supervise.load_balancer.target_connection import Place, TargetPool
from cachetwin_local.supervise.load_balancer.targets import Targets
from cachetwin_local.topology.values import FixedResponse, Forward, Listener, Redirect

__all__ = ["LoadBalancerServer"]

_FIRST_PROBES_S = 1.0
_DRAIN_S = 3.0
_DRAIN_POLL_S = 0.02


class LoadBalancerServer:
    """One load balancer."""

    def __init__(self, settings: LoadBalancerSettings) -> None:
        self.changed = asyncio.Event()
        self._settings = settings
        self._targets = {
            key: Targets(group, addresses, self.changed)
            for key, (group, addresses) in settings.groups.items()
            if group.function is None
        }
        self._caller = FunctionCaller(settings.functions)
        self._functions = {
            key: FunctionTarget(group, group.function, settings.refusals.get(key), self._caller, self._count)
            for key, (group, _addresses) in settings.groups.items()
            if group.function is not None and group.function.function in settings.functions
        }
        self._ports = {
            str(front.listener.endpoint.port_on_aws): front.listener.endpoint.port for front in settings.fronts
        }
        self._report = Report()
        self._servers: list[asyncio.Server] = []
        self._connections: set[HttpProxy] = set()
        self._pool = TargetPool()
        self._leaving: set[Place] = set()
        self._watches: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Accept connections as soon as every target was probed once; meanwhile they wait in the listening sockets."""
        self._watches = [asyncio.create_task(targets.watch()) for targets in self._targets.values()]
        probed = [asyncio.create_task(targets.all_probed()) for targets in self._targets.values()]
        if probed:
            _done, late = await asyncio.wait(probed, timeout=_FIRST_PROBES_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for front in self._settings.fronts:
            await self._serve(front)

    async def run(self) -> None:
        """Watch the health of the targets."""
        await asyncio.gather(*self._watches)
        await asyncio.Event().wait()  # without target groups there is nothing to watch

    def update(self, settings: object) -> None:
        """Take other addresses of targets. Requests that are under way at those that leave may end."""
        if not isinstance(settings, LoadBalancerSettings):
            raise TypeError(f"must be the settings of a load balancer, got {type(settings).__name__}")
        for key, targets in self._targets.items():
            addresses = settings.groups[key][1]
            self._leaving |= set(targets.addresses) - set(addresses)
            targets.move(addresses)
        self._leaving -= {place for targets in self._targets.values() for place in targets.addresses}
        for place in self._leaving:
            self._pool.close_place(place)

    async def stop(self) -> None:
        """Close the listeners and the idle connections, then wait for the others."""
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.drain()
        end_s = time.monotonic() + _DRAIN_S
        while self._connections and time.monotonic() < end_s:
            await asyncio.sleep(_DRAIN_POLL_S)
        for connection in list(self._connections):
            connection.abort()
        self._pool.close()
        await self._caller.close()
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)

    def report(self) -> Report:
        """Requests, connections and answers since the last report, and the health of each target."""
        report, self._report = self._report, Report()
        report.levels["ActiveConnectionCount"] = len(self._connections)
        for key, targets in self._targets.items():
            report.health |= {f"{key} {place}": healthy for place, healthy in targets.health.items()}
        if self._leaving:
            self._leaving &= {connection.place for connection in self._connections}
            report.draining = [f"{address}:{port}" for address, port in self._leaving]
        return report

    async def _serve(self, front: Front) -> None:
        listener = front.listener
        context = None if front.pair is None else front.pair.server_context()
        frontend = Frontend(
            listener.protocol,
            listener.endpoint.port,
            lambda request: self._route(listener, request),
            self._count,
            self._connections,
            self._pool,
        )
        sock = socket.socket(fileno=front.descriptor)
        loop = asyncio.get_running_loop()
        self._servers.append(await loop.create_server(lambda: HttpProxy(frontend), sock=sock, ssl=context))

    def _count(self, name: str, amount: int) -> None:
        self._report.counts[name] += amount

    def _route(self, listener: Listener, request: Request) -> Response | Targets | FunctionTarget | None:
        """The answer, or who gives it; None for a target group that does not run here."""
        action = select_action(listener, request)
        match action:
            case FixedResponse():
                headers = (("Content-Type", action.content_type),)
                return Response(action.status_code, headers, action.message_body.encode())
            case Redirect():
                there = redirect_location(action, request, listener.protocol, listener.endpoint.port, self._ports)
                return Response(action.status_code, (("Location", there),))
            case Forward():
                weights = [weighted.weight for weighted in action.target_groups]
                chosen = random.choices(action.target_groups, weights)[0]  # noqa: S311  (spreads load, hides nothing)
                self._count(f"RequestCount {chosen.target_group}", 1)
                return self._functions.get(chosen.target_group) or self._targets.get(chosen.target_group)
