"""AWS::Scheduler::Schedule: on the clock of what runs here."""

from typing import Final

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.aws_api import AwsResource

from .expressions import read_schedule, zone_of
from .targets import warn_of_targets

__all__ = ["SCHEDULE", "describe", "translate"]

SCHEDULE: Final = "AWS::Scheduler::Schedule"
_TAKEN: Final = (
    "Description", "EndDate", "FlexibleTimeWindow", "GroupName", "ScheduleExpression", "ScheduleExpressionTimezone",
    "StartDate", "State", "Target",
)  # fmt: skip


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the name."""
    properties, fields = Properties.of(resolved), name_fields(resolved, stack)
    name = properties.string("Name", f"{fields['stack']}-{fields['logical_id']}-{fields['suffix']}"[:64])
    group = properties.string("GroupName", "default")
    arn = f"arn:{fields['partition']}:scheduler:{stack.region}:{stack.account}:schedule/{group}/{name}"
    return Description(name, name, arn, {"Arn": arn})


def translate(context: Context, resolved: Resolved) -> Translation:
    """The schedule for the endpoint."""
    properties, key = Properties.of(resolved), resolved.resource.key
    expression, zone = properties.string("ScheduleExpression"), properties.string("ScheduleExpressionTimezone", "UTC")
    try:
        read_schedule(expression, zone_of(zone))
    except ValueError as error:
        raise properties.where.child("ScheduleExpression").error(str(error)) from error
    target = properties.object("Target")
    warn_of_targets(context, key, [target])
    taken = {name: resolved.properties[name] for name in _TAKEN if name in resolved.properties}
    off = ", disabled" if properties.string("State", "ENABLED") == "DISABLED" else ""
    note = f"{expression} in {zone} goes to {target.string('Arn', '').rpartition(':')[2]}{off}"
    return Translation((AwsResource(context.identity(key), taken),), note)
