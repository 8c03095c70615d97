"""AWS::Scheduler::ScheduleGroup: a name for several schedules."""

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.aws_api import AwsResource

__all__ = ["describe", "translate"]


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the name."""
    fields = name_fields(resolved, stack)
    default = f"{fields['stack']}-{fields['logical_id']}-{fields['suffix']}"[:64]
    name = Properties.of(resolved).string("Name", default)
    arn = f"arn:{fields['partition']}:scheduler:{stack.region}:{stack.account}:schedule-group/{name}"
    return Description(name, name, arn, {"Arn": arn, "State": "ACTIVE"})


def translate(context: Context, resolved: Resolved) -> Translation:
    """The group for the endpoint."""
    return Translation((AwsResource(context.identity(resolved.resource.key), {}),), "a group of schedules")
