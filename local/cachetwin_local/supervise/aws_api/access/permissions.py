"""What a call needs: the actions and the ARNs of the resources that the caller's role must be allowed. Pure.

Sources: the service authorization reference, "Actions, resources, and condition keys" of each service. An action that
has no kind of resource is asked for ``*``, as there.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from cachetwin_local.supervise.aws_api.protocol.calls import ApiCall

from .s3_actions import s3_needs

__all__ = ["Names", "Need", "needs_of"]

Need = tuple[str, str]
"""An action, and the ARN of a resource."""

Names = Callable[[str, str], str | None]
"""The ARN that a service (its module in moto) has for a name that does not say it: of a secret, or of a KMS key."""

_ALWAYS_ALLOWED: Final = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})
_SQS_SINGULAR: Final = {
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}
_OPERATION_IS_ANOTHER: Final = {"sns": {"PublishBatch": "Publish"}, "sqs": _SQS_SINGULAR}
_STREAM_ACTIONS: Final = frozenset({"PutLogEvents", "GetLogEvents", "CreateLogStream", "DeleteLogStream"})
_OF_ALL: Final = frozenset({"ListSecrets", "GetRandomPassword", "ListQueues", "ListTopics", "ListTables", "ListKeys"})


def needs_of(call: ApiCall, partition: str, account: str, names: Names) -> list[Need]:
    """The actions of a call with their resources; empty where everybody may call it."""
    service, operation = call.service, call.operation
    if service.module == "s3":
        return s3_needs(call, partition)
    if service.module == "scheduler":
        return list(dict.fromkeys(_schedules(call, f"arn:{partition}:scheduler:{call.region}:{account}:")))
    if operation in _SEVERAL_ACTIONS:
        return list(
            _SEVERAL_ACTIONS[operation](call, f"arn:{partition}:{service.prefix}:{call.region}:{account}:", names)
        )
    action = f"{service.prefix}:{_OPERATION_IS_ANOTHER.get(service.module, {}).get(operation, operation)}"
    if action in _ALWAYS_ALLOWED:
        return []
    prefix = f"arn:{partition}:{service.prefix}:{call.region}:{account}:"
    reader = _READERS.get(service.module)
    arns = [] if reader is None or operation in _OF_ALL else list(reader(call, prefix, names))
    return [(action, arn) for arn in dict.fromkeys(arns)] or [(action, "*")]


def _strings(parameters: Mapping[str, Any], *keys: str) -> Iterator[str]:
    """The values of these parameters that are strings, those in lists too."""
    for key in keys:
        value = parameters.get(key)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str) and each:
                yield each


def _secrets(call: ApiCall, prefix: str, names: Names) -> Iterator[str]:
    if call.operation == "CreateSecret":
        yield from (f"{prefix}secret:{name}-??????" for name in _strings(call.parameters, "Name"))
    for one in _strings(call.parameters, "SecretId", "SecretIdList"):
        yield names("secretsmanager", one) or (one if one.startswith("arn:") else f"{prefix}secret:{one}-??????")


def _parameters(call: ApiCall, prefix: str, _names: Names) -> Iterator[str]:
    for name in _strings(call.parameters, "Name", "Names", "Path"):
        if name.startswith("arn:"):
            yield ":".join(name.split(":")[:6])  # without a version or a label
        else:
            yield f"{prefix}parameter/{name.partition(':')[0].strip('/')}"


def _queues(call: ApiCall, prefix: str, _names: Names) -> Iterator[str]:
    for url in _strings(call.parameters, "QueueUrl", "QueueName", "SourceArn"):
        yield url if url.startswith("arn:") else prefix + url.rstrip("/").rpartition("/")[2]


def _topics(call: ApiCall, prefix: str, _names: Names) -> Iterator[str]:
    for arn in _strings(call.parameters, "TopicArn", "TargetArn", "SubscriptionArn", "ResourceArn"):
        yield ":".join(arn.split(":")[:6])
    if call.operation == "CreateTopic":
        yield from (prefix + name for name in _strings(call.parameters, "Name"))


def _tables(call: ApiCall, prefix: str, _names: Names) -> Iterator[str]:
    parameters = call.parameters
    index = next(_strings(parameters, "IndexName"), "")
    yield from (iterator.partition("|")[0] for iterator in _strings(parameters, "ShardIterator"))
    named = [*_strings(parameters, "TableName", "ResourceArn", "StreamArn"), *_tables_in_batches(parameters)]
    for name in named:
        table = name if name.startswith("arn:") else f"{prefix}table/{name}"
        yield f"{table}/index/{index}" if index else table
    for statement in _statements(parameters):
        match = re.search(r'(?:FROM|INTO|UPDATE)\s+"?([A-Za-z0-9_.\-]+)"?', statement, re.IGNORECASE)
        if match is not None:
            yield f"{prefix}table/{match[1]}"


def _tables_in_batches(parameters: Mapping[str, Any]) -> Iterator[str]:
    items = parameters.get("RequestItems")
    if isinstance(items, dict):
        yield from map(str, items)
    transaction = parameters.get("TransactItems")
    for one in transaction if isinstance(transaction, list) else []:
        for inner in one.values() if isinstance(one, dict) else []:
            if isinstance(inner, dict):
                yield from _strings(inner, "TableName")


def _statements(parameters: Mapping[str, Any]) -> Iterator[str]:
    yield from _strings(parameters, "Statement")
    for several in ("Statements", "TransactStatements"):
        for one in parameters.get(several) or []:
            if isinstance(one, dict):
                yield from _strings(one, "Statement")


def _keys(call: ApiCall, prefix: str, names: Names) -> Iterator[str]:
    given = list(_strings(call.parameters, "KeyId", "TargetKeyId", "SourceKeyId", "DestinationKeyId"))
    if not given or call.operation == "Decrypt":  # which a key that is named does not make another's
        given += _strings(call.parameters, "CiphertextBlob")
    for one in given:
        yield names("kms", one) or (one if one.startswith("arn:") else f"{prefix}key/{one}")
    if call.operation == "CreateAlias":
        yield from (prefix + name for name in _strings(call.parameters, "AliasName"))


def _log_groups(call: ApiCall, prefix: str, _names: Names) -> Iterator[str]:
    stream = next(_strings(call.parameters, "logStreamName"), "")
    for name in _strings(call.parameters, "logGroupName", "logGroupNames", "logGroupIdentifier", "resourceArn"):
        group = name.removesuffix(":*") if name.startswith("arn:") else f"{prefix}log-group:{name}"
        yield f"{group}:log-stream:{stream}" if stream and call.operation in _STREAM_ACTIONS else f"{group}:*"
    if call.operation == "DescribeLogGroups":
        yield f"{prefix}log-group:*"


def _alarms(call: ApiCall, prefix: str, _names: Names) -> Iterator[str]:
    if call.operation.startswith("DescribeAlarm"):
        return
    yield from (f"{prefix}alarm:{name}" for name in _strings(call.parameters, "AlarmName", "AlarmNames"))


def _events(call: ApiCall, prefix: str, _names: Names) -> Iterator[str]:
    entries = call.parameters.get("Entries")
    if call.operation == "PutEvents" and isinstance(entries, list):
        buses = [next(_strings(one, "EventBusName"), "default") for one in entries if isinstance(one, dict)]
        yield from (bus if bus.startswith("arn:") else f"{prefix}event-bus/{bus}" for bus in buses)
        return
    named = next(_strings(call.parameters, "EventBusName"), "default")
    bus = "" if named == "default" else f"{named.rpartition('/')[2]}/"
    for rule in _strings(call.parameters, "Rule") if "Rule" in call.parameters else _rule_names(call):
        yield f"{prefix}rule/{bus}{rule}"


def _rule_names(call: ApiCall) -> Iterable[str]:
    return _strings(call.parameters, "Name") if call.operation.endswith("Rule") else ()


def _rules_with_roles(call: ApiCall, prefix: str, names: Names) -> Iterator[Need]:
    """Whoever gives a rule or its targets a role passes it to the service."""
    yield from ((f"events:{call.operation}", arn) for arn in list(_events(call, prefix, names)) or ["*"])
    targets = call.parameters.get("Targets")
    given = [call.parameters, *(targets if isinstance(targets, list) else [])]
    roles = dict.fromkeys(role for one in given if isinstance(one, dict) for role in _strings(one, "RoleArn"))
    yield from (("iam:PassRole", role) for role in roles)


def _schedules(call: ApiCall, prefix: str) -> Iterator[Need]:
    """Schedules are named by their path, and their group by the query or the body: both, where both have one."""
    _, kind, name, *_ = [*str(call.parameters["path"]).split("/", 2), "", ""]
    verb = _SCHEDULER.get(call.operation, call.operation)
    if kind == "schedule-groups":
        action = f"{verb}ScheduleGroup" if name else "ListScheduleGroups"
        yield f"scheduler:{action}", f"{prefix}schedule-group/{name}" if name else "*"
    elif kind == "schedules" and name:
        query, body = call.parameters["query"], call.parameters.get("body", {})
        groups = [*_strings(query, "groupName", "GroupName"), *_strings(body, "GroupName")]
        for group in groups or ["default"]:
            yield f"scheduler:{verb}Schedule", f"{prefix}schedule/{group}/{name}"
        target = body.get("Target")
        for role in _strings(target, "RoleArn") if isinstance(target, dict) else ():
            yield "iam:PassRole", role
    elif kind == "schedules":
        yield "scheduler:ListSchedules", "*"
    else:
        yield f"scheduler:{verb}Tags", "*"


def _roles(call: ApiCall, _prefix: str, _names: Names) -> Iterator[str]:
    yield from _strings(call.parameters, "RoleArn")


def _functions(call: ApiCall, _prefix: str, _names: Names) -> Iterator[str]:
    yield from _strings(call.parameters, "FunctionArn")


def _secrets_in_a_batch(call: ApiCall, prefix: str, names: Names) -> Iterator[Need]:
    yield "secretsmanager:BatchGetSecretValue", "*"
    listed = [] if "Filters" in call.parameters else list(_secrets(call, prefix, names))
    yield from (("secretsmanager:GetSecretValue", arn) for arn in listed or ["*"])


def _encrypted_anew(call: ApiCall, prefix: str, names: Names) -> Iterator[Need]:
    blob = next(_strings(call.parameters, "CiphertextBlob"), "")
    yield "kms:ReEncryptFrom", names("kms", blob) or "*"
    for key in _strings(call.parameters, "DestinationKeyId"):
        yield "kms:ReEncryptTo", names("kms", key) or (key if key.startswith("arn:") else f"{prefix}key/{key}")


def _transaction(call: ApiCall, prefix: str, _names: Names) -> Iterator[Need]:
    items = call.parameters.get("TransactItems")
    needs = [
        (f"dynamodb:{_IN_TRANSACTIONS[kind]}", name if name.startswith("arn:") else f"{prefix}table/{name}")
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, dict)
        for kind, inner in item.items()
        if kind in _IN_TRANSACTIONS and isinstance(inner, dict)
        for name in _strings(inner, "TableName")
    ]
    yield from dict.fromkeys(needs) if needs else [(f"dynamodb:{call.operation}", "*")]


def _tasks(call: ApiCall, prefix: str, _names: Names) -> Iterator[str]:
    cluster = next(_strings(call.parameters, "cluster"), "default").rpartition("/")[2]
    for name in _strings(call.parameters, "taskDefinition"):
        arn = name if name.startswith("arn:") else f"{prefix}task-definition/{name}"
        yield arn if arn.rpartition("/")[2].count(":") else f"{arn}:1"
    for task in _strings(call.parameters, "task", "tasks"):
        yield task if task.startswith("arn:") else f"{prefix}task/{cluster}/{task}"


_IN_TRANSACTIONS: Final = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
_SEVERAL_ACTIONS: Final[Mapping[str, Callable[[ApiCall, str, Names], Iterator[Need]]]] = {
    "BatchGetSecretValue": _secrets_in_a_batch,
    "PutRule": _rules_with_roles,
    "PutTargets": _rules_with_roles,
    "ReEncrypt": _encrypted_anew,
    "TransactGetItems": _transaction,
    "TransactWriteItems": _transaction,
}
"""Operations that need other actions than their own name."""

_SCHEDULER: Final = {"POST": "Create", "PUT": "Update", "GET": "Get", "DELETE": "Delete"}
_READERS: Final[Mapping[str, Callable[[ApiCall, str, Names], Iterator[str]]]] = {
    "cloudwatch": _alarms,
    "dynamodb": _tables,
    "dynamodbstreams": _tables,
    "ecs": _tasks,
    "events": _events,
    "kms": _keys,
    "lambda": _functions,
    "logs": _log_groups,
    "secretsmanager": _secrets,
    "sns": _topics,
    "sqs": _queues,
    "ssm": _parameters,
    "sts": _roles,
}
