"""What rules, schedules, topics, event sources and load balancers deliver, and whether they may."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from cachetwin_local.identity.deliveries import (
    ACTIONS,
    LOAD_BALANCING,
    READ_ACTIONS,
    DeliveryPermissions,
    Sender,
    kind_of,
    refusal,
)
from cachetwin_local.identity.resource_policies import Grant
from cachetwin_local.resources.context import Context
from cachetwin_local.topology.aws_api import AwsResource
from cachetwin_local.topology.functions import Function
from cachetwin_local.topology.identity import Identity, Role
from cachetwin_local.topology.load_balancers import TargetGroup
from cachetwin_local.topology.principals import principals_of_roles

__all__ = ["delivery_roles", "warn_of_deliveries", "warn_of_target_functions"]

_RULE: Final = "AWS::Events::Rule"
_SCHEDULE: Final = "AWS::Scheduler::Schedule"
_SUBSCRIPTION: Final = "AWS::SNS::Subscription"
_MAPPING: Final = "AWS::Lambda::EventSourceMapping"
_WITH_ROLE: Final = frozenset({"ecs", "events"})


def delivery_roles(resources: Iterable[AwsResource]) -> list[tuple[str, Identity]]:
    """The ARNs of the roles that rules and schedules deliver with, and which of them does."""
    return [
        (sender.role_arn, resource.identity)
        for resource in resources
        for sender, _arn, _task in _deliveries(resource)
        if sender.role_arn
    ]


def warn_of_deliveries(
    context: Context,
    resources: Iterable[AwsResource],
    functions: Iterable[Function],
    roles: Iterable[Role],
    grants: tuple[Grant, ...],
) -> None:
    """Say what cannot be delivered because no policy of the app allows it."""
    permissions = DeliveryPermissions(grants, principals_of_roles(roles))
    roles_of = {one.identity.arn: one.role for one in functions}
    for resource in resources:
        key = resource.identity.key
        for sender, arn, task in _deliveries(resource):
            if kind_of(arn) in ACTIONS and (refused := permissions.refusal_of(sender, arn, task)) is not None:
                context.problem("warning", key, f"nothing reaches {arn}: {refused}")
        if resource.identity.type == _MAPPING:
            arn, source = str(resource.properties["FunctionName"]), str(resource.properties["EventSourceArn"])
            role = roles_of.get(":".join(arn.split(":")[:7]), "")
            refused = refusal(permissions.roles.get(role), role, READ_ACTIONS[kind_of(source)], source)
            if role and refused is not None:
                context.problem("warning", key, f"reads nothing: {refused}")


def warn_of_target_functions(
    context: Context,
    groups: Iterable[TargetGroup],
    functions: Iterable[Function],
    roles: Iterable[Role],
    grants: tuple[Grant, ...],
) -> None:
    """Say which target groups cannot call their function: it does not run here, or no policy of the app allows it."""
    permissions = DeliveryPermissions(grants, principals_of_roles(roles))
    running = {one.identity.key for one in functions}
    for group in groups:
        target, key = group.function, group.identity.key
        if target is None:
            continue
        refused = permissions.refusal_of(Sender(LOAD_BALANCING, group.identity.arn), target.arn)
        if target.function not in running:
            context.problem("warning", key, f"requests get 503: {target.function} does not run here")
        elif refused is not None:
            context.problem("warning", key, f"requests get 502: {refused}")


def _deliveries(resource: AwsResource) -> Iterator[tuple[Sender, str, str]]:
    """Who delivers to which ARN, and the task definition where that is a cluster."""
    given, arn = resource.properties, resource.identity.arn
    if resource.identity.type == _RULE:
        for target in _objects(given.get("Targets")):
            kind = kind_of(str(target.get("Arn", "")))
            role = str(target.get("RoleArn") or given.get("RoleArn") or "") if kind in _WITH_ROLE else ""
            yield Sender("events.amazonaws.com", arn, role), str(target.get("Arn", "")), _task_definition(target)
    elif resource.identity.type == _SCHEDULE:
        for target in _objects([given.get("Target")]):
            sender = Sender("scheduler.amazonaws.com", arn, str(target.get("RoleArn") or ""))
            yield sender, str(target.get("Arn", "")), _task_definition(target)
    elif resource.identity.type == _SUBSCRIPTION:
        yield Sender("sns.amazonaws.com", str(given.get("TopicArn", ""))), str(given.get("Endpoint", "")), ""


def _task_definition(target: Mapping[str, Any]) -> str:
    return str((target.get("EcsParameters") or {}).get("TaskDefinitionArn", ""))


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
