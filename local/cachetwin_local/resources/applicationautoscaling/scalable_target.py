"""AWS::ApplicationAutoScaling::ScalableTarget: the tasks of a service, or the nodes of a cache, within two bounds."""

from contextlib import suppress
from typing import Final

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.errors import UserError
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.settings import TASKS_MAX
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.scaling import ScalableTarget, ScheduledAction, TargetKey

__all__ = ["REPLICAS", "SHARDS", "TASKS", "describe", "target_key", "translate"]

TASKS: Final = "ecs:service:DesiredCount"
SHARDS: Final = "elasticache:replication-group:NodeGroups"
REPLICAS: Final = "elasticache:replication-group:Replicas"
_NODES: Final = "elasticache:cache-cluster:Nodes"
_NOUNS: Final = {TASKS: "tasks", SHARDS: "shards", REPLICAS: "replicas of each shard", _NODES: "nodes"}
_GROUP: Final = "AWS::ElastiCache::ReplicationGroup"
_CLUSTER: Final = "AWS::ElastiCache::CacheCluster"


def target_key(properties: Properties) -> TargetKey:
    """What a target, or a policy that names it by these properties, scales."""
    return (
        properties.string("ServiceNamespace"),
        properties.string("ResourceId"),
        properties.string("ScalableDimension"),
    )


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the resource, the dimension and the namespace."""
    namespace, resource_id, dimension = target_key(Properties.of(resolved))
    name = f"{resource_id}|{dimension}|{namespace}"
    return Description(name, name, "", {"Id": name})


def translate(context: Context, resolved: Resolved) -> Translation:
    """The target, where what it scales is of this app."""
    properties = Properties.of(resolved)
    target = target_key(properties)
    _namespace, resource_id, dimension = target
    if dimension not in _NOUNS:
        known = ", ".join(_NOUNS)
        return Translation((), f"{dimension} does not scale here: {known} do", "not supported")
    resource = _resource(context, resource_id, resolved.resource.stack)
    if resource is None:
        return Translation((), f"{resource_id} is none of this app", "not supported")
    least, most = properties.integer("MinCapacity"), properties.integer("MaxCapacity")
    if not 0 <= least <= most:
        raise properties.where.child("MinCapacity").error(f"must be between 0 and MaxCapacity ({most}), got {least}")
    suspended = properties.object("SuspendedState")
    value = ScalableTarget(
        context.identity(resolved.resource.key),
        target,
        resource,
        least,
        most,
        tuple(_action(action) for action in properties.objects("ScheduledActions")),
        scale_in_suspended=suspended.boolean("DynamicScalingInSuspended"),
        scale_out_suspended=suspended.boolean("DynamicScalingOutSuspended"),
        schedules_suspended=suspended.boolean("ScheduledScalingSuspended"),
    )
    limit = f"; here at most {TASKS_MAX}" if dimension == TASKS and most > TASKS_MAX else ""
    return Translation((value,), f"{least} to {most} {_NOUNS[dimension]} of {resource}{limit}")


def _action(given: Properties) -> ScheduledAction:
    bounds = given.object("ScalableTargetAction")
    return ScheduledAction(
        given.string("ScheduledActionName"),
        given.string("Schedule"),
        given.string("Timezone", "UTC"),
        given.string("StartTime", ""),
        given.string("EndTime", ""),
        bounds.integer("MinCapacity") if "MinCapacity" in bounds else None,
        bounds.integer("MaxCapacity") if "MaxCapacity" in bounds else None,
    )


def _resource(context: Context, resource_id: str, stack: str) -> str | None:
    """The key of the resource that a target names."""
    kind, _, name = resource_id.partition("/")
    if kind == "service":
        for resource in context.graph.resources_of_type("AWS::ECS::Service"):
            with suppress(UserError):  # what cannot be read is reported when it is translated
                if context.graph.described(resource.key).arn.endswith(f":service/{name}"):
                    return resource.key
        return None
    type_name = {"replication-group": _GROUP, "cache-cluster": _CLUSTER}.get(kind)
    found = context.find(type_name, name, stack) if type_name else None
    return found.resource.key if found else None
