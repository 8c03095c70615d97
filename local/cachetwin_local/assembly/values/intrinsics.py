"""CloudFormation's intrinsic functions: one function and one row of `FUNCTIONS` each.

`Resolver.resolve` turns a value of a template into plain JSON. What a function needs from its surroundings
(resources, parameters, exports) it asks of a `Scope`. A value of `NO_VALUE` removes the property or the list's
element that holds it, as ``AWS::NoValue`` does.

Sources: the CloudFormation template reference, "Intrinsic function reference", and the language extensions transform
for Fn::Length, Fn::ToJsonString and Fn::FindInMap with a default.
"""

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from cachetwin_local.assembly.template import Json
from cachetwin_local.assembly.where import Where


class _NoValue:
    def __repr__(self) -> str:
        return "AWS::NoValue"


NO_VALUE: Final = _NoValue()

AVAILABILITY_ZONES: Final[Mapping[str, str]] = {"us-east-1": "abcdef", "us-west-1": "ac", "us-west-2": "abcd"}
"""Zone letters by region, where they are not a, b, c (AWS's list of Availability Zones)."""

_ON_AWS_ONLY: Final = frozenset({"Fn::Transform"})
SUB_VARIABLE = re.compile(r"\$\{(!?)([^}]*)\}")
FUNCTION_NAME = re.compile(r"^(Ref|Condition|Fn::.+)$")


class Scope(Protocol):
    """What a template's values may ask of the stack they are in."""

    @property
    def region(self) -> str:
        """The region the stack is in."""

    def ref(self, name: str, where: Where) -> Json:
        """What ``Ref`` gives for a resource, a parameter or a pseudo parameter."""

    def get_att(self, logical_id: str, attribute: str, where: Where) -> Json:
        """An attribute of a resource."""

    def condition(self, name: str, where: Where) -> bool:
        """The value of a named condition."""

    def mapping(self, name: str, where: Where) -> Mapping[str, Json]:
        """A mapping of the template."""

    def import_value(self, name: str, where: Where) -> Json:
        """A value that another stack exports."""

    def stack_output(self, stack_name: str, output_name: str, where: Where) -> Json:
        """An output of another stack, by its names."""

    def unknown_function(self, name: str, reason: str, where: Where) -> str:
        """What stands for the result of a function that runs on AWS only."""

    def is_missing(self, value: Json) -> bool:
        """Whether `value` stands for one that nobody gave."""


@dataclass(frozen=True, slots=True)
class Resolver:
    """Resolves the values of one stack's template."""

    scope: Scope

    def resolve(self, value: Json, where: Where) -> Json:
        """`value` with every intrinsic function replaced by its result.

        Raises UserError that names the place when a function is unknown, has the wrong shape or asks for what is not
        there.
        """
        if isinstance(value, list):
            items = [self.resolve(item, where.child(index)) for index, item in enumerate(value)]
            return [item for item in items if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if FUNCTION_NAME.match(name) and not (name == "Condition" and not isinstance(argument, str)):
                return self._call(name, argument, where)
        resolved = {key: self.resolve(item, where.child(key)) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}

    def text(self, value: Json, where: Where) -> str:
        """`value` resolved, where a string is wanted; numbers and booleans are written as CloudFormation writes them."""
        resolved = self.resolve(value, where)
        if isinstance(resolved, bool):
            return "true" if resolved else "false"
        if isinstance(resolved, int | float):
            return str(resolved)
        if not isinstance(resolved, str):
            raise where.error(f"must be a string, got {_show(resolved)}")
        return resolved

    def list(self, value: Json, where: Where) -> list[Json]:
        """`value` resolved, where a list is wanted."""
        resolved = self.resolve(value, where)
        if not isinstance(resolved, list):
            raise where.error(f"must be a list, got {_show(resolved)}")
        return resolved

    def boolean(self, value: Json, where: Where) -> bool:
        """A condition's value."""
        if isinstance(value, str) and value not in {"true", "false"}:
            return self.scope.condition(value, where)
        resolved = self.resolve(value, where)
        if resolved in (True, "true"):
            return True
        if resolved in (False, "false"):
            return False
        raise where.error(f"must be a condition, got {_show(resolved)}")

    def _call(self, name: str, argument: Json, where: Where) -> Json:
        function = FUNCTIONS.get(name)
        if name in _ON_AWS_ONLY:
            return self.scope.unknown_function(name, f"{name} runs on AWS only", where)
        if function is None:
            raise where.error(f"intrinsic function must be one of {', '.join(sorted(FUNCTIONS))}, got {name}")
        return function(self, argument, where)


Function = Callable[[Resolver, Json, Where], Json]


def ref(resolver: Resolver, argument: Json, where: Where) -> Json:
    """``{"Ref": name}``."""
    if not isinstance(argument, str):
        raise where.error(f"Ref must name a resource or a parameter, got {_show(argument)}")
    return resolver.scope.ref(argument, where)


def get_att(resolver: Resolver, argument: Json, where: Where) -> Json:
    """``{"Fn::GetAtt": [logical id, attribute]}`` or ``"id.attribute"``; the attribute may itself be a function."""
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[0], str):
        raise where.error(f"Fn::GetAtt must be [logical id, attribute], got {_show(argument)}")
    return resolver.scope.get_att(parts[0], resolver.text(parts[1], where), where)


