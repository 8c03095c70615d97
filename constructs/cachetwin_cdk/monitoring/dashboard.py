"""A CloudWatch dashboard for caches.

A replication group's lines come from a SEARCH over its members, so that the graphs follow nodes that come and go.
"""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import known, require_match
from cachetwin_cdk.memcached_cluster import IMemcachedCluster
from cachetwin_cdk.replication_group._base import IReplicationGroup
from cachetwin_cdk.replication_group.metrics import HOST_METRICS
from cachetwin_cdk.serverless._base import IServerlessCache

from .alarms import Cache, CacheAlarms

_WIDTH = 8  # three graphs in a row of 24
_HEIGHT = 6
_AVERAGE, _MAXIMUM, _SUM = cloudwatch.Stats.AVERAGE, cloudwatch.Stats.MAXIMUM, cloudwatch.Stats.SUM
_Graph = tuple[str, Sequence[tuple[str, str]]]

_REPLICATION_GROUP: Sequence[_Graph] = (
    ("Engine load (percent)", [("EngineCPUUtilization", _MAXIMUM)]),
    ("Memory used (percent)", [("DatabaseMemoryUsagePercentage", _MAXIMUM)]),
    ("Hit rate (percent)", [("CacheHitRate", _AVERAGE)]),
    ("Latency (microseconds)", [("SuccessfulReadRequestLatency", _AVERAGE), ("SuccessfulWriteRequestLatency", _AVERAGE)]),
    ("Connections", [("CurrConnections", _MAXIMUM), ("NewConnections", _SUM)]),
    ("Evictions", [("Evictions", _SUM)]),
    ("Replication lag (seconds)", [("ReplicationLag", _MAXIMUM)]),
    ("Network (bytes)", [("NetworkBytesIn", _SUM), ("NetworkBytesOut", _SUM)]),
    ("Refused", [("AuthenticationFailures", _SUM), ("CommandAuthorizationFailures", _SUM)]),
)  # fmt: skip
_SERVERLESS: Sequence[_Graph] = (
    ("Processing units", [("ElastiCacheProcessingUnits", _SUM), ("ThrottledCmds", _SUM)]),
    ("Data (bytes)", [("BytesUsedForCache", _MAXIMUM)]),
    ("Hit rate (percent)", [("CacheHitRate", _AVERAGE)]),
    ("Latency (microseconds)", [("SuccessfulReadRequestLatency", _AVERAGE), ("SuccessfulWriteRequestLatency", _AVERAGE)]),
    ("Connections", [("CurrConnections", _AVERAGE), ("NewConnections", _SUM)]),
    ("Evictions and refused logins", [("Evictions", _SUM), ("AuthenticationFailures", _SUM)]),
)  # fmt: skip
_MEMCACHED: Sequence[_Graph] = (
    ("Load of the host (percent)", [("CPUUtilization", _MAXIMUM)]),
    ("Memory (bytes)", [("FreeableMemory", _AVERAGE), ("SwapUsage", _MAXIMUM)]),
    ("Hits and misses", [("GetHits", _SUM), ("GetMisses", _SUM)]),
    ("Connections", [("CurrConnections", _AVERAGE), ("NewConnections", _SUM)]),
    ("Evictions", [("Evictions", _SUM)]),
    ("Items", [("CurrItems", _AVERAGE)]),
)


@checked_arguments
class CacheDashboard(Construct):
    """A CloudWatch dashboard with a section for each cache: load, memory, hit rate, latency, connections, evictions.

    Defines one AWS::CloudWatch::Dashboard, unless an existing one is given.

    Args:
        caches: The caches, of any kind; ``add_cache`` adds more.
        alarms: Packs of alarms whose state is shown above the graphs. By default no alarms are shown.
        dashboard: An existing dashboard to add the graphs to. By default one is created.
        dashboard_name: The name of the dashboard created here. By default CloudFormation generates one. Changing it
            replaces the dashboard.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        caches: Sequence[Cache],
        alarms: Sequence[CacheAlarms] = (),
        dashboard: cloudwatch.Dashboard | None = None,
        dashboard_name: str | None = None,
    ) -> None:
        require_match(
            "dashboard_name",
            dashboard_name,
            r"[A-Za-z0-9_-]{1,255}",
            "hold letters, digits, hyphens and underscores",
            remedy="choose such a name",
        )
        super().__init__(scope, construct_id)
        self.dashboard = dashboard or cloudwatch.Dashboard(
            self, "Resource", dashboard_name=dashboard_name, default_interval=cdk.Duration.hours(3)
        )
        shown = [alarm for pack in alarms for alarm in pack.alarms]
        if shown:
            self.dashboard.add_widgets(
                cloudwatch.AlarmStatusWidget(alarms=shown, title="Alarms", width=24, height=_HEIGHT)
            )
        for cache in caches:
            self.add_cache(cache)

    def add_cache(self, cache: Cache) -> None:
        """Add a section for one more cache."""
        name = _name(cache)
        self.dashboard.add_widgets(cloudwatch.TextWidget(markdown=f"## {name}", width=24, height=1))
        graphs = [self._widget(cache, title, lines) for title, lines in _graphs(cache)]
        for first in range(0, len(graphs), 3):
            self.dashboard.add_widgets(*graphs[first : first + 3])

    def _widget(self, cache: Cache, title: str, lines: Sequence[tuple[str, str]]) -> cloudwatch.GraphWidget:
        metrics: list[cloudwatch.IMetric] = [_line(self, cache, name, statistic) for name, statistic in lines]
        return cloudwatch.GraphWidget(title=title, left=metrics, width=_WIDTH, height=_HEIGHT)


def _name(cache: Cache) -> str:
    if isinstance(cache, IServerlessCache):
        return cache.serverless_cache_name
    return cache.replication_group_id if isinstance(cache, IReplicationGroup) else cache.cluster_name


def _graphs(cache: Cache) -> Sequence[_Graph]:
    if isinstance(cache, IServerlessCache):
        return _SERVERLESS
    return _MEMCACHED if isinstance(cache, IMemcachedCluster) else _REPLICATION_GROUP


def _line(scope: Construct, cache: Cache, metric_name: str, statistic: str) -> cloudwatch.IMetric:
    if not isinstance(cache, IReplicationGroup):
        return cache.metric(metric_name, statistic=statistic, label=metric_name)
    dimensions = "CacheClusterId,CacheNodeId" if metric_name in HOST_METRICS else "CacheClusterId"
    # A member's id is the group's, a hyphen and numbers: the search takes the words of the id one by one.
    search = f'{{AWS/ElastiCache,{dimensions}}} MetricName="{metric_name}" {cache.replication_group_id}'
    return cloudwatch.MathExpression(
        expression=f"SEARCH('{search}', '{statistic}', 60)",
        label=metric_name,
        using_metrics={},
        period=cdk.Duration.minutes(1),
        search_region=_elsewhere(cdk.Stack.of(scope).region, cdk.Stack.of(cache).region),
        search_account=_elsewhere(cdk.Stack.of(scope).account, cdk.Stack.of(cache).account),
    )


def _elsewhere(ours: str, theirs: str) -> str | None:
    """Where to search, if that is not where the dashboard is."""
    return theirs if known(theirs) and theirs != ours else None
