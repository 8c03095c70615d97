"""CloudWatch alarms for caches, as rows of a table.

``AlarmPack.RECOMMENDED`` is what CloudWatch recommends for ElastiCache; where it leaves a threshold to the workload, the
threshold is that of AWS's fuller alarm pack, which is ``AlarmPack.FULL``. Thresholds of CPU depend on the node type: the
engine runs commands on one thread, so a host with 2 vCPUs is busy at 45 percent. The dimension of a serverless cache is
``clusterId``, which differs from that pack.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from cachetwin_cdk.checks._places import require_region
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import ValidationError, WarningId, known, refuse, require_between, warn
from cachetwin_cdk.engine.node_type import NodeType
from cachetwin_cdk.memcached_cluster import IMemcachedCluster
from cachetwin_cdk.replication_group._base import IReplicationGroup, Use
from cachetwin_cdk.replication_group.metrics import HOST_METRICS
from cachetwin_cdk.serverless._base import IServerlessCache

Cache = IReplicationGroup | IServerlessCache | IMemcachedCluster
_CPU_PERCENT_MAX = 90.0
_VCPUS_OF_ONE_BUSY_THREAD = 2
_CONNECTIONS_MAX = 65_000  # per node: the parameter maxclients
_SHARE_OF_LIMIT = 0.8
_ALARMS_MAX = 200  # a stack has at most 500 resources


class AlarmPack(StrEnum):
    """Which metrics have an alarm."""

    RECOMMENDED = "recommended"
    """Those that CloudWatch recommends: load, connections, memory and replication lag."""
    FULL = "full"
    """Also latency, hit rate, evictions, new connections, memory of the host and network limits."""


@dataclass(frozen=True)
class _Rule:
    """One alarm: it goes off when ``datapoints`` of the last ``evaluations`` periods breach the threshold."""

    metric: str
    threshold: float
    datapoints: int
    evaluations: int
    statistic: str = cloudwatch.Stats.MAXIMUM
    period_seconds: int = 60
    is_low: bool = False
    pack: AlarmPack = AlarmPack.FULL


_SUM, _AVERAGE, _RECOMMENDED = cloudwatch.Stats.SUM, cloudwatch.Stats.AVERAGE, AlarmPack.RECOMMENDED
_LATENCY = (
    _Rule("SuccessfulReadRequestLatency", 5000, 3, 5, _AVERAGE),
    _Rule("SuccessfulWriteRequestLatency", 5000, 3, 5, _AVERAGE),
)
_HIT_RATE = _Rule("CacheHitRate", 80, 4, 6, _AVERAGE, is_low=True)
_MB = 1024 * 1024
_REPLICATION_GROUP = (
    _Rule("EngineCPUUtilization", _CPU_PERCENT_MAX, 3, 5, pack=_RECOMMENDED),
    _Rule("CurrConnections", _SHARE_OF_LIMIT * _CONNECTIONS_MAX, 10, 10, _AVERAGE, pack=_RECOMMENDED),
    _Rule("DatabaseMemoryUsagePercentage", 80, 3, 5, pack=_RECOMMENDED),
    _Rule("ReplicationLag", 1, 3, 5, pack=_RECOMMENDED),
    _HIT_RATE,
    _Rule("Evictions", 100, 2, 3, _SUM, 300),
    _Rule("NewConnections", 1000, 2, 3, _SUM),
    *_LATENCY,
    _Rule("FreeableMemory", 100 * _MB, 3, 5, cloudwatch.Stats.MINIMUM, is_low=True),
    _Rule("TrafficManagementActive", 0, 3, 5),
    _Rule("NetworkBandwidthInAllowanceExceeded", 0, 3, 5, _SUM),
    _Rule("NetworkBandwidthOutAllowanceExceeded", 0, 3, 5, _SUM),
    _Rule("NetworkConntrackAllowanceExceeded", 0, 3, 5, _SUM),
    _Rule("NetworkPacketsPerSecondAllowanceExceeded", 0, 3, 5, _SUM),
)
# The service buffers at most 10 s of writes that are not durable yet.
_DURABLE = (
    _Rule("DurabilityLag", 5_000, 3, 5),
    _Rule("DurabilityBufferExceededErrorCount", 0, 1, 1, _SUM),
)
_MEMCACHED = (
    _Rule("CPUUtilization", _CPU_PERCENT_MAX, 5, 5, _AVERAGE, pack=_RECOMMENDED),
    _Rule("CurrConnections", _SHARE_OF_LIMIT * _CONNECTIONS_MAX, 10, 10, _AVERAGE, pack=_RECOMMENDED),
    _Rule("SwapUsage", 50 * _MB, 3, 5, pack=_RECOMMENDED),
    _Rule("Evictions", 100, 2, 3, _SUM, 300),
    _Rule("NewConnections", 1000, 2, 3, _SUM),
)
_SERVERLESS = (_Rule("ThrottledCmds", 0, 2, 3, _SUM, pack=_RECOMMENDED), *_LATENCY, _HIT_RATE)


@checked_arguments
class CacheAlarms(Construct):
    """CloudWatch alarms for a cache: load, memory, connections, latency, replication lag, throttling.

    Defines an AWS::CloudWatch::Alarm for each metric of the pack: of each node where the nodes are known, otherwise
    of the whole cache. Missing data do not raise an alarm.

    Args:
        cache: The cache to watch, of any kind.
        pack: Which metrics are watched. By default the full pack; RECOMMENDED has those that CloudWatch recommends.
        topic: An SNS topic that is told when an alarm goes off and when it is over. By default the alarms only show
            in CloudWatch.
        thresholds: Thresholds by metric name, in place of those of the pack: ``{"NewConnections": 5000}``. By
            default those of the pack.
        without: Names of metrics that are not watched. By default all metrics of the pack are.
        per_node: Whether each node of a replication group has its own alarms. By default it has, unless scaling
            changes the nodes or the cache is imported. CPUUtilization is published by node only, so False leaves it
            out.
        node_type: The node type of an imported replication group, for thresholds that depend on it. By default that
            of the cache.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cache: Cache,
        pack: AlarmPack = AlarmPack.FULL,
        topic: sns.ITopic | None = None,
        thresholds: Mapping[str, float] | None = None,
        without: Collection[str] = (),
        per_node: bool | None = None,
        node_type: NodeType | None = None,
    ) -> None:
        rules = [rule for rule in _rules_of(cache, node_type) if pack is AlarmPack.FULL or rule.pack is pack]
        _require_names(rules, thresholds or {}, without)
        require_alarm_topic("topic", scope, topic)
        super().__init__(scope, construct_id)
        chosen = dict(thresholds or {})
        self.alarms: list[cloudwatch.Alarm] = []
        """The alarms, in the order of the pack, node by node."""
        nodes = _nodes_of(cache, per_node=per_node)
        if nodes and isinstance(cache, IReplicationGroup):
            cache._add_use(Use.NODE_ALARMS, self)
        if len(rules) * len(nodes) > _ALARMS_MAX:
            warn(
                self,
                WarningId.MANY_ALARMS,
                f"{len(rules)} metrics of {len(nodes)} nodes are more than {_ALARMS_MAX} alarms; set per_node=False to "
                "watch the group, or leave metrics out with without=",
            )
        for rule in rules:
            if rule.metric not in without:
                threshold = chosen.get(rule.metric, rule.threshold)
                for suffix, metric in _metrics(cache, rule, nodes):
                    self._add(f"{rule.metric}{suffix}", rule, threshold, metric, topic)

    def _add(
        self, construct_id: str, rule: _Rule, threshold: float, metric: cloudwatch.Metric, topic: sns.ITopic | None
    ) -> None:
        alarm = metric.create_alarm(
            self,
            construct_id,
            alarm_description=f"{rule.metric} of {self.node.path} {'below' if rule.is_low else 'above'} {threshold:g}",
            threshold=threshold,
            evaluation_periods=rule.evaluations,
            datapoints_to_alarm=rule.datapoints,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
            if rule.is_low
            else cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        if topic is not None:
            alarm.add_alarm_action(actions.SnsAction(topic))
            alarm.add_ok_action(actions.SnsAction(topic))
        self.alarms.append(alarm)


def _rules_of(cache: Cache, node_type: NodeType | None) -> list[_Rule]:
    if isinstance(cache, IServerlessCache):
        return [*_SERVERLESS, *_limits_of(cache)]
    if isinstance(cache, IMemcachedCluster):
        return list(_MEMCACHED)
    vcpus = _vcpus(node_type or cache.node_type)
    # On more vCPUs the engine's own thread is what is busy, and other threads of the host are no alarm.
    host = []
    if vcpus is not None and vcpus <= _VCPUS_OF_ONE_BUSY_THREAD:
        host.append(_Rule("CPUUtilization", _CPU_PERCENT_MAX / vcpus, 5, 5, _AVERAGE, pack=_RECOMMENDED))
    return [*host, *_REPLICATION_GROUP, *(_DURABLE if cache.is_durable else ())]


def _vcpus(node_type: NodeType | None) -> int | None:
    return node_type.vcpus if node_type is not None else None


def _limits_of(cache: IServerlessCache) -> Iterator[_Rule]:
    """Alarms for the usage limits of the cache, where it has some."""
    limits = cache.usage_limits
    if limits is None:
        return
    if limits.data_storage_gb_max is not None and known(limits.data_storage_gb_max):
        most = _SHARE_OF_LIMIT * limits.data_storage_gb_max * 1024 * _MB
        yield _Rule("BytesUsedForCache", most, 2, 3, period_seconds=300, pack=_RECOMMENDED)
    if limits.ecpu_per_second_max is not None and known(limits.ecpu_per_second_max):
        yield _Rule(
            "ElastiCacheProcessingUnits", _SHARE_OF_LIMIT * 60 * limits.ecpu_per_second_max, 3, 5, _SUM,
            pack=_RECOMMENDED,
        )  # fmt: skip


def require_alarm_topic(name: str, scope: Construct, topic: sns.ITopic | None) -> None:
    """Raise ValidationError for a topic that alarms of this stack cannot reach."""
    require_region(name, scope, topic)
    key = topic.master_key if isinstance(topic, sns.Topic) else None
    alias = getattr(key, "alias_name", "")  # jsii's interfaces cannot be asked with isinstance
    if alias == "alias/aws/sns":
        refuse(
            name,
            "not be encrypted with the key of AWS for SNS, which alarms may not use",
            alias,
            "give it a key whose policy admits cloudwatch.amazonaws.com, or none",
        )


def _require_names(rules: Sequence[_Rule], thresholds: Mapping[str, float], without: Collection[str]) -> None:
    names = sorted({rule.metric for rule in rules})
    for argument, given in (("thresholds", thresholds), ("without", without)):
        for name in given:
            if name not in names:
                refuse(argument, f"name metrics of the pack, {', '.join(names)}", name, "correct or remove that name")
    for name, value in thresholds.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value) or math.isinf(value):
            raise TypeError(f"thresholds[{name!r}] must be a finite number, got {value!r}")
        if name in without:
            refuse("without", "leave out metrics that have no threshold", name, "keep one of them")
        if name in {"CPUUtilization", "EngineCPUUtilization", "DatabaseMemoryUsagePercentage", "CacheHitRate"}:
            require_between(f"thresholds[{name!r}]", value, 0, 100, unit="percent")


