"""Translates the types of `shapes`: what the endpoint has from its start."""

from dataclasses import dataclass, replace

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import Shape, describe_shape
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.aws_api import AWS_API, AWS_API_PORT, AwsResource

from .alarms import ALARM, warn_of_unread_metrics
from .shapes import SHAPES, TAKEN

__all__ = ["AwsApiTranslator", "aws_api_address", "aws_api_url"]

_QUEUE = "AWS::SQS::Queue"
_DELIVERED = ("sqs", "lambda")
_SUBSCRIPTION = "AWS::SNS::Subscription"


def aws_api_address(address_plan: AddressPlan) -> tuple[str, int]:
    """Where the endpoint listens."""
    return address_plan.endpoint(f"{AWS_API}/endpoint", AWS_API_PORT)


def aws_api_url(address_plan: AddressPlan) -> str:
    """The URL of the endpoint."""
    address, port = aws_api_address(address_plan)
    return f"http://{address}:{port}"


@dataclass(frozen=True, slots=True)
class AwsApiTranslator:
    """One type of `SHAPES`."""

    type: str

    @property
    def _shape(self) -> Shape:
        return SHAPES[self.type]

    def describe(self, address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
        """What `Ref` and `Fn::GetAtt` give, as moto has it."""
        shape = self._shape
        if self.type == _QUEUE and resolved.properties.get("FifoQueue") in (True, "true"):
            shape = replace(shape, name=shape.name + ".fifo")
        return describe_shape(shape, resolved, stack, {"endpoint": aws_api_url(address_plan)})

    def translate(self, context: Context, resolved: Resolved) -> Translation:
        """The resource with the properties that the endpoint takes."""
        protocol = resolved.properties.get("Protocol")
        if self.type == _SUBSCRIPTION and protocol not in _DELIVERED:
            return Translation(
                (),
                f"only queues (sqs) and functions (lambda) get what is published here, got {protocol}",
                "not supported",
            )
        if self.type == ALARM:
            warn_of_unread_metrics(context, Properties.of(resolved), resolved.resource.key)
        taken = {name: resolved.properties[name] for name in TAKEN[self.type] if name in resolved.properties}
        resource = AwsResource(context.identity(resolved.resource.key), taken)
        return Translation((resource,), self._shape.note.format(endpoint=aws_api_url(context.address_plan)))
