"""Answers of services that speak XML, as the JSON that those services give API Gateway. Pure."""

import json
from typing import Any
from xml.etree import ElementTree

__all__ = ["in_json"]


def in_json(body: bytes) -> bytes:
    """The same answer in JSON; what is no XML stays."""
    try:
        root = ElementTree.fromstring(body)  # noqa: S314  (what the endpoint of AWS's APIs here has written)
    except ElementTree.ParseError:
        return body
    name, value = _name(root), _value(root)
    return json.dumps(value if name == "ErrorResponse" else {name: value}).encode()


def _value(element: ElementTree.Element) -> Any:  # noqa: ANN401  (JSON)
    """Text, an object, or a list for the members of one."""
    children = list(element)
    if not children:
        return element.text or ""
    if all(_name(child) == "member" for child in children):
        return [_value(child) for child in children]
    found: dict[str, Any] = {}
    for child in children:
        name, value = _name(child), _value(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
