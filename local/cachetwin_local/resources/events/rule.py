"""AWS::Events::Rule: the endpoint's process sends what matches, or is due, to the targets."""

import json
from typing import Final

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.aws_api import AwsResource

from .expressions import read_schedule
from .targets import warn_of_targets

__all__ = ["RULE", "describe", "translate"]

RULE: Final = "AWS::Events::Rule"
_TAKEN: Final = (
    "Description", "EventBusName", "EventPattern", "RoleArn", "ScheduleExpression", "State", "Targets",
)  # fmt: skip


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the name, with its bus where that is not the default one."""
    properties, fields = Properties.of(resolved), name_fields(resolved, stack)
    name = properties.string("Name", f"{fields['stack']}-{fields['logical_id']}-{fields['suffix']}")
    bus = properties.string("EventBusName", "default").rpartition("/")[2]
    path = name if bus == "default" else f"{bus}/{name}"
    arn = f"arn:{fields['partition']}:events:{stack.region}:{stack.account}:rule/{path}"
    return Description(path.replace("/", "|"), name, arn, {"Arn": arn})


def translate(context: Context, resolved: Resolved) -> Translation:
    """The rule for the endpoint."""
    properties, key = Properties.of(resolved), resolved.resource.key
    expression = properties.optional("ScheduleExpression")
    if expression is not None:
        try:
            read_schedule(expression)
        except ValueError as error:
            raise properties.where.child("ScheduleExpression").error(str(error)) from error
    targets = properties.objects("Targets")
    warn_of_targets(context, key, targets)
    taken = {name: resolved.properties[name] for name in _TAKEN if name in resolved.properties}
    pattern = taken.get("EventPattern")
    if isinstance(pattern, str):
        try:
            taken["EventPattern"] = json.loads(pattern)
        except ValueError:
            raise properties.where.child("EventPattern").error("must be JSON") from None
    when = expression if expression is not None else "each event that matches"
    names = ", ".join(arn.rpartition(":")[2] for arn in (target.string("Arn", "") for target in targets))
    off = ", disabled" if properties.string("State", "ENABLED") == "DISABLED" else ""
    return Translation((AwsResource(context.identity(key), taken),), f"{when} goes to {names or 'nothing'}{off}")
