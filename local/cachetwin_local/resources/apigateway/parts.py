"""AWS::ApiGateway::Resource, Method, Stage and the other parts of a REST API, which reads them."""

from typing import Final

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan

__all__ = ["describe", "translate"]

_NAMED: Final = {"Stage": "StageName", "Model": "Name"}
_IDS: Final = ("ResourceId", "DeploymentId", "AuthorizerId", "RequestValidatorId", "APIKeyId", "Id")


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives an id that the service makes, or the name of a stage or a model."""
    fields, kind = name_fields(resolved, stack), resolved.resource.type.rpartition("::")[2]
    named = Properties.of(resolved).string(_NAMED[kind], "") if kind in _NAMED else ""
    part_id = named or (fields["hex17"] if kind == "ApiKey" else fields["suffix"].lower()[:6])
    return Description(part_id, part_id, "", dict.fromkeys(_IDS, part_id))


def translate(context: Context, resolved: Resolved) -> Translation:
    """A part of its API."""
    return Translation((), "a part of its API")
