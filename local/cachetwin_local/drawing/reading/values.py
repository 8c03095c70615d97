"""Reading of resolved properties for a picture: tolerant, because a picture shows what it can."""

import re
from collections.abc import Iterator
from typing import Final

from cachetwin_local.assembly.template import Json
from cachetwin_local.assembly.values.text import show

_NUMBER: Final = re.compile(r"[0-9]{1,18}")


def at(value: Json, *path: str) -> Json:
    """The value at a path of object keys, or None."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def text_at(value: Json, *path: str) -> str:
    """The value at a path as text; empty where there is none."""
    found = at(value, *path)
    if isinstance(found, tuple):
        return show(found)
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found) if isinstance(found, str | int | float) else ""


def number_at(value: Json, *path: str, default: int = 0) -> int:
    """The value at a path as a whole number."""
    found = text_at(value, *path)
    return int(found) if _NUMBER.fullmatch(found) else default


def flag_at(value: Json, *path: str) -> bool:
    """Whether the value at a path is true, written as a boolean or as a string."""
    return text_at(value, *path).lower() == "true"


def items_at(value: Json, *path: str) -> list[Json]:
    """The list at a path; empty where there is none."""
    found = at(value, *path)
    return found if isinstance(found, list) else []


def strings_at(value: Json, *path: str) -> tuple[str, ...]:
    """The strings of the list at a path, or the one string there."""
    found = at(value, *path)
    if isinstance(found, str):
        return (found,)
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()


def objects_at(value: Json, *path: str) -> Iterator[dict[str, Json]]:
    """The objects of the list at a path."""
    for item in items_at(value, *path):
        if isinstance(item, dict):
            yield item