def sub(resolver: Resolver, argument: Json, where: Where) -> str:
    """``{"Fn::Sub": text}`` or ``[text, {name: value}]``; ``${!x}`` stands for ``${x}``."""
    template, names = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})
    if not isinstance(template, str) or not isinstance(names, dict):
        raise where.error(f"Fn::Sub must be a string or [string, {{name: value}}], got {_show(argument)}")

    def value(match: re.Match[str]) -> str:
        literal, name = match.groups()
        if literal:
            return "${" + name + "}"
        name = name.strip()
        if name in names:
            return resolver.text(names[name], where)
        if "." in name:
            return resolver.text({"Fn::GetAtt": name.split(".", 1)}, where)
        return resolver.text({"Ref": name}, where)

    return SUB_VARIABLE.sub(value, template)


def join(resolver: Resolver, argument: Json, where: Where) -> str:
    """``{"Fn::Join": [delimiter, [values]]}``."""
    delimiter, values = _arguments("Fn::Join", argument, 2, "[delimiter, [values]]", where)
    if not isinstance(delimiter, str):
        raise where.error(f"Fn::Join's delimiter must be a string, got {_show(delimiter)}")
    return delimiter.join(resolver.text(item, where) for item in resolver.list(values, where))


def split(resolver: Resolver, argument: Json, where: Where) -> list[str]:
    """``{"Fn::Split": [delimiter, text]}``."""
    delimiter, source = _arguments("Fn::Split", argument, 2, "[delimiter, string]", where)
    if not isinstance(delimiter, str) or not delimiter:
        raise where.error(f"Fn::Split's delimiter must be a string of at least one character, got {_show(delimiter)}")
    return resolver.text(source, where).split(delimiter)


def select(resolver: Resolver, argument: Json, where: Where) -> Json:
    """``{"Fn::Select": [index, [values]]}``."""
    index_value, values = _arguments("Fn::Select", argument, 2, "[index, [values]]", where)
    items = resolver.list(values, where)
    if items and all(resolver.scope.is_missing(item) for item in items):
        return items[0]
    index = _integer("Fn::Select's index", resolver.resolve(index_value, where), 0, max(len(items) - 1, 0), where)
    if not items:
        raise where.error("Fn::Select must have values to select from, got an empty list")
    return items[index]


def if_(resolver: Resolver, argument: Json, where: Where) -> Json:
    """``{"Fn::If": [condition, value if true, value if false]}``; the other value is not looked at."""
    name, when_true, when_false = _arguments("Fn::If", argument, 3, "[condition, value, value]", where)
    if not isinstance(name, str):
        raise where.error(f"Fn::If's condition must be a name, got {_show(name)}")
    return resolver.resolve(when_true if resolver.scope.condition(name, where) else when_false, where)


