"""AWS::ApiGateway::Resource, Method, Stage and the other parts of a REST API, which reads them."""

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan

__all__ = ["describe", "translate"]


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives an id that the service makes, or the name of a stage."""
    fields = name_fields(resolved, stack)
    part_id = Properties.of(resolved).string("StageName", "") if resolved.resource.type.endswith("::Stage") else ""
    part_id = part_id or fields["suffix"].lower()[:6]
    names = ("ResourceId", "DeploymentId", "AuthorizerId", "RequestValidatorId")
    return Description(part_id, part_id, "", dict.fromkeys(names, part_id))


def translate(context: Context, resolved: Resolved) -> Translation:
    """A part of its API."""
    return Translation((), "a part of its API")
