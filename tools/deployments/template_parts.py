"""A template without some of its resources, for an emulator of CloudFormation that cannot take all of it."""

import re
from collections.abc import Collection, Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any

Template = dict[str, Any]
# What stands for an attribute of a resource that was left out, where text will not do.
_PORT = "6379"
_SUB = re.compile(r"\$\{([^!:.}]+)(?:\.([^}]+))?\}")


def types_in_order(template: Template) -> list[str]:
    """The resource types, each after those it refers to wherever they do not refer to each other."""
    resources = template["Resources"]
    order: dict[str, int] = {}
    for index, logical_id in enumerate(_in_order(template)):
        order[resources[logical_id]["Type"]] = index  # the last resource of a type places it
    return sorted(order, key=order.__getitem__)


def only(template: Template, types: Collection[str]) -> Template:
    """The template with resources of these types alone.

    What refers to another resource gets a text in its place (of a port, a number), an output that does is left out.
    """
    left_out = {name for name, resource in template["Resources"].items() if resource["Type"] not in types}
    kept = {
        name: _resource(resource, left_out) for name, resource in template["Resources"].items() if name not in left_out
    }
    outputs = {name: value for name, value in template.get("Outputs", {}).items() if not left_out & set(_names(value))}
    return {**template, "Resources": kept, "Outputs": outputs}


def refers_to(template: Template, resource_type: str) -> set[str]:
    """The types that resources of this type refer to."""
    resources = template["Resources"]
    return {
        resources[name]["Type"]
        for resource in resources.values()
        if resource["Type"] == resource_type
        for name in _references(resource)
        if name in resources
    }


def _in_order(template: Template) -> list[str]:
    resources = template["Resources"]
    graph = {name: [to for to in _references(one) if to in resources] for name, one in resources.items()}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise ValueError(f"resources must not refer to each other in a circle, got {error.args[1]}") from error


def _references(resource: dict[str, Any]) -> Iterator[str]:
    after = resource.get("DependsOn", [])
    yield from [after] if isinstance(after, str) else after
    yield from _names(resource.get("Properties", {}))


def _names(value: object) -> Iterator[str]:
    """The logical ids that a value refers to."""
    match value:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case {"Fn::Sub": str(text)}:
            yield from (found[1] for found in _SUB.finditer(text))
        case dict():
            for part in value.values():
                yield from _names(part)
        case list():
            for part in value:
                yield from _names(part)


def _resource(resource: dict[str, Any], left_out: Collection[str]) -> dict[str, Any]:
    kept = {**resource, "Properties": _replaced(resource.get("Properties", {}), left_out)}
    after = resource.get("DependsOn", [])
    after = [name for name in ([after] if isinstance(after, str) else after) if name not in left_out]
    kept.pop("DependsOn", None)
    return {**kept, "DependsOn": after} if after else kept


def _replaced(value: object, left_out: Collection[str]) -> object:
    match value:
        case {"Ref": str(name)} if name in left_out:
            return name
        case {"Fn::GetAtt": [str(name), str(attribute)]} if name in left_out:
            return _text(name, attribute)
        case {"Fn::Sub": str(text)}:
            return {
                "Fn::Sub": _SUB.sub(lambda found: _text(found[1], found[2]) if found[1] in left_out else found[0], text)
            }
        case dict():
            return {key: _replaced(part, left_out) for key, part in value.items()}
        case list():
            return [_replaced(part, left_out) for part in value]
        case _:
            return value


def _text(name: str, attribute: str | None) -> str:
    if attribute is not None and attribute.endswith("Port"):
        return _PORT
    return name if attribute is None else f"{name}.{attribute}"
