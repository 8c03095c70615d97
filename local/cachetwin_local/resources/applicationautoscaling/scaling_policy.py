"""AWS::ApplicationAutoScaling::ScalingPolicy: target tracking, and steps that alarms start."""

from collections.abc import Mapping
from typing import Final

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.scaling import ScalingPolicy, StepAdjustment, StepScaling, TargetKey, TargetTracking

from .scalable_target import target_key

__all__ = ["describe", "translate"]

_COOLDOWN_S: Final = {"ecs": 300, "elasticache": 600}
"""The default cooldowns (Application Auto Scaling's API reference, TargetTrackingScalingPolicyConfiguration)."""
_ELASTICACHE: Final = {
    "ElastiCachePrimaryEngineCPUUtilization": ("EngineCPUUtilization", "Primary"),
    "ElastiCacheReplicaEngineCPUUtilization": ("EngineCPUUtilization", "Replica"),
    "ElastiCacheEngineCPUUtilization": ("EngineCPUUtilization", ""),
    "ElastiCacheDatabaseMemoryUsagePercentage": ("DatabaseMemoryUsagePercentage", "Primary"),
    "ElastiCacheDatabaseMemoryUsageCountedForEvictPercentage": (
        "DatabaseMemoryUsageCountedForEvictPercentage",
        "Primary",
    ),
    "ElastiCacheDatabaseCapacityUsageCountedForEvictPercentage": (
        "DatabaseCapacityUsageCountedForEvictPercentage",
        "Primary",
    ),
    "ElastiCacheCPUUtilization": ("CPUUtilization", ""),
}
_ECS: Final = {
    "ECSServiceAverageCPUUtilization": "CPUUtilization",
    "ECSServiceAverageMemoryUtilization": "MemoryUtilization",
}
_PERIOD_S: Final = 60
_ADJUSTMENTS: Final = ("ChangeInCapacity", "PercentChangeInCapacity", "ExactCapacity")


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the policy's ARN."""
    properties, fields = Properties.of(resolved), name_fields(resolved, stack)
    namespace, resource_id, _dimension = _target(properties)
    name = properties.string("PolicyName")
    arn = (
        f"arn:{fields['partition']}:autoscaling:{stack.region}:{stack.account}:scalingPolicy:{fields['uuid']}:"
        f"resource/{namespace}/{resource_id}:policyName/{name}"
    )
    return Description(arn, name, arn, {"Arn": arn})


def translate(context: Context, resolved: Resolved) -> Translation:
    """The policy, where it is of a kind that runs here."""
    properties = Properties.of(resolved)
    target, name = _target(properties), properties.string("PolicyName")
    kind = properties.string("PolicyType")
    identity = context.identity(resolved.resource.key)
    if kind == "StepScaling":
        steps = _steps(properties.object("StepScalingPolicyConfiguration"))
        return Translation(
            (ScalingPolicy(identity, name, target, steps),), "changes it by steps when its alarms say so"
        )
    if kind != "TargetTrackingScaling":
        return Translation((), f"policies here are StepScaling or TargetTrackingScaling, got {kind}", "not supported")
    configuration = properties.object("TargetTrackingScalingPolicyConfiguration")
    queries = _queries(configuration, target)
    if queries is None:
        named = configuration.object("PredefinedMetricSpecification").string("PredefinedMetricType", "")
        return Translation((), f"nothing here measures {named or 'its metric'}", "not supported")
    cooldown_s = _COOLDOWN_S.get(target[0], 300)
    value = configuration.number("TargetValue")
    rule = TargetTracking(
        value,
        queries,
        configuration.integer("ScaleInCooldown", cooldown_s),
        configuration.integer("ScaleOutCooldown", cooldown_s),
        scale_in_disabled=configuration.boolean("DisableScaleIn"),
    )
    return Translation((ScalingPolicy(identity, name, target, rule),), f"keeps its metric near {value:g}")


