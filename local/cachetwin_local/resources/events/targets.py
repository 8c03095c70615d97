"""The targets of rules and schedules: which of them run here."""

from typing import Final

from cachetwin_local.identity.deliveries import ACTIONS, kind_of
from cachetwin_local.resources.context import Context
from cachetwin_local.resources.properties import Properties

__all__ = ["target_arns", "warn_of_targets"]

_OWN: Final = {
    "lambda": ("AWS::Lambda::Function",),
    "sqs": ("AWS::SQS::Queue",),
    "sns": ("AWS::SNS::Topic",),
    "events": ("AWS::Events::EventBus",),
}
"""The types of the app that are targets, by the service of their ARN, where only those can receive something."""
_TASK_DEFINITION: Final = "AWS::ECS::TaskDefinition"


def target_arns(targets: list[Properties]) -> list[str]:
    """The ARNs of targets."""
    return [target.string("Arn", "") for target in targets]


def warn_of_targets(context: Context, key: str, targets: list[Properties]) -> None:
    """Say which targets nothing is sent to here."""
    stack = key.partition("/")[0]
    for target in targets:
        task = target.object("EcsParameters").string("TaskDefinitionArn", "")
        if kind_of(target.string("Arn", "")) == "ecs" and not context.find(_TASK_DEFINITION, task, stack):
            context.problem("warning", key, f"no stack of this app has the task definition {task}: nothing starts")
    for arn in target_arns(targets):
        kind = kind_of(arn)
        if kind not in ACTIONS:
            named = kind or arn
            context.problem("warning", key, f"a target of the kind {named} does not run here: nothing is sent to {arn}")
        elif kind in _OWN and not arn.endswith("event-bus/default"):
            plain = ":".join(arn.split(":")[:7]) if kind == "lambda" else arn
            if not any(context.find(type_name, plain, stack) for type_name in _OWN[kind]):
                context.problem("warning", key, f"no stack of this app has the target {arn}: nothing is sent to it")
