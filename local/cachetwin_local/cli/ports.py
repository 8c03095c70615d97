"""The ports of 127.0.0.1 that a project has: remembered from run to run, moved where something else listens.

They are in ``.cachetwin/ports.json``. Ports that ``[ports]`` of cachetwin.toml sets are never moved.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from cachetwin_local.cli.running_project import inform
from cachetwin_local.errors import UserError
from cachetwin_local.supervise.process.private_file import make_project_directory, write_private
from cachetwin_local.supervise.process.sockets import holder_of, is_free
from cachetwin_local.topology.address_plan import LOCALHOST
from cachetwin_local.topology.values import Topology

__all__ = ["plan_with_free_ports", "remembered_ports"]

_PORT_MAX = 65_535
_ROUNDS_MAX = 20


def remembered_ports(directory: Path) -> dict[str, int]:
    """The ports of earlier runs; none where the file cannot be read."""
    try:
        document = json.loads((directory / "ports.json").read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(document, dict):
        return {}
    return {str(name): port for name, port in document.items() if isinstance(port, int) and 0 < port <= _PORT_MAX}


def plan_with_free_ports(
    directory: Path, plan: Callable[[Mapping[str, int]], Topology], *, known_are_ours: bool = False
) -> Topology:
    """The plan, with the next free port for each that something else has; what it is given is remembered.

    With `known_are_ours` the remembered ports are not tried: the run that is up has them.
    """
    remembered = remembered_ports(directory)
    tried = set(remembered) if known_are_ours else set()
    before = dict(remembered)
    for _ in range(_ROUNDS_MAX):
        topology = plan(remembered)
        taken = {key: port for key, port in topology.ports.items() if key not in tried and not is_free(LOCALHOST, port)}
        if not taken:
            break
        for key, port in taken.items():
            remembered[key] = _next_free(port, {*topology.ports.values(), *remembered.values()})
            name = key.rpartition(":")[0].removesuffix("/listener").removesuffix("/api")
            inform(f"port {port} is taken by {holder_of(LOCALHOST, port)}: {name} has {remembered[key]} from now on")
    found = {**remembered, **topology.ports}
    if found != before:
        make_project_directory(directory)
        write_private(directory / "ports.json", json.dumps(found, indent=1).encode())
    return topology


def _next_free(port: int, given_out: set[int]) -> int:
    for candidate in range(port + 1, _PORT_MAX + 1):
        if candidate not in given_out and is_free(LOCALHOST, candidate):
            return candidate
    raise UserError(f"no port above {port} on {LOCALHOST} is free")
