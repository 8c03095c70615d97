"""What runs in a load balancer's process: its listeners, their rules, the health of the targets.

Bounded at 1024 connections a listener; one more is closed at once. At the end it accepts nothing more, closes the
connections that wait for a request, and gives the others a moment to end theirs.
"""

import asyncio
import random
import socket

from cachetwin_local.supervise.data_plane.program import Report
from cachetwin_local.supervise.load_balancer.http_proxy import Frontend, HttpProxy, Response
from cachetwin_local.supervise.load_balancer.routing import Request, redirect_location, select_action
from cachetwin_local.supervise.load_balancer.settings import Front, LoadBalancerSettings
from cachetwin_local.supervise.load_balancer.targets import Targets
from cachetwin_local.topology.values import FixedResponse, Forward, Listener, Redirect

__all__ = ["LoadBalancerServer"]

_CONNECTIONS_MAX = 1024
_HEADER_BYTES_MAX = 65_536
_FIRST_PROBES_S = 1.0
_DRAIN_S = 3.0


class LoadBalancerServer:
    """One load balancer."""

    def __init__(self, settings: LoadBalancerSettings) -> None:
        self.changed = asyncio.Event()
        self._settings = settings
        self._targets = {
            key: Targets(group, addresses, self.changed) for key, (group, addresses) in settings.groups.items()
        }
        self._ports = {
            str(front.listener.endpoint.port_on_aws): front.listener.endpoint.port for front in settings.fronts
        }
        self._report = Report()
        self._servers: list[asyncio.Server] = []
        self._connections: dict[asyncio.Task[None], HttpProxy] = {}
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

    async def stop(self) -> None:
        """Close the listeners and the idle connections, then wait for the others."""
        for server in self._servers:
            server.close()
        for task, proxy in self._connections.items():
            if proxy.idle:
                task.cancel()
            proxy.closing = True
        if self._connections:
            _done, late = await asyncio.wait(list(self._connections), timeout=_DRAIN_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)

    def report(self) -> Report:
        """Requests, connections and answers since the last report, and the health of each target."""
        report, self._report = self._report, Report()
        report.levels["ActiveConnectionCount"] = len(self._connections)
        for key, targets in self._targets.items():
            report.health |= {f"{key} {place}": healthy for place, healthy in targets.health.items()}
        return report

    async def _serve(self, front: Front) -> None:
        listener = front.listener
        context = None if front.pair is None else front.pair.server_context()
        frontend = Frontend(
            listener.protocol, listener.endpoint.port, lambda request: self._route(listener, request), self._count
        )

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if len(self._connections) >= _CONNECTIONS_MAX:
                self._count("RejectedConnectionCount")
                writer.close()
                return
            self._count("NewConnectionCount")
            proxy = HttpProxy(frontend, reader, writer)
            task = asyncio.create_task(proxy.serve())
            self._connections[task] = proxy
            task.add_done_callback(self._connections.pop)

        sock = socket.socket(fileno=front.descriptor)
        self._servers.append(await asyncio.start_server(accept, sock=sock, ssl=context, limit=_HEADER_BYTES_MAX))

    def _count(self, name: str) -> None:
        self._report.counts[name] += 1

    def _route(self, listener: Listener, request: Request) -> Response | Targets:
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
                return self._targets[chosen.target_group]
