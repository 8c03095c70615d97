"""AWS::ElastiCache::ParameterGroup: parameters of the caches that name it."""

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import generated_name, name_fields
from cachetwin_local.topology.address_plan import AddressPlan


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """The service makes the name; it is an attribute too."""
    fields = name_fields(resolved, stack)
    name = Properties.of(resolved).string("CacheParameterGroupName", generated_name(fields, 255)).lower()
    arn = f"arn:{fields['partition']}:elasticache:{stack.region}:{stack.account}:parametergroup:{name}"
    return Description(name, name, arn, {"CacheParameterGroupName": name})


def translate(context: Context, resolved: Resolved) -> Translation:
    """A parameter group is part of the caches that name it."""
    changed = ", ".join(sorted(Properties.of(resolved).object("Properties").values)) or "no parameter"
    return Translation((), f"changes {changed} of the caches that name it")
