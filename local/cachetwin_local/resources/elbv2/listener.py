"""AWS::ElasticLoadBalancingV2::Listener and its ListenerRules: one port of a load balancer and where its requests go."""

from typing import Literal

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Resource, Stack
from cachetwin_local.assembly.where import Where
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import (
    Action,
    Certificate,
    Endpoint,
    FixedResponse,
    Forward,
    Listener,
    ListenerRule,
    Redirect,
    WeightedTarget,
)

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
CONDITIONS = {
    "path-pattern": "PathPatternConfig",
    "host-header": "HostHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "source-ip": "SourceIpConfig",
}


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the ARN, which holds the load balancer's name."""
    fields = name_fields(resolved, stack)
    balancer = Properties.of(resolved).string("LoadBalancerArn")
    arn = f"{balancer.replace(':loadbalancer/', ':listener/')}/{fields['hex17'][:16]}"
    return Description(arn, arn, arn, {"ListenerArn": arn})


def translate(context: Context, resolved: Resolved) -> Translation:
    """A listener is part of its load balancer."""
    arn = Properties.of(resolved).string("LoadBalancerArn")
    balancer = context.find("AWS::ElasticLoadBalancingV2::LoadBalancer", arn, resolved.resource.stack)
    if balancer is None:
        return Translation((), f"no stack of this app has its load balancer, {arn}", "not supported")
    if balancer.properties.get("Type", "application") != "application":
        return Translation((), f"{balancer.resource.key}, which does not run here, would have it", "not supported")
    address, port = listener_address(context.address_plan, context.graph, resolved.resource)
    return Translation((), f"{address}:{port} of its load balancer")


def protocol(graph: Graph, listener: Resource) -> str:
    """The protocol of a listener; HTTPS where it has certificates and names no protocol."""
    default = "HTTPS" if "Certificates" in listener.properties else "HTTP"
    return str(graph.property(listener, "Protocol", default)).upper()


def listener_address(address_plan: AddressPlan, graph: Graph, listener: Resource) -> tuple[str, int]:
    """Where a listener listens here."""
    return address_plan.listener(f"{listener.key}/listener", _port_on_aws(graph, listener))


def listeners(context: Context, balancer_arn: str) -> tuple[Listener, ...]:
    """The listeners of a load balancer, by port."""
    own = [one for one in context.graph.readable(LISTENER) if one.properties.get("LoadBalancerArn") == balancer_arn]
    found = [_listener(context, resolved) for resolved in own]
    return tuple(sorted(found, key=lambda listener: listener.endpoint.port_on_aws))


def _port_on_aws(graph: Graph, listener: Resource) -> int:
    default = 443 if protocol(graph, listener) == "HTTPS" else 80
    where = Where(listener.stack, listener.logical_id)
    return Properties({"Port": graph.property(listener, "Port", default)}, where).integer("Port")


def _listener(context: Context, resolved: Resolved) -> Listener:
    properties, resource = Properties.of(resolved), resolved.resource
    spoken = protocol(context.graph, resource)
    if spoken not in {"HTTP", "HTTPS"}:
        raise properties.where.child("Protocol").error(
            f"must be HTTP or HTTPS on an application load balancer, got {spoken}"
        )
    named: Literal["HTTP", "HTTPS"] = "HTTPS" if spoken == "HTTPS" else "HTTP"
    address, port = listener_address(context.address_plan, context.graph, resource)
    identity = context.identity(resource.key)
    return Listener(
        identity=identity,
        protocol=named,
        endpoint=Endpoint(
            address, port, _port_on_aws(context.graph, resource), "required" if named == "HTTPS" else "off"
        ),
        default_action=_action(context, resource.key, properties, "DefaultActions"),
        rules=_rules(context, identity.arn),
        certificates=tuple(Certificate(item.string("CertificateArn")) for item in properties.objects("Certificates")),
    )


def _rules(context: Context, listener_arn: str) -> tuple[ListenerRule, ...]:
    rules = []
    for resolved in context.graph.readable(RULE):
        properties = Properties.of(resolved)
        if properties.string("ListenerArn") == listener_arn:
            conditions = tuple(_condition(condition) for condition in properties.objects("Conditions"))
            action = _action(context, resolved.resource.key, properties, "Actions")
            rules.append(ListenerRule(properties.integer("Priority"), conditions, action))
    return tuple(sorted(rules, key=lambda rule: rule.priority))


def _condition(condition: Properties) -> tuple[str, tuple[str, ...]]:
    name = condition.string("Field")
    if name in CONDITIONS:
        return name, condition.object(CONDITIONS[name]).strings("Values") or condition.strings("Values")
    if name == "http-header":
        header = condition.object("HttpHeaderConfig")
        return f"http-header:{header.string('HttpHeaderName')}", header.strings("Values")
    if name == "query-string":
        pairs = condition.object("QueryStringConfig").objects("Values")
        return name, tuple(f"{pair.string('Key', '')}={pair.string('Value')}".removeprefix("=") for pair in pairs)
    allowed = ", ".join((*CONDITIONS, "http-header", "query-string"))
    raise condition.where.child("Field").error(f"must be one of {allowed}, got {name}")


def _action(context: Context, key: str, properties: Properties, name: str) -> Action:
    actions = sorted(properties.objects(name), key=lambda action: action.integer("Order", 1))
    if not actions:
        raise properties.where.child(name).error("must hold an action, got none")
    for action in actions[:-1]:
        kind = action.string("Type")
        context.problem(
            "warning", key, f"{name}: an action of the type {kind} does not run here: requests pass without it"
        )
    last = actions[-1]
    kind = last.string("Type")
    if kind == "forward":
        return _forward(context, last)
    if kind == "redirect":
        config = last.object("RedirectConfig")
        status = 301 if config.string("StatusCode") == "HTTP_301" else 302
        return Redirect(
            status_code=status,
            protocol=config.string("Protocol", "#{protocol}"),
            host=config.string("Host", "#{host}"),
            port=config.string("Port", "#{port}"),
            path=config.string("Path", "/#{path}"),
            query=config.string("Query", "#{query}"),
        )
    if kind == "fixed-response":
        config = last.object("FixedResponseConfig")
        return FixedResponse(
            config.integer("StatusCode"), config.string("ContentType", "text/plain"), config.string("MessageBody", "")
        )
    raise last.where.child("Type").error(f"must be one of forward, redirect, fixed-response here, got {kind}")


def _forward(context: Context, action: Properties) -> Forward:
    groups = action.object("ForwardConfig").objects("TargetGroups")
    arns = [(group.string("TargetGroupArn"), group.integer("Weight", 1)) for group in groups]
    if not arns:
        arns = [(action.string("TargetGroupArn"), 1)]
    targets = []
    for arn, weight in arns:
        found = context.find(TARGET_GROUP, arn, action.where.stack)
        if found is None:
            raise action.where.child("TargetGroupArn").error(f"must name a target group of this app, got {arn}")
        targets.append(WeightedTarget(found.resource.key, weight))
    return Forward(tuple(targets))
