"""The CloudWatch metrics of a replication group, each with the statistic that makes sense of it.

Counts are summed, levels and latencies averaged. The dimension is the replication group, so that a metric keeps its
meaning when replicas come and go; ``node_id`` narrows it to one member.
"""

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

_NAMESPACE = "AWS/ElastiCache"
# Metrics of the host are published by node within a cluster; a member of a replication group has the one node 0001.
HOST_METRICS = frozenset(
    {
        "CPUUtilization", "CurrConnections", "FreeableMemory", "NetworkBandwidthInAllowanceExceeded",
        "NetworkBandwidthOutAllowanceExceeded", "NetworkBytesIn", "NetworkBytesOut", "NetworkConntrackAllowanceExceeded",
        "NetworkPacketsPerSecondAllowanceExceeded", "SwapUsage",
    }
)  # fmt: skip


class ReplicationGroupMetrics:
    """The ``metric`` methods of a replication group."""

    replication_group_id: str

    def metric(
        self,
        metric_name: str,
        *,
        statistic: str = cloudwatch.Stats.AVERAGE,
        period: cdk.Duration | None = None,
        node_id: str | None = None,
        unit: cloudwatch.Unit | None = None,
        label: str | None = None,
        dimensions: Mapping[str, str] | None = None,
    ) -> cloudwatch.Metric:
        """Any metric of ``AWS/ElastiCache`` by its name, per minute unless ``period`` says otherwise.

        ``node_id`` is a member's id, such as ``<replication group id>-001``. ``dimensions`` are added to the group's
        or the member's own.
        """
        own = {"ReplicationGroupId": self.replication_group_id}
        if node_id is not None:
            own = {"CacheClusterId": node_id}
            if metric_name in HOST_METRICS:
                own["CacheNodeId"] = "0001"
        metric = cloudwatch.Metric(
            namespace=_NAMESPACE,
            metric_name=metric_name,
            dimensions_map={**own, **(dimensions or {})},
            statistic=statistic,
            period=period or cdk.Duration.minutes(1),
            unit=unit,
            label=label,
        )
        assert isinstance(self, Construct)  # noqa: S101  (mixed into constructs only)
        # With the region and account of the cache: an alarm elsewhere would otherwise watch a metric without data.
        return metric.attach_to(self)

    def metric_engine_cpu_utilization(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Load of the engine's thread in percent, averaged; the one to watch on nodes with 4 vCPUs or more."""
        return self.metric("EngineCPUUtilization", node_id=node_id, unit=cloudwatch.Unit.PERCENT)

    def metric_cpu_utilization(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Load of the whole host in percent, averaged; the one to watch on nodes with 2 vCPUs or fewer."""
        return self.metric("CPUUtilization", node_id=node_id, unit=cloudwatch.Unit.PERCENT)

    def metric_database_memory_usage_percentage(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """How much of ``maxmemory`` is used, in percent, averaged."""
        return self.metric("DatabaseMemoryUsagePercentage", node_id=node_id, unit=cloudwatch.Unit.PERCENT)

    def metric_bytes_used_for_cache(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Bytes the engine has allocated, averaged."""
        return self.metric("BytesUsedForCache", node_id=node_id, unit=cloudwatch.Unit.BYTES)

    def metric_freeable_memory(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Bytes of memory free on the host, averaged."""
        return self.metric("FreeableMemory", node_id=node_id, unit=cloudwatch.Unit.BYTES)

    def metric_swap_usage(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Bytes of swap used on the host, averaged."""
        return self.metric("SwapUsage", node_id=node_id, unit=cloudwatch.Unit.BYTES)

    def metric_curr_connections(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Client connections, averaged."""
        return self.metric("CurrConnections", node_id=node_id, unit=cloudwatch.Unit.COUNT)

    def metric_new_connections(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Connections accepted in the period, summed."""
        return self._count("NewConnections", node_id)

    def metric_curr_items(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Keys held, averaged."""
        return self.metric("CurrItems", node_id=node_id, unit=cloudwatch.Unit.COUNT)

    def metric_evictions(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Keys evicted for lack of memory in the period, summed."""
        return self._count("Evictions", node_id)

    def metric_cache_hits(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Successful lookups in the period, summed."""
        return self._count("CacheHits", node_id)

    def metric_cache_misses(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Unsuccessful lookups in the period, summed."""
        return self._count("CacheMisses", node_id)

    def metric_cache_hit_rate(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Share of lookups that found their key, in percent, averaged."""
        return self.metric("CacheHitRate", node_id=node_id, unit=cloudwatch.Unit.PERCENT)

    def metric_replication_lag(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Seconds a replica is behind its primary, averaged."""
        return self.metric("ReplicationLag", node_id=node_id, unit=cloudwatch.Unit.SECONDS)

    def metric_network_bytes_in(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Bytes the host received in the period, summed."""
        return self.metric(
            "NetworkBytesIn", statistic=cloudwatch.Stats.SUM, node_id=node_id, unit=cloudwatch.Unit.BYTES
        )

    def metric_network_bytes_out(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Bytes the host sent in the period, summed."""
        return self.metric(
            "NetworkBytesOut", statistic=cloudwatch.Stats.SUM, node_id=node_id, unit=cloudwatch.Unit.BYTES
        )

    def metric_successful_read_request_latency(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Microseconds a successful read took, averaged."""
        return self.metric("SuccessfulReadRequestLatency", node_id=node_id, unit=cloudwatch.Unit.MICROSECONDS)

    def metric_successful_write_request_latency(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Microseconds a successful write took, averaged."""
        return self.metric("SuccessfulWriteRequestLatency", node_id=node_id, unit=cloudwatch.Unit.MICROSECONDS)

    def metric_authentication_failures(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Refused logins in the period, summed."""
        return self._count("AuthenticationFailures", node_id)

    def _count(self, metric_name: str, node_id: str | None) -> cloudwatch.Metric:
        return self.metric(metric_name, statistic=cloudwatch.Stats.SUM, node_id=node_id, unit=cloudwatch.Unit.COUNT)
