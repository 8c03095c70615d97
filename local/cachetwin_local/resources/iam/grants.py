"""What the policies of functions, queues and topics let services of AWS do with them."""

from collections.abc import Iterator
from typing import Any, Final

from cachetwin_local.assembly.resolved import Resolved
from cachetwin_local.errors import UserError
from cachetwin_local.identity.policies import Condition, Policy, Statement, read_policy
from cachetwin_local.identity.resource_policies import Grant
from cachetwin_local.resources.context import Context
from cachetwin_local.resources.properties import Properties

__all__ = ["grants_of"]

_PERMISSION: Final = "AWS::Lambda::Permission"
_FUNCTION: Final = "AWS::Lambda::Function"
_POLICIES: Final = {
    "AWS::SQS::QueuePolicy": ("AWS::SQS::Queue", "Queues"),
    "AWS::SQS::QueueInlinePolicy": ("AWS::SQS::Queue", "Queue"),
    "AWS::SNS::TopicPolicy": ("AWS::SNS::Topic", "Topics"),
    "AWS::SNS::TopicInlinePolicy": ("AWS::SNS::Topic", "TopicArn"),
}
"""For each type of policy the type that it is of, and the property that names those."""


def grants_of(context: Context) -> tuple[Grant, ...]:
    """Every grant of the app's templates."""
    found: list[Grant] = []
    for resolved in context.graph.readable(_PERMISSION, *_POLICIES):
        read = _of_permission if resolved.resource.type == _PERMISSION else _of_policy
        try:
            found += read(context, resolved)
        except UserError as error:
            context.problem("warning", resolved.resource.key, f"{error}: it counts for nothing here")
    return tuple(found)


def _of_permission(context: Context, resolved: Resolved) -> Iterator[Grant]:
    properties = Properties.of(resolved)
    named = properties.string("FunctionName", "")
    plain = ":".join(named.split(":")[:7]) if named.startswith("arn:") else named.partition(":")[0]
    function = context.find(_FUNCTION, plain, properties.where.stack)
    if function is None:
        return
    arn = context.graph.described(function.resource.key).arn
    conditions = [
        Condition(operator, key, (properties.string(name),))
        for name, operator, key in (
            ("SourceArn", "ArnLike", "aws:SourceArn"),
            ("SourceAccount", "StringEquals", "aws:SourceAccount"),
        )
        if name in properties
    ]
    name = resolved.resource.logical_id
    statement = Statement(
        name, allows=True, actions=(properties.string("Action", ""),), resources=("*",), conditions=tuple(conditions)
    )
    yield Grant(arn, (properties.string("Principal", ""),), Policy(name, (statement,)))


def _of_policy(context: Context, resolved: Resolved) -> Iterator[Grant]:
    type_name, property_name = _POLICIES[resolved.resource.type]
    given = resolved.properties.get(property_name) or []
    document = Properties.of(resolved).object("PolicyDocument").values
    statements = document.get("Statement", [])
    for ref in given if isinstance(given, list) else [given]:
        target = context.find(type_name, str(ref), resolved.resource.stack)
        if target is None:
            continue
        arn = context.graph.described(target.resource.key).arn
        for statement in statements if isinstance(statements, list) else [statements]:
            if not isinstance(statement, dict):
                raise UserError("a statement must be an object")
            whole = statement if "NotResource" in statement else {"Resource": "*", **statement}
            policy = read_policy(resolved.resource.logical_id, {"Statement": [whole]})
            yield Grant(arn, tuple(_principals(statement.get("Principal"))), policy)


def _principals(given: Any) -> Iterator[str]:  # noqa: ANN401  (a template's JSON)
    if isinstance(given, str):
        yield given
    elif isinstance(given, dict):
        for several in given.values():
            yield from (str(one) for one in (several if isinstance(several, list) else [several]))
