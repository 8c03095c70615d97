"""The targets of a target group and their health, as a load balancer sees them.

Health is checked at the group's path, first quickly (so that `up` does not wait for an interval meant for a fleet),
then every interval. Here one good answer makes a target healthy; `unhealthy_count` bad ones in a row make it
unhealthy, as the group says.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import h11

from cachetwin_local.supervise.http.message import Field
from cachetwin_local.supervise.load_balancer.routing import codes_match
from cachetwin_local.supervise.load_balancer.stickiness import session_place
from cachetwin_local.topology.values import TargetGroup

__all__ = ["Targets", "check_health"]

_FIRST_PROBES_S = 0.1
_PROBE_BYTES_MAX = 65_536


@dataclass(slots=True)
class _Target:
    address: str
    port: int
    healthy: bool = False
    failures: int = 0
    probed: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Targets:
    """The group's targets at ``(address, port)``; made healthy and unhealthy by `watch`, which then sets `changed`."""

    group: TargetGroup
    addresses: tuple[tuple[str, int], ...]
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _targets: list[_Target] = field(default_factory=list)
    _turn: int = 0
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._targets = [_Target(address, port) for address, port in self.addresses]

    def move(self, addresses: tuple[tuple[str, int], ...]) -> None:
        """The targets are at these addresses from now on; those that stay keep their health."""
        here = {(target.address, target.port): target for target in self._targets}
        self._targets = [here.get(place) or _Target(*place) for place in addresses]
        self.addresses = addresses
        self._moved.set()
        self.changed.set()

    def round_robin(self) -> Iterator[tuple[str, int]]:
        """The healthy targets, beginning with another one at each call (round robin)."""
        healthy = [target for target in self._targets if target.healthy]
        self._turn += 1
        for index in range(len(healthy)):
            target = healthy[(self._turn + index) % len(healthy)]
            yield target.address, target.port

    def choices(self, fields: Sequence[Field], now_s: int) -> list[tuple[str, int]]:
        """The healthy targets in the order in which a request with these fields tries them: that of its session first."""
        places = list(self.round_robin())
        place = session_place(self.group, places, fields, now_s)
        return places if place is None else [place, *(one for one in places if one != place)]

    @property
    def health(self) -> dict[str, bool]:
        """Whether each target is healthy, by ``address:port``."""
        return {f"{target.address}:{target.port}": target.healthy for target in self._targets}

    async def all_probed(self) -> None:
        """Return once the first probe of every target has ended."""
        for target in self._targets:
            await target.probed.wait()

    async def watch(self) -> None:
        """Check every target's health until cancelled."""
        watches: dict[int, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as tasks:
            while True:
                wanted = {id(target): target for target in self._targets}
                for gone in watches.keys() - wanted.keys():
                    watches.pop(gone).cancel()
                for new in wanted.keys() - watches.keys():
                    watches[new] = tasks.create_task(self._watch(wanted[new]))
                self._moved.clear()
                await self._moved.wait()

    async def _watch(self, target: _Target) -> None:
        check = self.group.health_check
        while True:
            port = check.port or target.port
            well = await check_health(
                target.address, port, check.path, check.matcher, check.timeout_s, tls=check.protocol == "HTTPS"
            )
            before = target.healthy
            target.failures = 0 if well else target.failures + 1
            if well:
                target.healthy = True
            elif target.failures >= check.unhealthy_count:
                target.healthy = False
            if target.healthy is not before:
                self.changed.set()
            target.probed.set()
            await asyncio.sleep(check.interval_s if target.healthy else _FIRST_PROBES_S)


async def check_health(
    address: str, port: int, path: str, matcher: str, timeout_s: float, *, tls: bool = False
) -> bool:
    """Whether ``GET path`` is answered in time with a status code that `matcher` holds."""
    try:
        async with asyncio.timeout(timeout_s):
            return codes_match(matcher, await _status(address, port, path, tls=tls))
    except (OSError, h11.RemoteProtocolError, TimeoutError):
        return False


async def _status(address: str, port: int, path: str, *, tls: bool) -> int:
    context = None
    if tls:
        # a load balancer does not check its targets' certificates (ELB user guide, "Target groups", routing configuration)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(address, port, ssl=context)
    try:
        parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=_PROBE_BYTES_MAX)
        headers = [("Host", f"{address}:{port}"), ("User-Agent", "ELB-HealthChecker/2.0"), ("Connection", "close")]
        writer.write(parser.send(h11.Request(method="GET", target=path, headers=headers)) or b"")
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                parser.receive_data(await reader.read(_PROBE_BYTES_MAX))
            elif isinstance(event, h11.Response):
                return event.status_code
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
