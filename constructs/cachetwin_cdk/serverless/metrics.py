"""The CloudWatch metrics of a serverless cache.

Their dimension is ``clusterId``, in that spelling: under ``ServerlessCacheName``, which other libraries use, CloudWatch
has no data.
"""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct


class ServerlessCacheMetrics:
    """The ``metric`` methods of a serverless cache."""

    serverless_cache_name: str

    def metric(
        self,
        metric_name: str,
        *,
        statistic: str = cloudwatch.Stats.AVERAGE,
        period: cdk.Duration | None = None,
        unit: cloudwatch.Unit | None = None,
        label: str | None = None,
    ) -> cloudwatch.Metric:
        """Any metric of ``AWS/ElastiCache`` by its name, per minute unless ``period`` says otherwise."""
        metric = cloudwatch.Metric(
            namespace="AWS/ElastiCache",
            metric_name=metric_name,
            dimensions_map={"clusterId": self.serverless_cache_name},
            statistic=statistic,
            period=period or cdk.Duration.minutes(1),
            unit=unit,
            label=label,
        )
        assert isinstance(self, Construct)  # noqa: S101  (mixed into constructs only)
        # With the region and account of the cache: an alarm elsewhere would otherwise watch a metric without data.
        return metric.attach_to(self)

    def metric_bytes_used_for_cache(self) -> cloudwatch.Metric:
        """Bytes stored, at most in the period."""
        return self.metric("BytesUsedForCache", statistic=cloudwatch.Stats.MAXIMUM, unit=cloudwatch.Unit.BYTES)

    def metric_elasticache_processing_units(self) -> cloudwatch.Metric:
        """Processing units used in the period, summed."""
        return self._count("ElastiCacheProcessingUnits")

    def metric_throttled_cmds(self) -> cloudwatch.Metric:
        """Commands refused because the cache was growing or at its limit, summed."""
        return self._count("ThrottledCmds")

    def metric_total_cmds_count(self) -> cloudwatch.Metric:
        """Commands executed in the period, summed."""
        return self._count("TotalCmdsCount")

    def metric_cache_hit_rate(self) -> cloudwatch.Metric:
        """Share of lookups that found their key, in percent, averaged."""
        return self.metric("CacheHitRate", unit=cloudwatch.Unit.PERCENT)

    def metric_cache_hits(self) -> cloudwatch.Metric:
        """Successful lookups in the period, summed."""
        return self._count("CacheHits")

    def metric_cache_misses(self) -> cloudwatch.Metric:
        """Unsuccessful lookups in the period, summed."""
        return self._count("CacheMisses")

    def metric_curr_connections(self) -> cloudwatch.Metric:
        """Client connections, averaged."""
        return self.metric("CurrConnections", unit=cloudwatch.Unit.COUNT)

    def metric_new_connections(self) -> cloudwatch.Metric:
        """Connections accepted in the period, summed."""
        return self._count("NewConnections")

    def metric_curr_items(self) -> cloudwatch.Metric:
        """Keys held, averaged."""
        return self.metric("CurrItems", unit=cloudwatch.Unit.COUNT)

    def metric_evictions(self) -> cloudwatch.Metric:
        """Keys evicted in the period, summed."""
        return self._count("Evictions")

    def metric_successful_read_request_latency(self) -> cloudwatch.Metric:
        """Microseconds a successful read took, averaged."""
        return self.metric("SuccessfulReadRequestLatency", unit=cloudwatch.Unit.MICROSECONDS)

    def metric_successful_write_request_latency(self) -> cloudwatch.Metric:
        """Microseconds a successful write took, averaged."""
        return self.metric("SuccessfulWriteRequestLatency", unit=cloudwatch.Unit.MICROSECONDS)

    def metric_network_bytes_in(self) -> cloudwatch.Metric:
        """Bytes received in the period, summed."""
        return self.metric("NetworkBytesIn", statistic=cloudwatch.Stats.SUM, unit=cloudwatch.Unit.BYTES)

    def metric_network_bytes_out(self) -> cloudwatch.Metric:
        """Bytes sent in the period, summed."""
        return self.metric("NetworkBytesOut", statistic=cloudwatch.Stats.SUM, unit=cloudwatch.Unit.BYTES)

    def metric_authentication_failures(self) -> cloudwatch.Metric:
        """Refused logins in the period, summed."""
        return self._count("AuthenticationFailures")

    def _count(self, metric_name: str) -> cloudwatch.Metric:
        return self.metric(metric_name, statistic=cloudwatch.Stats.SUM, unit=cloudwatch.Unit.COUNT)