def _nodes_of(cache: Cache, *, per_node: bool | None) -> Sequence[str]:
    """The nodes to watch one by one; none to watch the cache as a whole."""
    if not isinstance(cache, IReplicationGroup):
        if per_node:
            raise ValidationError(
                "per_node must be left out for a cache that is not a replication group, got True; the alarm watches the "
                "whole cache"
            )
        return ()
    if per_node is False or (per_node is None and cache._uses(Use.SCALING)):
        return ()
    if per_node and not cache.node_ids:
        raise ValidationError(
            "per_node must be False for a replication group whose nodes are not known, got True; only a group made here "
            "names its nodes"
        )
    return cache.node_ids


def _metrics(cache: Cache, rule: _Rule, nodes: Sequence[str]) -> Iterator[tuple[str, cloudwatch.Metric]]:
    period = cdk.Duration.seconds(rule.period_seconds)
    if isinstance(cache, IReplicationGroup):
        for number, node in enumerate(nodes, start=1):
            yield (
                f"{number:03}",
                cache.metric(rule.metric, statistic=rule.statistic, period=period, node_id=node),
            )
        if nodes or rule.metric in HOST_METRICS - {"CurrConnections"}:
            return
    yield "", cache.metric(rule.metric, statistic=rule.statistic, period=period)
