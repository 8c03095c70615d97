"""Measures the tasks of services: how many there are, and the processor and memory that their processes use.

Shares are of what the task definition reserves, as ECS's are; without a reservation, of a quarter of a processor and
512 MB, the least that Fargate has.
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Final

import psutil

from cachetwin_local.supervise.monitoring.metrics.datum import Datum, Values, metric_key
from cachetwin_local.supervise.service.service import ServiceActor
from cachetwin_local.topology.values import Service

from .counters import Counters

__all__ = ["ServiceCollector"]

_ECS: Final = "AWS/ECS"
_INSIGHTS: Final = "ECS/ContainerInsights"
_CPU_UNITS: Final = 256
_MEMORY_MB: Final = 512
_MB: Final = 1024 * 1024


class ServiceCollector:
    """Measures services on ECS."""

    def __init__(self) -> None:
        self._counters = Counters()

    async def measure(self, actor: ServiceActor, service: Service, time_ms: int, seconds: float) -> list[Datum]:
        """What the tasks of a service did in the last `seconds`."""
        rows = actor.rows()
        running = sum(row["state"] == "ready" for row in rows)
        wanted = actor.desired_count
        counts = {
            "RunningTaskCount": float(running),
            "DesiredTaskCount": float(wanted),
            "PendingTaskCount": float(max(0, wanted - running)),
        }
        found = list(_data(service, _INSIGHTS, counts, "Count", time_ms))
        pids = {
            f"{actor.name}/{row['task']}": list(row["pids"].values())
            for row in rows
            if isinstance(row["pids"], Mapping)
        }
        usage = await asyncio.to_thread(_usage, pids)
        cpu_s = service.cpu_units or _CPU_UNITS
        memory = (service.memory_mb or _MEMORY_MB) * _MB
        for task, (cpu, resident) in usage.items():
            grown = self._counters.since(task, {"cpu": cpu})
            if grown and seconds > 0:
                share = 100 * grown["cpu"] / seconds / (cpu_s / 1024)
                found += _data(service, _ECS, {"CPUUtilization": share}, "Percent", time_ms)
            found += _data(service, _ECS, {"MemoryUtilization": 100 * resident / memory}, "Percent", time_ms)
        return found


def _usage(tasks: Mapping[str, list[int]]) -> dict[str, tuple[float, float]]:
    """The seconds of processor time and the memory of each task's processes."""
    found = {}
    for task, pids in tasks.items():
        cpu, resident = 0.0, 0.0
        for process in _processes(pids):
            try:
                times = process.cpu_times()
                cpu += times.user + times.system
                resident += process.memory_info().rss
            except psutil.Error:
                continue  # it has ended
        if pids:
            found[task] = (cpu, resident)
    return found


def _processes(pids: list[int]) -> Iterator[psutil.Process]:
    for pid in pids:
        try:
            process = psutil.Process(pid)
            yield process
            yield from process.children(recursive=True)
        except psutil.Error:
            continue


def _data(service: Service, namespace: str, values: Mapping[str, float], unit: str, time_ms: int) -> Iterator[Datum]:
    cluster, name = service.cluster, service.identity.physical_name
    for metric, value in values.items():
        for dimensions in ({"ClusterName": cluster, "ServiceName": name}, {"ClusterName": cluster}):
            if namespace == _INSIGHTS and len(dimensions) == 1:
                continue
            key = metric_key(service.identity.region, namespace, metric, dimensions)
            yield Datum(key, time_ms, Values.of(value), unit)
