"""The nodes of a shard that is added to a running cache: their ids, zones and endpoints. Pure.

Addresses follow from names as those of the plan do (`topology.address_plan`), so a template that has as many shards gives
the same nodes the same addresses.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from cachetwin_local.topology.address_plan import LOCALHOST, hashed_address
from cachetwin_local.topology.values import CacheNode, Endpoint, ShardPattern

__all__ = ["NODES_MAX", "further_nodes", "next_shard_id"]

NODES_MAX: Final = 6  # of a shard: a primary and five replicas
_SHARED_PORTS: Final = range(20000, 32000)


def next_shard_id(taken: Collection[str]) -> str:
    """The lowest number of four digits that no shard has."""
    return next(name for number in range(1, len(taken) + 2) if (name := f"{number:04}") not in taken)


def further_nodes(
    pattern: ShardPattern, shard_id: str, like: Sequence[CacheNode], count: int, taken: Collection[Endpoint]
) -> tuple[tuple[CacheNode, ...], tuple[Endpoint, ...]]:
    """`count` nodes of a further shard, and endpoints for as many as it can have. `like` are the cache's nodes."""
    model = like[0]
    group_id = model.member_id.rsplit("-", 2)[0]
    zones = list(dict.fromkeys(node.availability_zone for node in like))
    first = (int(shard_id) - 1) % len(zones) if shard_id.isdigit() else 0
    used = {(endpoint.address, endpoint.port) for endpoint in taken}
    nodes, spare = [], []
    for number in range(1, NODES_MAX + 1):
        member_id = f"{group_id}-{shard_id}-{number:03}"
        address, port = _place(pattern, f"{pattern.key}/{shard_id}-{number:03}", model.endpoint.port, used)
        used.add((address, port))
        endpoint = replace(
            model.endpoint, address=address, port=port, names=(pattern.host.replace("{member}", member_id),)
        )
        if number > count:
            spare.append(endpoint)
            continue
        zone = zones[(first + number - 1) % len(zones)]
        node = replace(model, member_id=member_id, availability_zone=zone, endpoint=endpoint, shard=shard_id)
        nodes.append(replace(node, role="primary" if number == 1 else "replica"))
    return tuple(nodes), tuple(spare)


def _place(pattern: ShardPattern, name: str, port: int, used: Collection[tuple[str, int]]) -> tuple[str, int]:
    attempt = 0
    while True:
        if pattern.loopback == "shared":
            digest = hashlib.sha256(f"{pattern.project}\0{name}\0{attempt}".encode()).digest()
            found = LOCALHOST, _SHARED_PORTS[int.from_bytes(digest[:4]) % len(_SHARED_PORTS)]
        else:
            found = hashed_address(pattern.project, name, attempt), port
        if found not in used:
            return found
        attempt += 1
