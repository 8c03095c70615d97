"""A topology as a JSON document, as the supervisor sends it and as ``--cluster-topology`` reads it.

{
  "epoch": 7,                        # greater after each change; a node refuses one below what it has
  "me": "<40 hex>",                  # the id of the node that gets this copy
  "secret": "...",                   # optional: by which nodes know each other when they connect
  "shards": [
    {
      "id": "<40 hex>",
      "epoch": 3,                    # optional: greater after each change of its primary or slots; else 0
      "slots": [[0, 5460], [9000, 9000]],
      "nodes": [                     # at most one primary
        {
          "id": "<40 hex>", "role": "primary" | "replica",
          "ip": "127.0.1.7", "port": 6379,
          "host": "shop-0001-001.example",   # optional, like all that follows
          "tls": true,               # clients and other nodes connect over TLS; else false
          "bus_port": 1122,          # as CLUSTER NODES shows it; else the port and 10000
          "zone": "eu-central-1a",
          "health": "online" | "loading" | "fail",
          "offset": 1234             # of the replication stream, for CLUSTER SHARDS
        }
      ]
    }
  ],
  "moves": [                         # optional: slots on their way, which their source still owns
    {"slots": [[0, 99]], "from": "<shard id>", "to": "<shard id>"}
  ]
}
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cachetwin_engine.core.cluster.topology import HEALTH, SlotMove, Topology, TopologyNode, TopologyShard
from cachetwin_engine.core.keyspace.slots import SLOT_COUNT

_ID_DIGITS: Final = 40
_HEX: Final = frozenset("0123456789abcdef")
_ROLES: Final = ("primary", "replica")
_PORT_MAX: Final = 65535


class TopologyError(Exception):
    """A document that is no topology; the message names the field and what it must be."""


def read_topology(document: object) -> Topology:
    """The topology that a JSON document describes. Raises TopologyError."""
    fields = _object(document, "a topology")
    topology = Topology(_number(fields, "epoch", ""), _id(fields, "me", ""))
    topology.secret = _text(fields, "secret", "", "").encode()
    for at, item in enumerate(_list(fields, "shards", "")):
        topology.shards.append(_shard(item, f"shards[{at}]."))
    for at, item in enumerate(_list(fields, "moves", "", [])):
        where = f"moves[{at}]."
        move = _object(item, where)
        topology.moves.append(SlotMove(_ranges(move, where), _id(move, "from", where), _id(move, "to", where)))
    _check(topology)
    return topology


def read_topology_file(path: str) -> Topology:
    """The topology in a file. Raises TopologyError."""
    try:
        return read_topology(json.loads(Path(path).read_bytes()))
    except OSError as error:
        raise TopologyError(f"cannot read {path!r}: {(error.strerror or str(error)).lower()}") from None
    except ValueError as error:
        raise TopologyError(f"{path!r} must be one JSON object: {error}") from None


def _check(topology: Topology) -> None:
    """What the parts say of each other."""
    nodes = [node.id for shard in topology.shards for node in shard.nodes]
    shards = [shard.id for shard in topology.shards]
    for kind, ids in (("node", nodes), ("shard", shards)):
        if len(set(ids)) != len(ids):
            raise TopologyError(f"each {kind} must have an id of its own, got the same twice")
    if topology.me not in nodes:
        raise TopologyError(f"me must be the id of one of the nodes, got {topology.me.decode()!r}")
    seen: set[int] = set()
    for shard in topology.shards:
        for slot in _slots(shard.ranges):
            if slot in seen:
                raise TopologyError(f"a slot must be in one range of one shard, got {slot} twice")
            seen.add(slot)
    for move in topology.moves:
        if move.source not in shards or move.target not in shards or move.source == move.target:
            raise TopologyError("moves: from and to must be the ids of two shards")


def _slots(ranges: list[tuple[int, int]]) -> Iterator[int]:
    for first, last in ranges:
        yield from range(first, last + 1)


def _shard(item: object, where: str) -> TopologyShard:
    fields = _object(item, where)
    shard = TopologyShard(_id(fields, "id", where))
    shard.epoch = _number(fields, "epoch", where, 0)
    shard.ranges = _ranges(fields, where)
    for at, node in enumerate(_list(fields, "nodes", where)):
        shard.nodes.append(_node(node, f"{where}nodes[{at}]."))
    if sum(node.is_primary for node in shard.nodes) > 1:
        raise TopologyError(f"{where}nodes may have one primary at most")
    return shard


def _node(item: object, where: str) -> TopologyNode:
    fields = _object(item, where)
    node = TopologyNode(_id(fields, "id", where), _text(fields, "ip", where), _number(fields, "port", where))
    if node.port > _PORT_MAX:
        raise TopologyError(f"{where}port must be at most {_PORT_MAX}, got {node.port}")
    node.is_primary = _choice(fields, "role", where, _ROLES, None) == "primary"
    node.hostname = _text(fields, "host", where, "")
    node.tls = _flag(fields, "tls", where)
    node.bus_port = _number(fields, "bus_port", where, 0)
    node.zone = _text(fields, "zone", where, "")
    node.health = _choice(fields, "health", where, HEALTH, HEALTH[0])
    node.offset = _number(fields, "offset", where, 0)
    return node


def _object(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TopologyError(f"{where.removesuffix('.')} must be an object, got a {type(value).__name__}")
    return value


def _list(fields: dict[str, object], name: str, where: str, default: list[object] | None = None) -> list[object]:
    value = fields.get(name, default)
    if not isinstance(value, list):
        raise TopologyError(f"{where}{name} must be a list, got a {type(value).__name__}")
    return value


def _text(fields: dict[str, object], name: str, where: str, default: str | None = None) -> str:
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise TopologyError(f"{where}{name} must be a string, got a {type(value).__name__}")
    return value


def _flag(fields: dict[str, object], name: str, where: str) -> bool:
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise TopologyError(f"{where}{name} must be true or false, got a {type(value).__name__}")
    return value


def _number(fields: dict[str, object], name: str, where: str, default: int | None = None) -> int:
    value = fields.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TopologyError(f"{where}{name} must be a number from 0, got {value!r}")
    return value


def _id(fields: dict[str, object], name: str, where: str) -> bytes:
    value = _text(fields, name, where)
    if len(value) != _ID_DIGITS or not _HEX.issuperset(value):
        raise TopologyError(f"{where}{name} must be 40 hexadecimal digits, got {value!r}")
    return value.encode()


def _choice(fields: dict[str, object], name: str, where: str, allowed: tuple[str, ...], default: str | None) -> str:
    value = fields.get(name, default)
    if value not in allowed:
        raise TopologyError(f"{where}{name} must be one of {', '.join(allowed)}, got {value!r}")
    return value


def _ranges(fields: dict[str, object], where: str) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for item in _list(fields, "slots", where):
        match item:
            case [int(first), int(last)] if 0 <= first <= last < SLOT_COUNT:
                ranges.append((first, last))
            case _:
                raise TopologyError(f"{where}slots must be pairs of a first and a last slot, got {item!r}")
    return ranges
