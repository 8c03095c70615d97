"""``Fn::ForEach``: the entries that a loop of a template makes. Pure.

A loop is an entry of an object: ``"Fn::ForEach::Name": [identifier, collection, {key: value}]``. For each value of the
collection the fragment takes its place, with the value for ``${identifier}`` in keys and texts and for ``{"Ref":
identifier}``, and its letters and digits alone for ``&{identifier}`` (CloudFormation user guide, "Fn::ForEach"). A
collection is a list of texts, or a list parameter by its default. A loop that cannot be expanded stays as it is, and
whoever reads it says so.
"""

import re
from collections.abc import Mapping
from typing import cast

from cachetwin_local.assembly.template import Json

__all__ = ["expand_loops"]

_PREFIX = "Fn::ForEach::"
_ENTRIES_MAX = 5_000  # the service allows 500 resources; a loop in a loop multiplies


class _TooManyError(Exception):
    """The loops of a template make more entries than any template may have."""


def expand_loops(template: Mapping[str, Json]) -> dict[str, Json]:
    """The template with its loops expanded; as it is where they make too many entries."""
    parameters = template.get("Parameters")
    expansion = _Expansion(parameters if isinstance(parameters, dict) else {})
    try:
        return cast("dict[str, Json]", expansion.expand(dict(template)))
    except _TooManyError:
        return dict(template)


class _Expansion:
    def __init__(self, parameters: Mapping[str, Json]) -> None:
        self._parameters = parameters
        self._count = 0

    def expand(self, value: Json) -> Json:
        if isinstance(value, list):
            return [self.expand(one) for one in value]
        if not isinstance(value, dict):
            return value
        found: dict[str, Json] = {}
        for key, one in value.items():
            made = self._loop(one) if key.startswith(_PREFIX) else None
            if made is None:
                found[key] = self.expand(one)
            else:
                found |= made
        return found

    def _loop(self, loop: Json) -> dict[str, Json] | None:
        """The entries of a loop; None where it cannot be expanded."""
        if not isinstance(loop, list) or len(loop) != 3:
            return None
        identifier, collection, fragment = loop
        values = self._values(collection)
        if not isinstance(identifier, str) or not isinstance(fragment, dict) or values is None:
            return None
        found: dict[str, Json] = {}
        for value in values:
            self._count += len(fragment)
            if self._count > _ENTRIES_MAX:
                raise _TooManyError
            made = self.expand(_with(fragment, identifier, value))
            found |= made if isinstance(made, dict) else {}
        return found

    def _values(self, collection: Json) -> list[str] | None:
        if isinstance(collection, dict) and isinstance(name := collection.get("Ref"), str):
            parameter = self._parameters.get(name)
            default = parameter.get("Default") if isinstance(parameter, dict) else None
            collection = [one.strip() for one in default.split(",")] if isinstance(default, str) else default
        if not isinstance(collection, list):
            return None
        if not all(isinstance(one, str | int | float) and not isinstance(one, bool) for one in collection):
            return None
        return [str(one) for one in collection]


def _with(value: Json, identifier: str, text: str) -> Json:
    """`value` with `text` for the identifier."""
    if isinstance(value, str):
        value = value.replace(f"${{{identifier}}}", text)
        return value.replace(f"&{{{identifier}}}", re.sub(r"[^A-Za-z0-9]", "", text))
    if isinstance(value, list):
        return [_with(one, identifier, text) for one in value]
    if isinstance(value, dict):
        if value == {"Ref": identifier}:
            return text
        found = {str(_with(key, identifier, text)): _with(one, identifier, text) for key, one in value.items()}
        sub = found.get("Fn::Sub")
        # a text by now, for Fn::GetAtt and Ref take it as a logical id
        return sub if len(found) == 1 and isinstance(sub, str) and "${" not in sub else found
    return value
