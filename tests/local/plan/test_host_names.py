"""The AWS-shaped names of endpoints, and the addresses that they stand for."""

from tests.local.resources.templates import CACHE, one, plan_of

from cachetwin_local.topology.host_names import host_names


def test_each_name_has_the_address_of_its_endpoint_in_every_run() -> None:
    template = {
        "Cache": one(
            "ElastiCache::ReplicationGroup", **{**CACHE, "ReplicationGroupId": "orders", "NumCacheClusters": 2}
        ),
        "Store": one("ElastiCache::ServerlessCache", ServerlessCacheName="store", Engine="valkey"),
    }
    topology = plan_of(**template)
    names = host_names(topology)
    found = {name: address for address, name in names}
    (cache, store) = topology.replication_groups
    assert found[cache.endpoint.names[0]] == cache.endpoint.address
    assert found[store.endpoint.names[0]] == store.endpoint.address
    assert {node.endpoint.address for node in cache.nodes} <= {address for address, _name in names}
    assert any(name.startswith("orders-002.") for name in found)
    assert len(found) == len(names)
    assert host_names(plan_of(**template)) == names
