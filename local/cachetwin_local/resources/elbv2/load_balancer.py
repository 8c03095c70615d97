"""AWS::ElasticLoadBalancingV2::LoadBalancer (application): ports of 127.0.0.1."""

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Resource, Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields, placeholder_attribute
from cachetwin_local.topology.address_plan import LOCALHOST, AddressPlan
from cachetwin_local.topology.values import LoadBalancer

from . import listener as elbv2_listener


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``DNSName`` is 127.0.0.1 with the port that opens here, so that a URL made from it works in a browser.

    With several listeners it is the one for HTTPS, to which the others most often redirect, or else the first.
    """
    properties, fields = Properties.of(resolved), name_fields(resolved, stack)
    name = properties.string("Name", f"{stack.name_on_aws[:10]}-{fields['logical_id'][:8]}-{fields['suffix']}")
    kind = "net" if _kind(properties) == "network" else "app"
    full_name = f"{kind}/{name}/{fields['hex17'][:16]}"
    arn = f"arn:{fields['partition']}:elasticloadbalancing:{stack.region}:{stack.account}:loadbalancer/{full_name}"
    attributes = {
        "CanonicalHostedZoneID": "Z35SXDOTRQ7X7K",
        "DNSName": _dns_name(address_plan, graph, resolved.resource)
        if kind == "app"
        else placeholder_attribute(fields, "DNSName"),
        "LoadBalancerArn": arn,
        "LoadBalancerFullName": full_name,
        "LoadBalancerName": name,
        "SecurityGroups": list(properties.strings("SecurityGroups")),
    }
    return Description(arn, name, arn, attributes)


def translate(context: Context, resolved: Resolved) -> Translation:
    """The load balancer with its listeners."""
    properties, key = Properties.of(resolved), resolved.resource.key
    if _kind(properties) != "application":
        return Translation(
            (), f"a {_kind(properties)} load balancer does not run here: only application ones do", "not supported"
        )
    identity = context.identity(key)
    listeners = elbv2_listener.listeners(context, identity.arn)
    balancer = LoadBalancer(
        identity=identity,
        scheme=properties.string("Scheme", "internet-facing"),
        dns_name=str(identity.attributes["DNSName"]),
        listeners=listeners,
        security_groups=properties.strings("SecurityGroups"),
    )
    if not listeners:
        context.problem("warning", key, "no listener of this app belongs to it: nothing will answer")
    urls = [
        f"{one.protocol.lower()}://{LOCALHOST}:{one.endpoint.port} (port {one.endpoint.port_on_aws} on AWS)"
        for one in listeners
    ]
    return Translation((balancer,), ", ".join(urls) or "no listener")


def _kind(properties: Properties) -> str:
    return properties.string("Type", "application")


def _dns_name(address_plan: AddressPlan, graph: Graph, balancer: Resource) -> str:
    """Found from the listeners as the template has them: resolving one needs the load balancer's ARN."""
    ports = [
        (
            elbv2_listener.protocol(graph, listener) != "HTTPS",
            elbv2_listener.listener_address(address_plan, graph, listener)[1],
        )
        for listener in graph.resources(balancer.stack)
        if listener.type == "AWS::ElasticLoadBalancingV2::Listener"
        and listener.properties.get("LoadBalancerArn") == {"Ref": balancer.logical_id}
    ]
    return f"{LOCALHOST}:{min(ports)[1]}" if ports else LOCALHOST
