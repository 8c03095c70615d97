"""Whether what delivers an event may do so: by the policy of the target, or by the role that the delivery uses. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from .conditions import Context
from .directory import Principal
from .resource_policies import Grant, may_service

__all__ = ["ACTIONS", "LOAD_BALANCING", "READ_ACTIONS", "DeliveryPermissions", "Sender", "kind_of", "refusal"]

ACTIONS: Final[Mapping[str, str]] = {
    "lambda": "lambda:InvokeFunction",
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "logs": "logs:PutLogEvents",
    "events": "events:PutEvents",
    "ecs": "ecs:RunTask",
}
"""The action that a delivery to each kind of target is."""
READ_ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "sqs": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    "dynamodb": ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"),
}
"""What the role of a function must be allowed to get the records of a source, by the service of the source."""
LOAD_BALANCING: Final = "elasticloadbalancing.amazonaws.com"
"""The service that calls a function for a target group, whose ARN is the source's."""
_NEEDS_NO_PERMISSION: Final = frozenset({"logs"})  # of resource policies that are not read here
_NEEDS_A_ROLE: Final = frozenset({"ecs", "events"})


@dataclass(frozen=True, slots=True)
class Sender:
    """What delivers: a service on behalf of the resource `source_arn`, and the role that it takes, if any.

    Without a service only the role counts.
    """

    service: str
    source_arn: str
    role_arn: str = ""


@dataclass(slots=True)
class DeliveryPermissions:
    """The policies of resources, and the roles that deliveries use, by ARN."""

    grants: tuple[Grant, ...] = ()
    roles: Mapping[str, Principal] = field(default_factory=dict)

    def refusal_of(self, sender: Sender, arn: str, task_definition: str = "") -> str | None:
        """Why the sender may not deliver to a target; None where it may. A cluster runs a task of `task_definition`."""
        kind = kind_of(arn)
        if kind in _NEEDS_NO_PERMISSION and not sender.role_arn:
            return None
        if kind in _NEEDS_A_ROLE and not sender.role_arn:
            return f"{sender.source_arn} has no role that may do {ACTIONS[kind]} with {arn}"
        if kind == "ecs":
            context = {"ecs:cluster": arn}
            return refusal(
                self.roles.get(sender.role_arn), sender.role_arn, [ACTIONS[kind]], task_definition or arn, context
            )
        resource = ":".join(arn.split(":")[:7]) if kind == "lambda" else arn
        return self._refusal(sender, ACTIONS[kind], resource)

    def _refusal(self, sender: Sender, action: str, resource: str) -> str | None:
        if sender.role_arn:
            return refusal(self.roles.get(sender.role_arn), sender.role_arn, [action], resource)
        account = sender.source_arn.split(":")[4] if sender.source_arn.count(":") > 4 else ""
        context = {"aws:SourceArn": sender.source_arn, "aws:SourceAccount": account, "aws:SecureTransport": "true"}
        if may_service(self.grants, sender.service, action, resource, context):
            return None
        return f"no policy of {resource} lets {sender.service} do {action} for {sender.source_arn}"


def refusal(
    principal: Principal | None,
    role_arn: str,
    actions: Iterable[str],
    resource: str,
    context: Context | None = None,
) -> str | None:
    """Why a role may not do all of `actions` with a resource; None where it may."""
    if principal is None:
        return f"{role_arn} is no role of this app"
    denied = [action for action in actions if not principal.may(action, resource, context or {}).allowed]
    return f"{role_arn} may not do {', '.join(denied)} with {resource}" if denied else None


def kind_of(arn: str) -> str:
    """The service of an ARN."""
    return arn.split(":")[2] if arn.count(":") >= 5 else ""
