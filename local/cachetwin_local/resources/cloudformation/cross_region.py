"""CDK's cross-region references: a stack of one region writes values, a stack of another reads them."""

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """The attributes of a reader are the values that it reads; a writer has none."""
    name = name_fields(resolved, stack)["uuid"]
    imports = Properties.of(resolved).object("ReaderProps").object("imports").values
    return Description(name, name, "", imports)


def translate(context: Context, resolved: Resolved) -> Translation:
    """Nothing runs: the runner knows all stacks."""
    return Translation((), "passes values between regions; the runner resolves them itself", "modelled")
