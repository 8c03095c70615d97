"""What is done with each property of a type that runs here.

A property is *used* (it decides what runs), *recorded* (read and kept; on this machine it changes nothing) or *refused*
(on AWS it changes what runs, and here it does not: `plan` says so where a template has it). A path names nested
properties with dots and passes through lists; an entry of a list of Key and Value is ``Name:key``. What is said of an
object holds for everything in it. Sources: the CloudFormation schemas of the types.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from cachetwin_local.assembly.template import Json

__all__ = ["PropertyUse", "Refused", "Use", "recorded", "refused"]

Use = Literal["used", "recorded", "refused"]
_ABSENT: Final[tuple[Json, ...]] = (None, False, "false", "", [], {})


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a property is refused, and with which values it asks for nothing that is missing here."""

    reason: str
    unless: tuple[str, ...] = ()


def recorded(reason: str, paths: str) -> dict[str, str]:
    """Entries of the list of recorded properties: the reason by path."""
    return dict.fromkeys(paths.split(), reason)


def refused(reason: str, paths: str, *, unless: tuple[str, ...] = ()) -> dict[str, Refused]:
    """Entries of the list of refused properties."""
    return dict.fromkeys(paths.split(), Refused(reason, unless))


@dataclass(frozen=True, slots=True)
class PropertyUse:
    """The properties of one type by path."""

    used: frozenset[str]
    recorded: Mapping[str, str]
    refused: Mapping[str, Refused]

    @classmethod
    def of(
        cls,
        used: str,
        recorded_paths: Mapping[str, str] | None = None,
        refused_paths: Mapping[str, Refused] | None = None,
    ) -> "PropertyUse":
        """The lists; `used` holds paths between spaces, ``Name.*`` for an object that is used as a whole."""
        return cls(frozenset(used.split()), recorded_paths or {}, refused_paths or {})

    def of_path(self, path: str) -> Use | None:
        """What is done with the property at `path`; None where no list has it."""
        for name in _and_parents(path):
            if name in self.recorded:
                return "recorded"
            if name in self.refused:
                return "refused"
            if f"{name}.*" in self.used or (name == path and name in self.used):
                return "used"
        if any(name.startswith((f"{path}.", f"{path}:")) for name in self.used):
            return "used"
        inside = any(name.startswith((f"{path}.", f"{path}:")) for name in (*self.recorded, *self.refused))
        return "recorded" if inside else None

    def unmet(self, properties: Mapping[str, Json]) -> list[tuple[str, str]]:
        """The paths of properties that ask for what is missing here, with the reason; each path once."""
        found: dict[str, str] = {}
        for path, value in _values(properties, ""):
            refusal = self._refusal(path, value)
            if refusal is not None and value not in _ABSENT and _plain(value) not in refusal.unless:
                found[path] = refusal.reason
            elif self.of_path(path) is None and "." not in path:
                found[path] = "this property is not known here"
        return list(found.items())

    def _refusal(self, path: str, value: Json) -> Refused | None:
        name, colon, _key = path.partition(":")
        if colon and self.of_path(path) == "refused":
            return self.refused.get(path) or self.refused.get(name)
        return None if _is_pairs(value) else self.refused.get(path)


def _and_parents(path: str) -> Iterator[str]:
    """The path, then what it is inside of."""
    while path:
        yield path
        path = path.rpartition(":" if ":" in path else ".")[0]


def _is_pairs(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) and item.keys() == {"Key", "Value"} for item in value)


def _values(value: Json, path: str) -> Iterator[tuple[str, Json]]:
    """Every property below `value` with its path."""
    if path and _is_pairs(value):
        yield from ((f"{path}:{item['Key']}", item["Value"]) for item in value)
    elif isinstance(value, list):
        for item in value:
            yield from _values(item, path)
    elif isinstance(value, dict):
        for name, item in value.items():
            inner = f"{path}.{name}" if path else name
            yield inner, item
            yield from _values(item, inner)


def _plain(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
