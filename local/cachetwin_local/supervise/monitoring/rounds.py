"""Measuring in rounds, on the twin's clock: every minute, or as often as the project says.

A round measures everything, exchanges measurements with CloudWatch, and lets the alarms judge. A measurement carries the
time at which the round before was, the beginning of what it measures. While the clock is moved the rounds of the last hour
of the move are all made; a longer move is one long interval before.
"""

import asyncio
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from cachetwin_local.supervise.aws_api.actor import private_socket
from cachetwin_local.supervise.aws_api.client import AwsClient
from cachetwin_local.supervise.aws_api.delivery import log_streams
from cachetwin_local.supervise.aws_api.moto_backend import CallFailed
from cachetwin_local.supervise.background import BackgroundTasks
from cachetwin_local.supervise.cache.cache import CacheActor
from cachetwin_local.supervise.cache.memcached import MemcachedActor
from cachetwin_local.supervise.project.logs import LogLine
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.scaling.capacity import Scalables
from cachetwin_local.supervise.scaling.scaling import Scaling
from cachetwin_local.supervise.service.service import ServiceActor
from cachetwin_local.topology.values import Topology

from .alarms.alarms import Alarms
from .cache_events import CacheEvents
from .cache_logs import CacheLogs
from .collectors.caches import CacheCollector
from .collectors.services import ServiceCollector
from .collectors.traffic import TrafficCollector, queue_data
from .metrics.datum import Datum, MetricKey, Values
from .metrics.embedded import embedded_data
from .metrics.store import MetricStore

__all__ = ["Monitoring"]

_CATCH_UP_MS: Final = 3_600_000
_PRUNE_ROUNDS: Final = 30
_LOG: Final = "monitoring"


