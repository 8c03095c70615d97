"""Topology documents, as a supervisor sends them."""

from typing import Any

from tests.engine.in_process import Run

from cachetwin_engine.core.admin.topology import adopt_topology
from cachetwin_engine.core.keyspace.slots import SLOT_COUNT
from cachetwin_engine.server.cluster.topology import read_topology

Document = dict[str, Any]


def shard_id(number: int) -> str:
    """The id of a shard, from 1 on."""
    return f"{number:040x}"


def node_id(shard: int, number: int) -> str:
    """The id of a node of a shard; 1 is its first primary."""
    return f"{shard:020x}{number:020x}"


def spread(count: int) -> list[list[int]]:
    """All slots in ``count`` ranges of about the same size."""
    bounds = [round(at * SLOT_COUNT / count) for at in range(count + 1)]
    return [[bounds[at], bounds[at + 1] - 1] for at in range(count)]


def topology(shards: int = 3, replicas: int = 1, epoch: int = 1) -> Document:
    """A cluster of ``shards`` with ``replicas`` each, which listen on 127.0.SHARD.NODE:7000. ``me`` is still missing."""
    found = []
    for number, slots in enumerate(spread(shards), 1):
        nodes = [
            {
                "id": node_id(number, at),
                "role": "primary" if at == 1 else "replica",
                "host": f"node-{number:04}-{at:03}.example",
                "ip": f"127.0.{number}.{at}",
                "port": 7000,
                "zone": f"zone-{at}",
            }
            for at in range(1, replicas + 2)
        ]
        found.append({"id": shard_id(number), "epoch": number, "slots": [slots], "nodes": nodes})
    return {"epoch": epoch, "shards": found}


def adopt(run: Run, document: Document, me: str) -> None:
    """Make ``document`` the topology of an engine in this process."""
    adopt_topology(run.engine, read_topology({**document, "me": me}))
