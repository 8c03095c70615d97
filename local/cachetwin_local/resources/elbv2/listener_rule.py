"""AWS::ElasticLoadBalancingV2::ListenerRule: read with its listener."""

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the ARN, which holds the listener's."""
    listener = Properties.of(resolved).string("ListenerArn")
    arn = f"{listener.replace(':listener/', ':listener-rule/')}/{name_fields(resolved, stack)['hex17'][:16]}"
    return Description(arn, arn, arn, {"RuleArn": arn, "IsDefault": "false"})


def translate(context: Context, resolved: Resolved) -> Translation:
    """A rule is part of its listener."""
    arn = Properties.of(resolved).string("ListenerArn")
    if context.find("AWS::ElasticLoadBalancingV2::Listener", arn, resolved.resource.stack) is None:
        return Translation((), f"no stack of this app has its listener, {arn}", "not supported")
    return Translation((), f"priority {Properties.of(resolved).integer('Priority')} of its listener")
