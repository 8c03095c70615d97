"""Typed reading of a resource's resolved properties, with errors that name the property."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from cachetwin_local.assembly.resolved import Resolved
from cachetwin_local.assembly.template import Json
from cachetwin_local.assembly.values.text import Text
from cachetwin_local.assembly.where import Where


@dataclass(frozen=True, slots=True)
class Properties:
    """An object of a template: a resource's properties, or one inside them."""

    values: Mapping[str, Json]
    where: Where

    @classmethod
    def of(cls, resolved: Resolved) -> "Properties":
        """The properties of a resource."""
        return cls(resolved.properties, Where(resolved.resource.stack, resolved.resource.logical_id))

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def as_json(self, names: str) -> dict[str, str]:
        """Those of the properties `names`, separated by blanks, that are given, as JSON."""
        return {
            name: json.dumps(self.values[name], sort_keys=True, default=repr) for name in names.split() if name in self
        }

    def text(self, name: str) -> Text | None:
        """A string that may hold secrets."""
        value = self.values.get(name)
        if value is None or isinstance(value, str | tuple):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        raise self._wrong(name, "a string", value)

    def string(self, name: str, default: str | None = None) -> str:
        """A string without secrets."""
        value = self.text(name)
        if value is None:
            if default is None:
                raise self.where.child(name).error("is required, got none")
            return default
        if not isinstance(value, str):
            raise self.where.child(name).error("must not hold a secret")
        return value

    def optional(self, name: str) -> str | None:
        """A string without secrets, or None."""
        return self.string(name) if name in self else None

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number, written as one or as a string."""
        value = self.values.get(name)
        if value is None and default is not None:
            return default
        try:
            return int(str(value))
        except ValueError:
            raise self._wrong(name, "a whole number", value) from None

    def number(self, name: str, default: float | None = None) -> float:
        """A number, written as one or as a string."""
        value = self.values.get(name)
        if value is None and default is not None:
            return default
        try:
            return float(str(value))
        except ValueError:
            raise self._wrong(name, "a number", value) from None

    def boolean(self, name: str, *, default: bool = False) -> bool:
        """True or false, written as one or as a string."""
        value = self.values.get(name)
        if value is None:
            return default
        if value in (True, "true", "True"):
            return True
        if value in (False, "false", "False"):
            return False
        raise self._wrong(name, "true or false", value)

    def object(self, name: str) -> "Properties":
        """An object; empty where the property is absent."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, dict):
            raise self._wrong(name, "an object", value)
        return Properties(value or {}, self.where.child(name))

    def objects(self, name: str) -> list["Properties"]:
        """A list of objects; empty where the property is absent."""
        found = []
        for index, item in enumerate(self._list(name)):
            if not isinstance(item, dict):
                raise self._wrong(name, "a list of objects", item)
            found.append(Properties(item, self.where.child(name, index)))
        return found

    def strings(self, name: str) -> tuple[str, ...]:
        """A list of strings; empty where the property is absent."""
        items = self._list(name)
        if not all(isinstance(item, str) for item in items):
            raise self._wrong(name, "a list of strings", items)
        return tuple(items)

    def texts(self, name: str) -> tuple[Text, ...]:
        """A list of strings that may hold secrets; empty where the property is absent."""
        items = self._list(name)
        if not all(isinstance(item, str | tuple) for item in items):
            raise self._wrong(name, "a list of strings", items)
        return tuple(items)

    def _list(self, name: str) -> list[Json]:
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._wrong(name, "a list", value)
        return value

    def _wrong(self, name: str, allowed: str, value: Json) -> Exception:
        return self.where.child(name).error(f"must be {allowed}, got {type(value).__name__}")
