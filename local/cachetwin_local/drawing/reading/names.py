"""Names of resources for people, from the construct paths in the template's metadata."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from cachetwin_local.assembly.template import Resource

_HASH = re.compile(r"(?<=.)[0-9A-F]{8}$")
_SEGMENTS_MAX = 4
_UNNAMED = frozenset({"Resource", "Default"})
_GENERIC = frozenset({"Service", "Instance", "LoadBalancer", "Function", "Cluster", "Task", "Subnet", "Target"})


def titles(resources: Iterable[Resource]) -> dict[str, str]:
    """A title for each resource, by key: the construct's id, with those above it where two of a type would be alike.

    Where whole paths are alike, in two stacks, the stack's name stands before them.
    """
    kept = list(resources)
    paths, types = _paths(kept), {resource.key: resource.type for resource in kept}
    found: dict[str, str] = {}
    alike = [list(paths)]
    for count in range(1, _SEGMENTS_MAX + 1):
        again: list[list[str]] = []
        for keys in alike:
            by_title: dict[tuple[str, str], list[str]] = defaultdict(list)
            for key in keys:
                found[key] = _title(paths[key], count)
                by_title[types[key], found[key]].append(key)
            again += [keys for keys in by_title.values() if len(keys) > 1]
        alike = again
    for key in (key for keys in alike for key in keys):
        found[key] = f"{key.partition('/')[0]}: {found[key]}"
    return found


def _paths(resources: list[Resource]) -> dict[str, tuple[str, ...]]:
    """The construct path of each resource below its stack, derived from the logical id where the metadata lacks it."""
    scopes: dict[tuple[str, str], tuple[str, ...]] = {}
    for resource in resources:
        segments = tuple(resource.path.split("/")[1:])
        for end in range(1, len(segments)):
            scopes.setdefault((resource.stack, _logical(segments[:end])), segments[:end])
    return {resource.key: _path(resource, scopes) for resource in resources}


def _path(resource: Resource, scopes: Mapping[tuple[str, str], tuple[str, ...]]) -> tuple[str, ...]:
    if "/" in resource.path:
        return tuple(resource.path.split("/")[1:])
    name = _HASH.sub("", resource.logical_id)
    known = [scope for stack, scope in scopes if stack == resource.stack and name.startswith(scope)]
    scope = max(known, key=len, default="")
    rest = name.removeprefix(scope)
    above = scopes.get((resource.stack, scope), ())
    return (*above, rest) if rest else above


def _logical(segments: tuple[str, ...]) -> str:
    """The segments as the CDK joins them to a logical id."""
    return "".join(re.sub(r"[^A-Za-z0-9]", "", segment) for segment in segments)


def _title(path: tuple[str, ...], count: int) -> str:
    """The last `count` segments of a path without those that every construct of its class has."""
    kept = list(path)
    while len(kept) > 1 and kept[-1] in _UNNAMED:
        kept.pop()
    while len(kept) > 2 and kept[-1] in _GENERIC:
        kept.pop()
    named = [segment for segment in kept[:-1] if segment not in _GENERIC] + kept[-1:]
    return " / ".join(named[-count:])