def equals(resolver: Resolver, argument: Json, where: Where) -> bool:
    """``{"Fn::Equals": [value, value]}``; compares as strings, as CloudFormation does."""
    left, right = _arguments("Fn::Equals", argument, 2, "[value, value]", where)
    left, right = resolver.resolve(left, where), resolver.resolve(right, where)
    return bool(_comparable(left) == _comparable(right))


def and_(resolver: Resolver, argument: Json, where: Where) -> bool:
    """``{"Fn::And": [2 to 10 conditions]}``."""
    return all(resolver.boolean(item, where) for item in _conditions("Fn::And", argument, where))


def or_(resolver: Resolver, argument: Json, where: Where) -> bool:
    """``{"Fn::Or": [2 to 10 conditions]}``."""
    return any(resolver.boolean(item, where) for item in _conditions("Fn::Or", argument, where))


def not_(resolver: Resolver, argument: Json, where: Where) -> bool:
    """``{"Fn::Not": [condition]}``."""
    (item,) = _arguments("Fn::Not", argument, 1, "[condition]", where)
    return not resolver.boolean(item, where)


def condition(resolver: Resolver, argument: Json, where: Where) -> bool:
    """``{"Condition": name}``."""
    return resolver.scope.condition(str(argument), where)


def find_in_map(resolver: Resolver, argument: Json, where: Where) -> Json:
    """``{"Fn::FindInMap": [map, top key, second key]}``, with ``{"DefaultValue": ...}`` as an optional fourth."""
    if not isinstance(argument, list) or len(argument) not in {3, 4}:
        raise where.error(f"Fn::FindInMap must be [map, key, key] or [map, key, key, default], got {_show(argument)}")
    name, top, second = (resolver.text(item, where) for item in argument[:3])
    for key in (top, second):
        if resolver.scope.is_missing(key):
            return key
    mapping = resolver.scope.mapping(name, where)
    below = mapping.get(top, {})
    found = below.get(second, NO_VALUE) if isinstance(below, dict) else NO_VALUE
    if found is not NO_VALUE:
        return found
    if len(argument) == 4 and isinstance(argument[3], dict) and "DefaultValue" in argument[3]:
        return resolver.resolve(argument[3]["DefaultValue"], where)
    allowed = below if isinstance(below, dict) and below else mapping
    raise where.error(f"Fn::FindInMap's keys in {name} must be among {_names(allowed)}, got {top}, {second}")


def import_value(resolver: Resolver, argument: Json, where: Where) -> Json:
    """``{"Fn::ImportValue": export}``."""
    return resolver.scope.import_value(resolver.text(argument, where), where)


def get_stack_output(resolver: Resolver, argument: Json, where: Where) -> Json:
    """``{"Fn::GetStackOutput": {StackName, OutputName, Region, RoleArn}}``; the stack may be named by its ARN."""
    if not isinstance(argument, dict) or not {"StackName", "OutputName"} <= argument.keys():
        raise where.error(f"Fn::GetStackOutput must have StackName and OutputName, got {_show(argument)}")
    stack = resolver.text(argument["StackName"], where)
    if stack.startswith("arn:"):
        stack = stack.split(":", 5)[5].split("/")[1]
    return resolver.scope.stack_output(stack, resolver.text(argument["OutputName"], where), where)


def get_azs(resolver: Resolver, argument: Json, where: Where) -> list[str]:
    """``{"Fn::GetAZs": region}``; the stack's own region when empty."""
    region = resolver.text(argument, where) or resolver.scope.region
    return [region + letter for letter in AVAILABILITY_ZONES.get(region, "abc")]


