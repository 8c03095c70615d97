"""AWS::Lambda::Url: a function's URL is an address of this machine."""

from typing import Final

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Resource, Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.cors import cors_of
from cachetwin_local.resources.properties import Properties
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.functions import FunctionUrl
from cachetwin_local.topology.identity import Endpoint, Identity

__all__ = ["URL", "describe", "translate", "url_address", "url_of"]

URL: Final = "AWS::Lambda::Url"
_PORT: Final = 8090


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the function's ARN; the URL is an address on this machine."""
    arn = Properties.of(resolved).string("TargetFunctionArn")
    address, port = url_address(address_plan, resolved.resource)
    return Description(arn, arn, arn, {"FunctionArn": arn, "FunctionUrl": f"http://{address}:{port}/"})


def translate(context: Context, resolved: Resolved) -> Translation:
    """A URL is part of its function."""
    address, port = url_address(context.address_plan, resolved.resource)
    return Translation((), f"http://{address}:{port}/ of its function")


def url_address(address_plan: AddressPlan, resource: Resource) -> tuple[str, int]:
    """Where a function's URL listens here."""
    return address_plan.listener(f"{resource.key}/url", _PORT)


def url_of(context: Context, function: Identity) -> FunctionUrl | None:
    """The URL of a function, if it has one."""
    for resolved in context.graph.readable(URL):
        properties = Properties.of(resolved)
        target = properties.string("TargetFunctionArn")
        if target not in {function.arn, function.physical_name} and not target.startswith(f"{function.arn}:"):
            continue
        address, port = url_address(context.address_plan, resolved.resource)
        return FunctionUrl(
            identity=context.identity(resolved.resource.key),
            endpoint=Endpoint(address, port, 443),
            auth_type="AWS_IAM" if properties.string("AuthType") == "AWS_IAM" else "NONE",
            cors=cors_of(properties.object("Cors")) if "Cors" in properties else None,
            qualifier=properties.optional("Qualifier"),
        )
    return None
