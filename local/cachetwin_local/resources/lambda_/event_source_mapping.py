"""AWS::Lambda::EventSourceMapping: queues, and streams of tables, that are read for a function."""

from typing import Final

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.aws_api import AwsResource

from .function import function_key

__all__ = ["MAPPING", "describe", "translate"]

MAPPING: Final = "AWS::Lambda::EventSourceMapping"
_TAKEN: Final = (
    "BatchSize", "BisectBatchOnFunctionError", "DestinationConfig", "Enabled", "EventSourceArn", "FilterCriteria",
    "FunctionResponseTypes", "MaximumBatchingWindowInSeconds", "MaximumRecordAgeInSeconds", "MaximumRetryAttempts",
    "ScalingConfig", "StartingPosition",
)  # fmt: skip
_SOURCES: Final = {"sqs": ("AWS::SQS::Queue",), "dynamodb": ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")}


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the id."""
    fields = name_fields(resolved, stack)
    name = fields["uuid"]
    arn = f"arn:{fields['partition']}:lambda:{stack.region}:{stack.account}:event-source-mapping:{name}"
    return Description(name, name, arn, {"Id": name, "EventSourceMappingArn": arn})


def translate(context: Context, resolved: Resolved) -> Translation:
    """The mapping with its function's ARN."""
    properties, key = Properties.of(resolved), resolved.resource.key
    source = properties.string("EventSourceArn", "")
    service = source.split(":")[2] if source.count(":") >= 5 else ""
    if service not in _SOURCES:
        named = service or "a source of its own"
        return Translation((), f"queues and streams of tables are event sources here, got {named}", "not supported")
    owner = source.partition("/stream/")[0]
    if not any(context.find(kind, owner, properties.where.stack) for kind in _SOURCES[service]):
        return Translation((), f"no stack of this app has its source, {source}", "not supported")
    wanted = properties.string("FunctionName")
    function = function_key(context, wanted, properties.where.stack)
    if function is None:
        return Translation((), f"no stack of this app has its function, {wanted}", "not supported")
    arn = context.graph.described(function).arn
    qualified = wanted if wanted.startswith(f"{arn}:") else arn
    taken = {name: resolved.properties[name] for name in _TAKEN if name in resolved.properties}
    resource = AwsResource(context.identity(key), {**taken, "FunctionName": qualified})
    kind = "messages of the queue" if service == "sqs" else "records of the stream of"
    name = owner.rpartition(":")[2].removeprefix("table/")
    return Translation((resource,), f"{function} gets the {kind} {name} in batches")
