"""AWS::ElasticLoadBalancingV2::TargetGroup: the services or the function behind a listener, and their health check.

Defaults: the resource reference and "Health checks for Application Load Balancer target groups".
"""

from typing import Final

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import Stickiness, Target, TargetFunction, TargetGroup, TargetHealthCheck

_FUNCTION: Final = "AWS::Lambda::Function"
_DAY_S: Final = 86_400


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the ARN."""
    fields = name_fields(resolved, stack)
    name = Properties.of(resolved).string(
        "Name", f"{stack.name_on_aws[:10]}-{fields['logical_id'][:8]}-{fields['suffix']}"
    )
    full_name = f"targetgroup/{name}/{fields['hex17'][:16]}"
    arn = f"arn:{fields['partition']}:elasticloadbalancing:{stack.region}:{stack.account}:{full_name}"
    attributes = {
        "TargetGroupArn": arn,
        "TargetGroupFullName": full_name,
        "TargetGroupName": name,
        "LoadBalancerArns": [],
    }
    return Description(arn, name, arn, attributes)


def translate(context: Context, resolved: Resolved) -> Translation:
    """The target group with the services that register with it, or the function that it names."""
    properties, key = Properties.of(resolved), resolved.resource.key
    of_function = properties.string("TargetType", "instance") == "lambda"
    if properties.objects("Targets") and not of_function:
        return Translation(
            (), "only services and functions of this app are targets here, not addresses or instances", "not supported"
        )
    function = _function(context, properties) if of_function else None
    if of_function and function is None and properties.objects("Targets"):
        arn = properties.objects("Targets")[0].string("Id")
        return Translation((), f"no stack of this app has its function, {arn}", "not supported")
    identity = context.identity(key)
    group = TargetGroup(
        identity=identity,
        protocol=properties.string("Protocol", "HTTP"),
        port=properties.integer("Port") if "Port" in properties else None,
        targets=_targets(context, identity.arn),
        health_check=_health_check(properties),
        deregistration_delay_s=_integer(properties, "deregistration_delay.timeout_seconds", 300),
        function=function,
        stickiness=_stickiness(properties),
    )
    if function is not None:
        return Translation((group,), f"calls {context.identity(function.function).physical_name}")
    names = ", ".join(f"{context.identity(t.service).physical_name} port {t.container_port}" for t in group.targets)
    return Translation((group,), f"forwards to {names}" if names else "has no targets")


def _targets(context: Context, arn: str) -> tuple[Target, ...]:
    targets = []
    for resolved in context.graph.readable("AWS::ECS::Service"):
        for entry in Properties.of(resolved).objects("LoadBalancers"):
            if entry.optional("TargetGroupArn") == arn:
                target = Target(resolved.resource.key, entry.string("ContainerName"), entry.integer("ContainerPort"))
                targets.append(target)
    return tuple(targets)


def _function(context: Context, properties: Properties) -> TargetFunction | None:
    for target in properties.objects("Targets"):
        arn = target.string("Id")
        found = context.find(_FUNCTION, ":".join(arn.split(":")[:7]), properties.where.stack)
        if found is not None:
            multi_value = _attribute(properties, "lambda.multi_value_headers.enabled", "false") == "true"
            return TargetFunction(found.resource.key, arn, multi_value)
    return None


def _health_check(properties: Properties) -> TargetHealthCheck:
    port = properties.string("HealthCheckPort", "traffic-port")
    return TargetHealthCheck(
        protocol=properties.string("HealthCheckProtocol", "HTTP"),
        path=properties.string("HealthCheckPath", "/"),
        port=int(port) if port.isdecimal() else None,
        matcher=properties.object("Matcher").string("HttpCode", "200"),
        interval_s=properties.integer("HealthCheckIntervalSeconds", 30),
        timeout_s=properties.integer("HealthCheckTimeoutSeconds", 5),
        healthy_count=properties.integer("HealthyThresholdCount", 5),
        unhealthy_count=properties.integer("UnhealthyThresholdCount", 2),
    )


def _stickiness(properties: Properties) -> Stickiness | None:
    """That of cookies; another kind is of network load balancers."""
    kind = _attribute(properties, "stickiness.type", "lb_cookie")
    if _attribute(properties, "stickiness.enabled", "false") != "true" or kind not in {"lb_cookie", "app_cookie"}:
        return None
    if kind == "lb_cookie":
        return Stickiness(_integer(properties, "stickiness.lb_cookie.duration_seconds", _DAY_S))
    name = _attribute(properties, "stickiness.app_cookie.cookie_name", "")
    if not name:
        raise properties.where.child("TargetGroupAttributes").error(
            "must have stickiness.app_cookie.cookie_name for stickiness.type app_cookie, got none"
        )
    return Stickiness(_integer(properties, "stickiness.app_cookie.duration_seconds", _DAY_S), name)


def _attribute(properties: Properties, name: str, default: str) -> str:
    found = _entry(properties, name)
    return default if found is None else found.string("Value")


def _integer(properties: Properties, name: str, default: int) -> int:
    found = _entry(properties, name)
    return default if found is None else found.integer("Value")


def _entry(properties: Properties, name: str) -> Properties | None:
    found = [one for one in properties.objects("TargetGroupAttributes") if one.string("Key") == name]
    return found[-1] if found else None