def cidr(resolver: Resolver, argument: Json, where: Where) -> list[str]:
    """``{"Fn::Cidr": [block, count, bits of each block's hosts]}``."""
    if not isinstance(argument, list) or len(argument) not in {2, 3}:
        raise where.error(f"Fn::Cidr must be [block, count] or [block, count, bits], got {_show(argument)}")
    text = resolver.text(argument[0], where)
    if resolver.scope.is_missing(text):
        return [text]
    try:
        block = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise where.error(f"Fn::Cidr's block must be an IPv4 or IPv6 range, got {text}") from None
    count = _integer("Fn::Cidr's count", resolver.resolve(argument[1], where), 1, 256, where)
    if len(argument) == 2 and block.version == 6:
        raise where.error("Fn::Cidr must be given the bits for an IPv6 block, got none")
    bits_value = resolver.resolve(argument[2], where) if len(argument) == 3 else 8
    bits = _integer("Fn::Cidr's bits", bits_value, 1, block.max_prefixlen - 1, where)
    prefix = block.max_prefixlen - bits
    if prefix < block.prefixlen or count > 1 << (prefix - block.prefixlen):
        room = 1 << (prefix - block.prefixlen) if prefix >= block.prefixlen else 0
        raise where.error(f"Fn::Cidr's count must be at most {room} blocks of {bits} bits in {text}, got {count}")
    first, size = int(block.network_address), 1 << bits
    network = ipaddress.IPv4Network if block.version == 4 else ipaddress.IPv6Network
    return [str(network((first + index * size, prefix))) for index in range(count)]


def base64_(resolver: Resolver, argument: Json, where: Where) -> str:
    """``{"Fn::Base64": text}``."""
    return base64.b64encode(resolver.text(argument, where).encode()).decode()


def length(resolver: Resolver, argument: Json, where: Where) -> int:
    """``{"Fn::Length": [values]}``."""
    return len(resolver.list(argument, where))


def to_json_string(resolver: Resolver, argument: Json, where: Where) -> str:
    """``{"Fn::ToJsonString": value}``."""
    return json.dumps(resolver.resolve(argument, where), separators=(",", ":"))


def contains(resolver: Resolver, argument: Json, where: Where) -> bool:
    """``{"Fn::Contains": [[values], value]}``; only in rules."""
    values, value = _arguments("Fn::Contains", argument, 2, "[[values], value]", where)
    return resolver.resolve(value, where) in resolver.list(values, where)


FUNCTIONS: Final[Mapping[str, Function]] = {
    "Ref": ref,
    "Condition": condition,
    "Fn::GetAtt": get_att,
    "Fn::Sub": sub,
    "Fn::Join": join,
    "Fn::Split": split,
    "Fn::Select": select,
    "Fn::If": if_,
    "Fn::Equals": equals,
    "Fn::And": and_,
    "Fn::Or": or_,
    "Fn::Not": not_,
    "Fn::FindInMap": find_in_map,
    "Fn::ImportValue": import_value,
    "Fn::GetStackOutput": get_stack_output,
    "Fn::GetAZs": get_azs,
    "Fn::Cidr": cidr,
    "Fn::Base64": base64_,
    "Fn::Length": length,
    "Fn::ToJsonString": to_json_string,
    "Fn::Contains": contains,
}


def _arguments(name: str, argument: Json, count: int, form: str, where: Where) -> list[Json]:
    if not isinstance(argument, list) or len(argument) != count:
        raise where.error(f"{name} must be {form}, got {_show(argument)}")
    return argument


def _conditions(name: str, argument: Json, where: Where) -> list[Json]:
    if not isinstance(argument, list) or not 2 <= len(argument) <= 10:
        raise where.error(f"{name} must be a list of 2 to 10 conditions, got {_show(argument)}")
    return argument


def _integer(name: str, value: Json, least: int, most: int, where: Where) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise where.error(f"{name} must be a whole number, got {_show(value)}") from None
    if not least <= number <= most:
        raise where.error(f"{name} must be between {least} and {most}, got {number}")
    return number


def _comparable(value: Json) -> Json:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    return str(value) if isinstance(value, int | float) else value


def _show(value: Json) -> str:
    text = repr(value) if value is NO_VALUE else json.dumps(value, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


def _names(names: Mapping[str, Json]) -> str:
    return ", ".join(sorted(names)) or "(none)"
