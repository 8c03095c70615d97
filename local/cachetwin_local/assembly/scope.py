"""What the values of one stack's template may ask for: parameters, resources, conditions, mappings, exports."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from .arns import partition_of, stack_id
from .resolved import Description, GivenValues
from .template import Assembly, Json, Resource, Stack
from .values.intrinsics import NO_VALUE, Resolver
from .values.parameter_values import is_list, typed
from .values.stand_ins import MissingKind, StandIns
from .where import Where

_NOT_GIVEN = object()
_STAND_IN_COUNT = 6  # the items of a list that nobody gave: templates select one subnet for each zone

PSEUDO_PARAMETERS = (
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
)


class ScopedGraph(Protocol):
    """What a scope needs of the graph of all resources."""

    assembly: Assembly
    given: GivenValues
    stand_ins: StandIns
    condition_values: dict[tuple[str, str], bool]

    def stack(self, name: str) -> Stack:
        """A stack by its CloudFormation name."""

    def exists(self, resource: Resource) -> bool:
        """Whether the resource's condition holds."""

    def described(self, key: str) -> Description:
        """The description of a resource."""

    def export_name(self, stack: str, name: str) -> str | None:
        """The name under which a stack exports an output."""

    def ssm_parameter(self, name: str, where: Where) -> str:
        """The value of an SSM parameter."""

    def missing(self, kind: MissingKind, name: str, reason: str, where: Where) -> str:
        """What stands for a value that nobody gave."""

    def record(self, key: str, attribute: str, where: Where) -> None:
        """Remember that the property being resolved uses an attribute of a resource."""

    def on_behalf_of(self, where: Where) -> AbstractContextManager[None]:
        """Resolve a value of another template on behalf of the property at `where`."""


