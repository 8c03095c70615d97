"""The values of template parameters, by the type and the constraints that the template gives."""

import re
from collections.abc import Mapping

from cachetwin_local.assembly.template import Json
from cachetwin_local.assembly.where import Where


def typed(name: str, kind: str, value: Json, definition: Mapping[str, Json], where: Where) -> Json:
    """A parameter's value as its type has it, checked against what the template allows."""
    if is_list(kind):
        items = value if isinstance(value, list) else [item.strip() for item in str(value).split(",")]
        return [_checked(name, kind, item, definition, where) for item in items if item != ""]
    return _checked(name, kind, value, definition, where)


def is_list(kind: str) -> bool:
    """Whether values of this type are lists."""
    return kind == "CommaDelimitedList" or "List<" in kind


def _checked(name: str, kind: str, value: Json, definition: Mapping[str, Json], where: Where) -> str:
    text = _plain(value)
    shown = "(hidden)" if definition.get("NoEcho") else text
    allowed = definition.get("AllowedValues")
    if allowed is not None and not isinstance(allowed, list):
        raise where.error(f"AllowedValues of parameter {name} must be a list, got {type(allowed).__name__}")
    if allowed is not None and text not in map(_plain, allowed):
        raise where.error(f"parameter {name} must be one of {', '.join(map(_plain, allowed))}, got {shown}")
    pattern = definition.get("AllowedPattern")
    if pattern is not None and not isinstance(pattern, str):
        raise where.error(f"AllowedPattern of parameter {name} must be a string, got {type(pattern).__name__}")
    if pattern is not None and not _matches(pattern, text):
        raise where.error(f"parameter {name} must match {pattern}, got {shown}")
    if "Number" in kind and not re.fullmatch(r"-?\d+(\.\d+)?", text):
        raise where.error(f"parameter {name} must be a number, got {shown}")
    return text


def _matches(pattern: str, text: str) -> bool:
    """Whether a pattern matches; one that is of Java's regular expressions only is taken to."""
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:
        return True


def _plain(value: Json) -> str:
    """A parameter's value as CloudFormation writes it."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
