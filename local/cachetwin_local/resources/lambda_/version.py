"""AWS::Lambda::Version: a version runs the code that its function has now."""

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan

__all__ = ["describe", "function_arn", "translate"]


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the ARN with the number, which is 1 here."""
    arn = f"{function_arn(resolved, stack)}:1"
    return Description(arn, arn, arn, {"FunctionArn": arn, "Version": "1"})


def translate(context: Context, resolved: Resolved) -> Translation:
    """Nothing of its own runs."""
    return Translation((), "runs the code that its function has now", "modelled")


def function_arn(resolved: Resolved, stack: Stack) -> str:
    """The ARN of the function that a version or an alias names."""
    name, fields = Properties.of(resolved).string("FunctionName"), name_fields(resolved, stack)
    if name.startswith("arn:"):
        return ":".join(name.split(":")[:7])
    return f"arn:{fields['partition']}:lambda:{stack.region}:{stack.account}:function:{name}"
