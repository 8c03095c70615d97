"""Documents that are no topology: what is wrong with them."""

from typing import Any

import pytest
from tests.engine.topologies import Document, node_id, shard_id, topology

from cachetwin_engine.server.cluster.topology import TopologyError, read_topology


def document() -> Document:
    return {**topology(shards=2), "me": node_id(1, 1)}


def test_everything_of_a_document_is_read() -> None:
    given = document()
    given["secret"] = "s"
    given["moves"] = [{"slots": [[0, 5], [9, 9]], "from": shard_id(1), "to": shard_id(2)}]
    given["shards"][0]["nodes"][0].update(tls=True, bus_port=1122, health="loading", offset=9)
    found = read_topology(given)
    node = found.shards[0].nodes[0]
    assert (node.tls, node.bus_port, node.health, node.offset, node.zone) == (True, 1122, "loading", 9, "zone-1")
    assert (node.hostname, node.ip, node.port, node.is_primary) == ("node-0001-001.example", "127.0.1.1", 7000, True)
    assert found.shards[1].ranges == [(8192, 16383)]
    assert found.moves[0].ranges == [(0, 5), (9, 9)]
    assert found.secret == b"s"


def _node(**fields: object) -> Document:
    given = document()
    given["shards"][0]["nodes"][1].update(fields)
    return given


def _shard(**fields: object) -> Document:
    given = document()
    given["shards"][0].update(fields)
    return given


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({**document(), "me": node_id(3, 1)}, "me must be the id of one of the nodes"),
        (_node(id=node_id(1, 1)), "each node must have an id of its own"),
        (_shard(id=shard_id(2)), "each shard must have an id of its own"),
        (_shard(slots=[[0, 9000]]), "a slot must be in one range of one shard, got 8192 twice"),
        (_shard(slots=[[5, 4]]), "shards[0].slots must be pairs of a first and a last slot, got [5, 4]"),
        (_shard(slots=[[0, 16384]]), "must be pairs of a first and a last slot"),
        (_shard(slots="all"), "shards[0].slots must be a list, got a str"),
        (_node(role="primary"), "shards[0].nodes may have one primary at most"),
        (_node(role="master"), "shards[0].nodes[1].role must be one of primary, replica, got 'master'"),
        (_node(health="dead"), "health must be one of online, loading, fail, got 'dead'"),
        (_node(port=70000), "shards[0].nodes[1].port must be at most 65535, got 70000"),
        (_node(port=True), "port must be a number from 0, got True"),
        (_node(tls="yes"), "tls must be true or false, got a str"),
        (_node(ip=None), "shards[0].nodes[1].ip must be a string, got a NoneType"),
        ({**document(), "moves": [{"slots": [], "from": shard_id(1), "to": shard_id(9)}]}, "from and to must be"),
    ],
)
def test_what_is_wrong_is_named(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(TopologyError) as problem:
        read_topology(given)
    assert complaint in str(problem.value)