@dataclass(frozen=True, slots=True)
class StackScope:
    """What the values of one stack's template may ask for."""

    graph: ScopedGraph
    stack: Stack

    @property
    def region(self) -> str:
        """The region of the stack."""
        return self.stack.region

    def ref(self, name: str, where: Where) -> Json:
        """What ``Ref`` gives: of a pseudo parameter, a parameter or a resource."""
        if name.startswith("AWS::"):
            return self._pseudo(name, where)
        if name in self.stack.parameters:
            return self._parameter(name, where)
        key = self._key(name, where)
        self.graph.record(key, "Ref", where)
        return self.graph.described(key).ref

    def get_att(self, logical_id: str, attribute: str, where: Where) -> Json:
        """What ``Fn::GetAtt`` gives."""
        key = self._key(logical_id, where)
        self.graph.record(key, attribute, where)
        nested = self._nested(logical_id)
        if nested is not None and attribute.startswith("Outputs."):
            with self.graph.on_behalf_of(where):
                return self._output(nested, attribute.removeprefix("Outputs."), where)
        description = self.graph.described(key)
        if attribute in description.attributes:
            return description.attributes[attribute]
        if description.missing is not None:
            return description.missing(attribute)
        allowed = ", ".join(sorted(description.attributes)) or "(none)"
        type_name = self.stack.resources[logical_id].type
        raise where.error(f"attribute of {logical_id} ({type_name}) must be one of {allowed}, got {attribute}")

    def condition(self, name: str, where: Where) -> bool:
        """Whether a condition of the template holds."""
        memo = self.graph.condition_values
        key = self.stack.name, name
        if key not in memo:
            if name not in self.stack.conditions:
                raise where.error(f"condition must be one of {_names(self.stack.conditions)}, got {name}")
            if name in where.path and where.logical_id == "Conditions":
                raise where.error(f"condition {name} is defined by itself")
            origin = Where(
                self.stack.name, "Conditions", (*(where.path if where.logical_id == "Conditions" else ()), name)
            )
            memo[key] = Resolver(self).boolean(self.stack.conditions[name], origin)
        return memo[key]

    def mapping(self, name: str, where: Where) -> Mapping[str, Json]:
        """A map of the template."""
        if name not in self.stack.mappings:
            raise where.error(f"Fn::FindInMap's map must be one of {_names(self.stack.mappings)}, got {name}")
        mapping = self.stack.mappings[name]
        if not isinstance(mapping, dict):
            raise where.error(f"map {name} must be an object, got {type(mapping).__name__}")
        return mapping

    def import_value(self, name: str, where: Where) -> Json:
        """What ``Fn::ImportValue`` gives: an export of a stack of the same account and region, or a given value."""
        exports: list[str] = []
        for stack in self._neighbours():
            for output in stack.outputs:
                export = self.graph.export_name(stack.name, output)
                if export == name:
                    with self.graph.on_behalf_of(where):
                        return self._output(stack, output, where)
                if export is not None:
                    exports.append(export)
        if name in self.graph.given.imports:
            return self.graph.given.imports[name]
        allowed = f"one of {', '.join(sorted(exports))}" if exports else "which have none"
        reason = (
            f"Fn::ImportValue must name an export of this app's stacks, {allowed}, got {name}; give its value under "
            "[imports] in cachetwin.toml"
        )
        return self.graph.missing("import", name, reason, where)

    def unknown_function(self, name: str, reason: str, where: Where) -> Json:
        """What stands for the value of a function that is not known."""
        return self.graph.missing("function", name, reason, where)

    def is_missing(self, value: Json) -> bool:
        """Whether nobody gave this value."""
        return isinstance(value, str) and self.graph.stand_ins.reason(value) is not None

    def stack_output(self, stack_name: str, output_name: str, where: Where) -> Json:
        """What ``Fn::GetStackOutput`` gives."""
        named = {one.name_on_aws: one for one in self.graph.assembly.stacks.values() if one.parent is None}
        named |= {one.name_on_aws: one for one in self._neighbours() if one.parent is None}
        stack = named.get(stack_name)
        if stack is None:
            allowed = _names(named)
            raise where.error(f"Fn::GetStackOutput must name a stack of this app, one of {allowed}, got {stack_name}")
        with self.graph.on_behalf_of(where):
            return self._output(stack, output_name, where)

    def _neighbours(self) -> list[Stack]:
        """The stacks of the same account and region, this one among them."""
        here = self.stack.account, self.stack.region
        return [stack for stack in self.graph.assembly.stacks.values() if (stack.account, stack.region) == here]

    def _output(self, stack: Stack, name: str, where: Where) -> Json:
        output = stack.outputs.get(name)
        if output is None:
            raise where.error(f"output of stack {stack.name} must be one of {_names(stack.outputs)}, got {name}")
        return Resolver(StackScope(self.graph, stack)).resolve(
            output.get("Value", ""), Where(stack.name, "Outputs", (name,))
        )

    def _key(self, logical_id: str, where: Where) -> str:
        resource = self.stack.resources.get(logical_id)
        if resource is None:
            names = {*self.stack.resources, *self.stack.parameters}
            raise where.error(
                f"must name a resource or a parameter of this stack{_suggestions(logical_id, names)}, got {logical_id}"
            )
        if not self.graph.exists(resource):
            raise where.error(f"{logical_id} does not exist, because its condition {resource.condition} is false")
        return resource.key

    def _nested(self, logical_id: str) -> Stack | None:
        for stack in self.graph.assembly.stacks.values():
            if stack.parent == self.stack.name and stack.parent_logical_id == logical_id:
                return stack
        return None

    def _parameter(self, name: str, where: Where) -> Json:
        definition = self.stack.parameters[name]
        kind = str(definition.get("Type", "String"))
        value = self._parameter_value(name, definition, where)
        if value is _NOT_GIVEN:
            reason = (
                f"parameter {name} must have a value: it has no default and none was given; give it with --parameters "
                f"{name}=VALUE, or under [parameters] in cachetwin.toml"
            )
            stand_in = self.graph.missing("parameter", f"{self.stack.name}:{name}", reason, where)
            return [stand_in] * _STAND_IN_COUNT if is_list(kind) else stand_in
        if kind.startswith("AWS::SSM::Parameter::Value"):
            value = self.graph.ssm_parameter(str(value), where)
            kind = kind.removeprefix("AWS::SSM::Parameter::Value<").removesuffix(">")
        return typed(name, kind, value, definition, where)

    def _parameter_value(self, name: str, definition: Mapping[str, Json], where: Where) -> Json:
        if self.stack.parent and self.stack.parent_logical_id:
            parent = self.graph.stack(self.stack.parent)
            given = parent.resources[self.stack.parent_logical_id].properties.get("Parameters", {})
            if name in given:
                origin = Where(parent.name, self.stack.parent_logical_id, ("Parameters", name))
                with self.graph.on_behalf_of(where):
                    return Resolver(StackScope(self.graph, parent)).resolve(given[name], origin)
        given = self.graph.given.parameters
        for key in (f"{self.stack.name}:{name}", f"{self.stack.name_on_aws}:{name}", name):
            if key in given:
                return given[key]
        if "Default" in definition:
            return definition["Default"]
        return _NOT_GIVEN

    def _pseudo(self, name: str, where: Where) -> Json:
        stack = self.stack
        partition = partition_of(stack.region)
        values: Mapping[str, Json] = {
            "AWS::AccountId": stack.account,
            "AWS::NoValue": NO_VALUE,
            "AWS::NotificationARNs": [],
            "AWS::Partition": partition,
            "AWS::Region": stack.region,
            "AWS::StackId": stack_id(stack),
            "AWS::StackName": stack.name_on_aws,
            "AWS::URLSuffix": "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com",
        }
        if name not in values:
            raise where.error(f"pseudo parameter must be one of {', '.join(PSEUDO_PARAMETERS)}, got {name}")
        return values[name]


def _names(names: Mapping[str, Json]) -> str:
    return ", ".join(sorted(names)) or "(none)"


def _suggestions(name: str, names: set[str]) -> str:
    """The names most like `name`, for a message; a template has hundreds."""
    near = sorted(names, key=lambda other: (-_common_prefix_length(name.lower(), other.lower()), other))[:5]
    return f" (such as {', '.join(near)})" if near else ""


def _common_prefix_length(left: str, right: str) -> int:
    return next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
