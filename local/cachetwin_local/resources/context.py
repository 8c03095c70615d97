"""The input and the output of translators."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Assembly, Resource, Stack
from cachetwin_local.errors import UserError
from cachetwin_local.settings import Settings
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import Identity, Problem

from .shape import Status

NOT_READABLE: Final = "cannot be read, so it does not run: "
"""How the problem of a resource that is left out for what its template says begins."""


@dataclass(slots=True)
class Context:
    """The app being planned. `problems` grows while resources are translated."""

    assembly: Assembly
    graph: Graph
    address_plan: AddressPlan
    settings: Settings = field(default_factory=Settings)
    problems: list[Problem] = field(default_factory=list)

    def identity(self, key: str) -> Identity:
        """The AWS identity of a resource."""
        resource, description = self.graph.resource(key), self.graph.described(key)
        return Identity(
            stack=resource.stack,
            logical_id=resource.logical_id,
            type=resource.type,
            path=resource.path,
            physical_name=description.physical_name,
            arn=description.arn,
            attributes=description.attributes,
        )

    def find(self, type_name: str, ref: str, stack: str) -> Resolved | None:
        """The resource of this type that `stack` knows by `ref`: what its ``Ref`` gives, its physical name or its ARN."""
        for resource in self.graph.nearest_first(stack, self.graph.resources_of_type(type_name)):
            with suppress(UserError):
                description = self.graph.described(resource.key)
                resolved = self.graph.resolved(resource.key)
                if ref in {description.ref, description.physical_name, description.arn}:
                    return resolved
        return None

    def cannot_read(self, resource: Resource, error: UserError) -> str:
        """Record that a resource cannot be read, so that it does not run. Returns the reason."""
        cause = self.graph.cause(error)
        reason = f"needs {cause}, which cannot be read" if cause not in {None, resource.key} else str(error)
        identity = resource_identity(resource)
        self.problems.append(Problem("warning", identity, f"{NOT_READABLE}{reason}"))
        return reason

    def problem(self, severity: Literal["error", "warning"], key: str, message: str) -> None:
        """Record what would not work about a resource."""
        self.problems.append(Problem(severity, self.identity(key), message))


def resource_identity(resource: Resource) -> Identity:
    """The identity of a resource that is not resolved: without its names on AWS."""
    return Identity(resource.stack, resource.logical_id, resource.type, resource.path, resource.logical_id, "")


@dataclass(frozen=True, slots=True)
class Translation:
    """The result for a resource: values for the topology (none when it is part of another's) and a sentence for people."""

    values: tuple[object, ...]
    note: str
    status: Status = "twinned"


class Translator(Protocol):
    """One CloudFormation type that runs here: a module with these two functions."""

    def describe(self, address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
        """The resource's name, ARN and attributes."""

    def translate(self, context: Context, resolved: Resolved) -> Translation:
        """The values that run for it."""