def _target(properties: Properties) -> TargetKey:
    if "ScalingTargetId" not in properties:
        return target_key(properties)
    named = properties.string("ScalingTargetId")
    parts = named.split("|")
    if len(parts) != 3:
        raise properties.where.child("ScalingTargetId").error(f"must be the Ref of a scalable target, got {named}")
    return parts[2], parts[0], parts[1]


def _queries(configuration: Properties, target: TargetKey) -> tuple[Mapping[str, object], ...] | None:
    """The metric as queries of CloudWatch's API; None for one that nothing here measures."""
    customized = configuration.object("CustomizedMetricSpecification")
    if "Metrics" in customized:
        return tuple(_query(given) for given in customized.objects("Metrics"))
    if "MetricName" in customized:
        dimensions = _dimensions(customized)
        metric = customized.string("Namespace"), customized.string("MetricName"), dimensions
        return (_one(*metric, customized.string("Statistic"), customized.optional("Unit")),)
    predefined = configuration.object("PredefinedMetricSpecification")
    kind, resource = predefined.string("PredefinedMetricType", ""), target[1].split("/")
    if kind in _ECS and len(resource) == 3:
        return (_one("AWS/ECS", _ECS[kind], {"ClusterName": resource[1], "ServiceName": resource[2]}, "Average"),)
    if kind in _ELASTICACHE and len(resource) == 2:
        name, role = _ELASTICACHE[kind]
        group = "CacheClusterId" if resource[0] == "cache-cluster" else "ReplicationGroupId"
        return (_one("AWS/ElastiCache", name, {group: resource[1]} | ({"Role": role} if role else {}), "Average"),)
    if kind == "ALBRequestCountPerTarget":
        _, _slash, group = predefined.string("ResourceLabel").partition("/targetgroup/")
        return (_one("AWS/ApplicationELB", "RequestCountPerTarget", {"TargetGroup": f"targetgroup/{group}"}, "Sum"),)
    return None


def _query(given: Properties) -> dict[str, object]:
    query: dict[str, object] = {
        "Id": given.string("Id"),
        "ReturnData": given.boolean("ReturnData", default=True),
    }
    if "Expression" in given:
        return {**query, "Expression": given.string("Expression")}
    stat = given.object("MetricStat")
    metric = stat.object("Metric")
    shown = _stat(metric.string("Namespace"), metric.string("MetricName"), _dimensions(metric), stat.string("Stat"))
    return {**query, "MetricStat": {**shown, **({"Unit": stat.string("Unit")} if "Unit" in stat else {})}}


def _one(
    namespace: str, name: str, dimensions: Mapping[str, str], statistic: str, unit: str | None = None
) -> dict[str, object]:
    stat = _stat(namespace, name, dimensions, statistic) | ({"Unit": unit} if unit else {})
    return {"Id": "m1", "ReturnData": True, "MetricStat": stat}


def _stat(namespace: str, name: str, dimensions: Mapping[str, str], statistic: str) -> dict[str, object]:
    pairs = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    metric = {"Namespace": namespace, "MetricName": name, "Dimensions": pairs}
    return {"Metric": metric, "Period": _PERIOD_S, "Stat": statistic}


def _dimensions(given: Properties) -> dict[str, str]:
    return {one.string("Name"): one.string("Value") for one in given.objects("Dimensions")}


def _steps(configuration: Properties) -> StepScaling:
    kind = configuration.string("AdjustmentType", "ChangeInCapacity")
    if kind not in _ADJUSTMENTS:
        allowed = ", ".join(_ADJUSTMENTS)
        raise configuration.where.child("AdjustmentType").error(f"must be one of {allowed}, got {kind}")
    return StepScaling(
        kind,  # type: ignore[arg-type]  # one of them, as was just checked
        tuple(_step(step) for step in configuration.objects("StepAdjustments")),
        configuration.integer("Cooldown", 300),
        configuration.integer("MinAdjustmentMagnitude", 1),
    )


def _step(given: Properties) -> StepAdjustment:
    lower, upper = (
        given.number(name) if name in given else None
        for name in ("MetricIntervalLowerBound", "MetricIntervalUpperBound")
    )
    return StepAdjustment(lower, upper, given.integer("ScalingAdjustment"))
