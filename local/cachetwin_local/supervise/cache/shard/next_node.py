"""The node that is added to a shard next. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from cachetwin_local.errors import UserError
from cachetwin_local.topology.values import CacheNode, Endpoint

__all__ = ["next_node"]


def next_node(nodes: Sequence[CacheNode], endpoints: Sequence[Endpoint], zones: Sequence[str]) -> CacheNode:
    """The next replica: the lowest number and endpoint that are free, in the zone with the fewest nodes.

    Raises UserError when every endpoint is taken.
    """
    prefix = nodes[0].member_id.rpartition("-")[0]
    taken = {node.member_id for node in nodes}
    member_id = next(name for n in range(1, len(nodes) + 2) if (name := f"{prefix}-{n:03}") not in taken)
    used = {node.endpoint for node in nodes}
    free = [endpoint for endpoint in endpoints if endpoint not in used]
    if not free:
        raise UserError("has no endpoint left for another node")
    used_zones = [node.availability_zone for node in nodes]
    zone = min(dict.fromkeys(zones), key=used_zones.count)
    named = [endpoint for endpoint in free if any(name.startswith(f"{member_id}.") for name in endpoint.names)]
    return replace(nodes[0], member_id=member_id, role="replica", availability_zone=zone, endpoint=(named or free)[0])
