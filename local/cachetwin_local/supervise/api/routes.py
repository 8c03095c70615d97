"""Which route of an HTTP API answers a request.

The most specific match: a path of literal parts before one with variables, that before one with a greedy variable, a
method before ANY, and ``$default`` last. Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from cachetwin_local.topology.http_apis import ApiRoute

__all__ = ["RouteMatch", "RouteTable"]

_DEFAULT: Final = "$default"
_VARIABLE: Final = re.compile(r"\{([^{}/+]+)(\+?)\}")


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """A route, and the values of its path's variables."""

    route: ApiRoute
    path_parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Pattern:
    route: ApiRoute
    method: str
    pattern: re.Pattern[str]
    rank: tuple[tuple[int, ...], int]


class RouteTable:
    """The routes of an API."""

    def __init__(self, routes: Sequence[ApiRoute]) -> None:
        self._default = next((route for route in routes if route.route_key == _DEFAULT), None)
        patterns = [_pattern(route) for route in routes if route.route_key != _DEFAULT]
        self._patterns = sorted(patterns, key=lambda one: one.rank)

    def match(self, method: str, path: str) -> RouteMatch | None:
        """The route for a method and a path as it came (percent-encoded), without the stage."""
        for one in self._patterns:
            if one.method in {method, "ANY"} and (found := one.pattern.fullmatch(path)) is not None:
                names = [name for name, _greedy in _VARIABLE.findall(one.route.route_key)]
                return RouteMatch(one.route, {n: unquote(v) for n, v in zip(names, found.groups(), strict=True)})
        return RouteMatch(self._default, {}) if self._default is not None else None


def _pattern(route: ApiRoute) -> _Pattern:
    method, _, path = route.route_key.partition(" ")
    parts = path.strip("/").split("/")
    expression = "".join(f"/{_part(part)}" for part in parts)
    rank = tuple(_rank(part) for part in parts)
    return _Pattern(route, method, re.compile(f"{expression}/?"), (rank, int(method == "ANY")))


def _part(part: str) -> str:
    variable = _VARIABLE.fullmatch(part)
    if variable is None:
        return re.escape(part)
    return "(.+)" if variable[2] else "([^/]+)"


def _rank(part: str) -> int:
    variable = _VARIABLE.fullmatch(part)
    return 0 if variable is None else 2 if variable[2] else 1
