"""Mapping templates in Velocity's language, rendered as API Gateway does.

`airspeed` parses and runs them. What differs from it here: a value that is missing is empty text, true and false are
written as in Java, maps and lists have the methods that templates use of Java's, and ``#set`` takes names of header fields
below ``$context.responseOverride`` and ``requestOverride``, hyphens included.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

import airspeed  # type: ignore[import-untyped]

__all__ = ["TemplateFailed", "render"]

_OVERRIDE: Final = re.compile(
    r"#set\s*\(\s*\$(context\.(?:requestOverride|responseOverride)\.(?:header|querystring|path))"
    r"\.([\w-]+)\s*=\s*((?:[^()\"']|\"[^\"]*\"|'[^']*'|\([^()]*\))*)\)"
)
_METHODS: Final[Mapping[type, Mapping[str, Callable[..., Any]]]] = {
    str: {
        "concat": lambda self, other: self + other,
        "equals": lambda self, other: self == other,
        "equalsIgnoreCase": lambda self, other: self.lower() == str(other).lower(),
        "endsWith": lambda self, suffix: self.endswith(suffix),
        "indexOf": lambda self, part: self.find(part),
        "isEmpty": lambda self: not self,
        "lastIndexOf": lambda self, part: self.rfind(part),
        "matches": lambda self, pattern: re.fullmatch(pattern, self) is not None,
        "replaceFirst": lambda self, pattern, text: re.sub(pattern, text, self, count=1),
        "substring": lambda self, begin, end=None: self[begin:end],
        "toLowerCase": lambda self: self.lower(),
        "toString": lambda self: self,
        "toUpperCase": lambda self: self.upper(),
        "trim": lambda self: self.strip(),
    },
    list: {
        "addAll": lambda self, others: self.extend(others),
        "isEmpty": lambda self: not self,
        "toString": lambda self: _java(self),  # noqa: PLW0108  (defined below)
    },
    dict: {
        "containsKey": lambda self, key: key in self,
        "entrySet": lambda self: [{"key": key, "value": value} for key, value in self.items()],
        "size": len,
        "toString": lambda self: _java(self),  # noqa: PLW0108  (defined below)
    },
}


class TemplateFailed(Exception):
    """A template cannot be rendered; the message says why."""


def render(template: str, values: Mapping[str, Any]) -> str:
    """The text of a template. `values` are what its references begin with. Raises TemplateFailed."""
    try:
        return str(_parsed(template).merge(dict(values)))
    except Exception as error:  # templates call methods of values, which raise what they raise
        raise TemplateFailed(f"{type(error).__name__}: {error}") from error


@lru_cache(maxsize=256)
def _parsed(template: str) -> Any:  # noqa: ANN401  (airspeed has no types)
    _prepare()
    put = _OVERRIDE.sub(lambda match: f'#set($ignored = ${match[1]}.put("{match[2]}", {match[3]}))', template)
    return airspeed.Template(put)


@lru_cache(maxsize=1)
def _prepare() -> None:
    """Give `airspeed` the methods, and the form of what it writes."""
    for kind, methods in _METHODS.items():
        airspeed.__additional_methods__[kind].update(methods)
    airspeed.FormalReference.evaluate_raw = _write


def _write(reference: Any, stream: Any, namespace: Any, loader: Any) -> None:  # noqa: ANN401  (airspeed has no types)
    if reference.expression is None:  # a dollar sign alone
        stream.write(reference.my_text())
        return
    value = reference.expression.calculate(namespace, loader)
    if value is None and reference.alternate is not None:
        value = reference.alternate.calculate(namespace, loader)
    stream.write(_java(value))


def _java(value: Any) -> str:  # noqa: ANN401  (JSON)
    """A value as Java writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}={_java(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_java(inner) for inner in value) + "]"
    return str(value)
