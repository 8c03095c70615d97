"""AWS::Lambda::Alias: an alias runs the code that its function has now."""

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.topology.address_plan import AddressPlan

from .version import function_arn

__all__ = ["describe", "translate"]


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the ARN with the alias's name."""
    name = Properties.of(resolved).string("Name")
    arn = f"{function_arn(resolved, stack)}:{name}"
    return Description(arn, name, arn, {"AliasArn": arn})


def translate(context: Context, resolved: Resolved) -> Translation:
    """Nothing of its own runs."""
    return Translation((), "runs the code that its function has now", "modelled")
