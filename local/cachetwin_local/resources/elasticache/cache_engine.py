"""Engine versions, node types and parameters of ElastiCache, as this runner implements them.

Memory by node type: `node_types.csv`, from AWS's pages named in its last column. Parameters: the families' defaults
where they differ from the open source engine's (user guide, "Engine specific parameters"; the redis5.0 family is
documented in full, later ones by their differences). The engine's profile brings the rest.
"""

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final, Literal

Engine = Literal["valkey", "redis"]

DEFAULT_VERSION: Final[Mapping[str, str]] = {"valkey": "8.1", "redis": "7.1"}
PROFILES: Final[Mapping[str, tuple[str, ...]]] = {
    "valkey": ("7.2", "8.0", "8.1", "9.0", "9.1"),
    "redis": ("6.2", "7.1"),
}
SERVICE_ONLY: Final = frozenset({"reserved-memory-percent", "reserved-memory", "cluster-enabled"})
"""Parameters of the node itself, not of its behaviour; the engine does not receive them."""
RESERVED_MEMORY_PERCENT: Final = 25
DEFAULTS: Final[Mapping[str, str]] = {"maxmemory-policy": "volatile-lru", "maxmemory-samples": "3"}
DEFAULTS_FROM_8: Final[Mapping[str, str]] = {"extended-redis-compatibility": "yes", "repl-backlog-size": "10485760"}


def profile(engine: Engine, version: str) -> tuple[str, bool]:
    """The engine profile that stands for a version, and whether it is that version.

    Raises ValueError when the version is not one. The nearest profile at or below is taken, or the lowest.
    """
    wanted = _number(version)
    known = sorted(PROFILES[engine], key=_number)
    below = [name for name in known if _number(name) <= wanted]
    nearest = below[-1] if below else known[0]
    if engine == "redis" and wanted[0] == 7:
        nearest = "7.1"
    return f"{engine}-{nearest}", _number(nearest) == wanted[:2]


def family(engine: Engine, version: str) -> str:
    """The parameter group family of a version: valkey8, redis7, redis6.x, redis5.0."""
    major, minor = _number(version)[:2]
    if engine == "valkey" or major >= 7:
        return f"{engine}{major}"
    return f"redis{major}.x" if major == 6 else f"redis{major}.{minor}"


def default_parameters(engine: Engine, version: str) -> dict[str, str]:
    """The family's defaults where they differ from the open source engine's."""
    if engine == "valkey" and _number(version)[0] >= 8:
        return {**DEFAULTS, **DEFAULTS_FROM_8}
    return dict(DEFAULTS)


@cache
def node_type_memory() -> Mapping[str, int]:
    """The parameter `maxmemory` of each node type, in bytes, before the reserved part is taken off."""
    table = resources.files(__package__).joinpath("node_types.csv").read_text(encoding="utf-8")
    return {row["node_type"]: int(row["valkey_maxmemory_bytes"]) for row in csv.DictReader(table.splitlines())}


def maxmemory_bytes(node_type: str, reserved_memory_percent: int) -> int:
    """What the engine may use: 2596012032 on a cache.t2.medium at 25 percent, as a public INFO of one shows."""
    return node_type_memory()[node_type] * (100 - reserved_memory_percent) // 100


def _number(version: str) -> tuple[int, int]:
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    return int(major), int(minor) if minor.isdecimal() else 0