class Monitoring:
    """The metrics, alarms and scaling of one run."""

    def __init__(
        self,
        run_context: RunContext,
        topology: Callable[[], Topology],
        services: Callable[[], Sequence[ServiceActor]],
        caches: Callable[[], Sequence[CacheActor]],
        memcached_clusters: Callable[[], Sequence[MemcachedActor]],
    ) -> None:
        self._run_context = run_context
        self._topology = topology
        self._services, self._caches, self._clusters = services, caches, memcached_clusters
        self._client = AwsClient(private_socket(run_context.directory), topology().region)
        self._store = MetricStore()
        self._tasks = BackgroundTasks(run_context, _LOG, _LOG)
        self._scaling = Scaling(
            run_context,
            self._client,
            topology,
            Scalables(services, caches, memcached_clusters),
            lambda: run_context.clock.moving_to_ms is not None,
        )
        self._alarms = Alarms(run_context, self._client, topology, self._scaling)
        self._cache_metrics, self._service_metrics, self._traffic = (
            CacheCollector(),
            ServiceCollector(),
            TrafficCollector(),
        )
        self._cache_logs = CacheLogs(run_context, self._client)
        self._cache_events = CacheEvents(run_context, self._client, topology)
        self._pending: list[Datum] = []
        self._lines: asyncio.Queue[LogLine] | None = None
        self._last_ms = 0
        self._rounds = 0
        self._stopped = False

    def rows(self) -> dict[str, list[dict[str, object]]]:
        """The alarms and the scalable targets, as `cachetwin status` shows them."""
        return {"alarms": self._alarms.rows(), "scaling": self._scaling.rows()}

    def start(self) -> None:
        """Begin: everything has started."""
        self._tasks.start("reading metrics in logs", self._read_lines)
        self._tasks.start("sending the events of caches", self._cache_events.run)
        self._tasks.start("the first measurement", self._begin)

    async def stop(self) -> None:
        """Measure nothing more."""
        self._stopped = True
        await self._tasks.stop()
        await self._scaling.stop()
        await self._client.close()

    async def _begin(self) -> None:
        """What counters show now is where they begin."""
        self._scaling.plan_schedules()
        self._last_ms = self._run_context.clock.now_ms()
        await self._measure(self._last_ms, 0)
        self._plan_next()

    @property
    def _interval_ms(self) -> int:
        return 1000 * self._topology().metrics_interval_s

    def _plan_next(self) -> None:
        clock, interval_ms = self._run_context.clock, self._interval_ms
        due_ms = (self._last_ms // interval_ms + 1) * interval_ms
        if clock.moving_to_ms is not None:  # of a long move the last part
            late_ms = clock.moving_to_ms - _CATCH_UP_MS
            due_ms = max(due_ms, late_ms // interval_ms * interval_ms)
        clock.at(due_ms, self._round)

    async def _round(self) -> None:
        """One round; whatever fails in it, the next one comes."""
        if self._stopped:
            return
        clock = self._run_context.clock
        now_ms = clock.now_ms() // self._interval_ms * self._interval_ms
        try:
            await self._measure_and_judge(now_ms)
        except Exception:  # noqa: BLE001  (the clock's other jobs go on)
            self._run_context.logs.write("supervisor", f"measuring failed\n{traceback.format_exc()}")
        self._last_ms = max(now_ms, self._last_ms)
        self._plan_next()

    async def _measure_and_judge(self, now_ms: int) -> None:
        self._scaling.plan_schedules()
        await self._scaling.keep_bounds()
        start_ms, seconds = self._last_ms, (now_ms - self._last_ms) / 1000
        start_ms = max(start_ms, now_ms - self._interval_ms)
        for datum in await self._measure(start_ms, seconds):
            self._put(datum)
        self._take_lines()
        if self._topology().aws_api is None:
            return
        try:
            documents = await self._exchange(start_ms)
            if await self._scaling.put_alarms(str(one["AlarmName"]) for one in documents):
                documents = await self._exchange(start_ms)
            await self._alarms.judge(documents, self._store, now_ms)
            await self._cache_logs.deliver()
        except (CallFailed, OSError) as error:  # the endpoint starts again: the next round finds it
            self._run_context.logs.write(_LOG, f"CloudWatch does not answer: {error}")
        self._rounds += 1
        if self._rounds % _PRUNE_ROUNDS == 0:
            self._store.prune(now_ms)

    async def _measure(self, time_ms: int, seconds: float) -> list[Datum]:
        """What everything did in the last `seconds`."""
        topology, found = self._topology(), list[Datum]()
        groups = {one.identity.key: one for one in topology.replication_groups}
        clusters = {one.identity.key: one for one in topology.memcached_clusters}
        services = {one.identity.key: one for one in topology.services}
        for cache in self._caches():
            if cache.name in groups:
                found += await self._cache_metrics.replication_group(cache, groups[cache.name], time_ms, seconds)
                await self._cache_logs.read_slow_logs(cache, groups[cache.name])
        for cluster in self._clusters():
            if cluster.name in clusters:
                found += self._cache_metrics.memcached(cluster, clusters[cluster.name], time_ms)
        for service in self._services():
            if service.name in services:
                found += await self._service_metrics.measure(service, services[service.name], time_ms, seconds)
        known = self._run_context.metrics.all()
        for function in topology.functions:
            found += self._traffic.function(function, known.get(function.identity.key, {}), time_ms)
        for balancer in topology.load_balancers:
            found += self._traffic.load_balancer(balancer, known.get(balancer.identity.key, {}), time_ms)
        for group in topology.target_groups:
            sent = Counter[str]()
            for balancer in topology.load_balancers:
                sent.update(known.get(balancer.identity.key, {}))
            count = sum(one.desired_count for one in self._services() if one.name in {t.service for t in group.targets})
            found += self._traffic.target_group(group, count, sent, time_ms)
        for api in topology.http_apis:
            found += self._traffic.http_api(api, known.get(api.identity.key, {}), time_ms)
        return found

    def _put(self, datum: Datum) -> None:
        """A measurement of ours, for the alarms and, with the next exchange, for CloudWatch."""
        self._store.put(datum)
        self._pending.append(datum)

    async def _exchange(self, time_ms: int) -> list[dict[str, Any]]:
        """Tell CloudWatch what was measured, learn what apps have put. Returns the alarms."""
        pending, self._pending = self._pending, []
        try:
            answer = await self._client.exchange({"put": [_row(datum) for datum in pending]})
        except OSError:
            self._pending = pending
            raise
        ahead_ms = self._run_context.clock.ahead_ms
        for row in answer["data"]:
            self._store.put(_datum(row, ahead_ms))
        for datum in queue_data(answer, time_ms):
            self._store.put(datum)
            self._pending.append(datum)
        alarms: list[dict[str, Any]] = answer["alarms"]
        return alarms

    async def _read_lines(self) -> None:
        """Keep the metrics that functions and services write into their logs."""
        with self._run_context.logs.follow() as queue:
            self._lines = queue
            while True:
                self._take(await queue.get())

    def _take_lines(self) -> None:
        """Those that have come and were not read yet."""
        while self._lines is not None and not self._lines.empty():
            self._take(self._lines.get_nowait())

    def _take(self, entry: LogLine) -> None:
        self._cache_logs.take(entry, self._topology())
        if '"CloudWatchMetrics"' not in entry.line:
            return
        region = self._region_of(entry.name)
        if region is not None:
            for datum in embedded_data(entry.line, region, self._run_context.clock.ahead_ms):
                self._put(datum)

    def _region_of(self, log: str) -> str | None:
        """The region of the function or the service whose log it is; None where its log goes to no group."""
        topology = self._topology()
        if log not in log_streams(topology):
            return None
        owners = [one.identity for one in topology.functions] + [one.identity for one in topology.services]
        return next((one.region for one in owners if f"{log}/".startswith(f"{one.key}/")), None)


def _row(datum: Datum) -> list[object]:
    key, values = datum.key, datum.values
    pairs = [list(pair) for pair in sorted(key.dimensions)]
    numbers = [values.count, values.total, values.least, values.most]
    return [key.region, key.namespace, key.name, pairs, datum.time_ms / 1000, *numbers, datum.unit]


def _datum(row: Sequence[Any], ahead_ms: int) -> Datum:
    region, namespace, name, pairs, time_s, count, total, least, most, unit = row
    key = MetricKey(region, namespace, name, frozenset((str(a), str(b)) for a, b in pairs))
    single = (float(total),) if count == 1 else ()
    values = Values(float(count), float(total), float(least), float(most), single)
    return Datum(key, int(1000 * time_s) + ahead_ms, values, unit or "None")
