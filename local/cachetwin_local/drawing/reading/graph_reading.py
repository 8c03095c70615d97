"""The graph of an app as a picture reads it: what cannot be resolved is noted and left out, never an error."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Reference, Resolved
from cachetwin_local.assembly.template import Json, Resource
from cachetwin_local.errors import UserError

from .names import titles


@dataclass(slots=True)
class Reading:
    """The resources of the chosen stacks, resolved where that is possible. `failures` has a reason for each other one."""

    graph: Graph
    stacks: tuple[str, ...]
    failures: dict[str, str] = field(default_factory=dict)
    _resolved: dict[str, Resolved] = field(default_factory=dict)
    _titles: dict[str, str] = field(default_factory=dict)
    _by_type: dict[str, list[str]] = field(default_factory=dict)
    _by_name: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        everything = [resource for name in self.stacks for resource in self._existing(name)]
        self._titles = titles(everything)
        for resource in everything:
            self._by_type.setdefault(resource.type, []).append(resource.key)
            try:
                self._resolved[resource.key] = self.graph.resolved(resource.key)
                described = self.graph.described(resource.key)
            except UserError as error:
                self.fail(resource, error)
                self._resolved.setdefault(resource.key, Resolved(resource, _plain(resource.properties), ()))
                continue
            for name in (described.ref, described.physical_name, described.arn):
                if isinstance(name, str) and name:
                    self._by_name.setdefault((resource.type, name), resource.key)

    def fail(self, resource: Resource, error: UserError) -> None:
        """Note that a resource could not be read."""
        self.failures.setdefault(resource.key, str(error))

    def _existing(self, stack: str) -> Iterator[Resource]:
        for resource in self.graph.stack(stack).resources.values():
            try:
                if self.graph.exists(resource):
                    yield resource
            except UserError:
                yield resource  # whether its condition holds is not known, so it is shown

    def all(self) -> list[Resolved]:
        """Every resource, in the order of the templates."""
        return list(self._resolved.values())

    def of_type(self, *types: str) -> list[Resolved]:
        """The resources of these types."""
        return [self._resolved[key] for name in types for key in self._by_type.get(name, ())]

    def resolved(self, key: str) -> Resolved:
        """A resource by key."""
        return self._resolved[key]

    def references(self, key: str) -> tuple[Reference, ...]:
        """The references in a resource's properties."""
        return self._resolved[key].references if key in self._resolved else ()

    def find(self, type_name: str, name: str) -> Resolved | None:
        """The resource of this type that is known by `name`: what ``Ref`` gives, its physical name or its ARN."""
        key = self._by_name.get((type_name, name)) or self._by_name.get((type_name, name.lower()))
        return self._resolved[key] if key else None

    def is_a(self, name: str, type_name: str) -> bool:
        """Whether `name` is the name of a resource of this type."""
        return (type_name, name) in self._by_name

    def ref(self, key: str) -> str:
        """What ``Ref`` gives for a resource."""
        if key in self.failures:
            return key
        return str(self.graph.described(key).ref)

    def physical_name(self, key: str) -> str:
        """The physical name of a resource; empty where it is not known."""
        return "" if key in self.failures else self.graph.described(key).physical_name

    def title(self, key: str) -> str:
        """The name of a resource for people."""
        return self._titles.get(key, key)

    def type_of(self, key: str) -> str:
        """The CloudFormation type of a resource."""
        return self._resolved[key].resource.type

    def region(self, key: str) -> str:
        """The region that a resource's stack is deployed to."""
        return self.graph.stack(self._resolved[key].resource.stack).region


def _plain(properties: Json) -> Json:
    """The properties of a resource that was not resolved, without those that hold an intrinsic function."""
    if isinstance(properties, dict):
        kept = {name: _plain(value) for name, value in properties.items() if not _is_function(value)}
        return {name: value for name, value in kept.items() if value is not None}
    if isinstance(properties, list):
        return [_plain(item) for item in properties if not _is_function(item)]
    return properties


def _is_function(value: Json) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))
