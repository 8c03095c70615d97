"""The nodes of a shard that is added to a running cache."""

from tests.local.supervise.cache.caches import cluster

from cachetwin_local.supervise.cache.cluster.further_shards import further_nodes, next_shard_id
from cachetwin_local.topology.address_plan import hashed_address
from cachetwin_local.topology.values import ShardPattern

PATTERN = ShardPattern("project", "Shop/Cache", "per-endpoint", "{member}.cache.abc123.use1.cache.amazonaws.com")
NODES = cluster("127.0.0.1", 2, 1).nodes


def test_the_next_shard_has_the_lowest_number_that_is_free() -> None:
    assert next_shard_id(["0001", "0003"]) == "0002"
    assert next_shard_id(["0001", "0002"]) == "0003"


def test_nodes_are_named_as_the_others_and_listen_where_the_plan_would_put_them() -> None:
    nodes, spare = further_nodes(PATTERN, "0003", NODES, 2, [])
    assert [node.member_id for node in nodes] == ["cache-0003-001", "cache-0003-002"]
    assert [node.role for node in nodes] == ["primary", "replica"]
    assert nodes[0].endpoint.address == hashed_address("project", "Shop/Cache/0003-001")
    assert nodes[0].endpoint.names == ("cache-0003-001.cache.abc123.use1.cache.amazonaws.com",)
    assert len({nodes[0].availability_zone, nodes[1].availability_zone}) == 2
    assert len(spare) == 4


def test_where_one_address_is_shared_every_node_has_a_port_of_its_own() -> None:
    shared = ShardPattern("project", "Shop/Cache", "shared", PATTERN.host)
    nodes, spare = further_nodes(shared, "0003", NODES, 6, [])
    assert not spare
    assert len({node.endpoint.port for node in nodes}) == 6
    again, _ = further_nodes(shared, "0003", NODES, 6, [node.endpoint for node in nodes])
    assert not {node.endpoint.port for node in again} & {node.endpoint.port for node in nodes}
