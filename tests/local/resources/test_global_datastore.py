"""AWS::ElastiCache::GlobalReplicationGroup: who follows whom, and what a secondary takes from its primary."""

import pytest
from tests.local.resources.templates import CACHE, one, plan_of, status

from cachetwin_local.assembly.template import Assembly, Json, Resource, Stack
from cachetwin_local.plan.choice import Choice
from cachetwin_local.plan.planner import plan
from cachetwin_local.topology.values import Topology

PRIMARY: dict[str, Json] = {
    "ReplicationGroupDescription": "primary",
    "Engine": "valkey",
    "EngineVersion": "8.1",
    "CacheNodeType": "cache.m7g.large",
    "TransitEncryptionEnabled": True,
}
MEMBERS: Json = [{"ReplicationGroupId": {"Ref": "Cache"}, "ReplicationGroupRegion": "us-west-1", "Role": "PRIMARY"}]


def secondary(global_id: Json, **properties: Json) -> Json:
    return one(
        "ElastiCache::ReplicationGroup",
        ReplicationGroupDescription="secondary",
        GlobalReplicationGroupId=global_id,
        **properties,
    )


def regions(there: dict[str, Json], here: dict[str, Json], choice: Choice | None = None) -> Topology:
    stacks = {
        name: Stack(name, name, region, "111111111111", (), _resources(name, resources))
        for name, region, resources in (("West", "us-west-1", there), ("East", "us-east-1", here))
    }
    return plan(Assembly(stacks, {}, {}), choice=choice)


def _resources(stack: str, resources: dict[str, Json]) -> dict[str, Resource]:
    found = {}
    for name, body in resources.items():
        assert isinstance(body, dict)
        properties = body.get("Properties")
        assert isinstance(properties, dict)
        found[name] = Resource(stack, name, str(body["Type"]), properties, f"{stack}/{name}", None, ())
    return found


def datastore(**properties: Json) -> Json:
    suffix = {"GlobalReplicationGroupIdSuffix": "catalogue"}
    return one("ElastiCache::GlobalReplicationGroup", Members=MEMBERS, **suffix, **properties)


@pytest.mark.parametrize("global_id", ["dsdfu-catalogue", "xxxxx-catalogue"])
def test_a_secondary_is_like_its_primary(global_id: str) -> None:
    there = {"Cache": one("ElastiCache::ReplicationGroup", **PRIMARY, NumCacheClusters=3), "Global": datastore()}
    topology = regions(there, {"Copy": secondary(global_id, NumCacheClusters=2)})
    primary, copy = topology.replication_groups
    assert (primary.follows, copy.follows) == ("", "West/Cache")
    assert (copy.profile, copy.nodes[0].node_type, len(copy.nodes)) == ("valkey-8.1", "cache.m7g.large", 2)
    assert (copy.endpoint.tls, copy.nodes[0].availability_zone) == ("required", "us-east-1a")
    (found,) = topology.global_datastores
    assert found.identity.physical_name == "dsdfu-catalogue"
    assert [(member.group, member.region) for member in found.members] == [
        ("West/Cache", "us-west-1"),
        ("East/Copy", "us-east-1"),
    ]
    assert status(topology, "Global") == (
        "twinned",
        "West/Cache in us-west-1 is written; East/Copy in us-east-1 follows",
    )


def test_shards_are_the_primarys_and_changes_of_the_datastore_count_in_all_regions() -> None:
    slots = [{"Slots": "0-999"}, {"Slots": "1000-16383"}]
    shards: dict[str, Json] = {"NumNodeGroups": 2, "NodeGroupConfiguration": slots, "AutomaticFailoverEnabled": True}
    there = {"Cache": one("ElastiCache::ReplicationGroup", **PRIMARY, **shards), "Global": datastore()}
    topology = regions(there, {"Copy": secondary("dsdfu-catalogue", ReplicasPerNodeGroup=1)})
    primary, copy = topology.replication_groups
    assert [group.slots for group in copy.node_groups] == [((0, 999),), ((1000, 16383),)]
    assert (len(primary.nodes), len(copy.nodes), copy.cluster_mode) == (2, 4, "enabled")

    there["Global"] = datastore(GlobalNodeGroupCount=3, CacheNodeType="cache.m7g.xlarge")
    topology = regions(there, {"Copy": secondary("dsdfu-catalogue")})
    assert [len(group.node_groups) for group in topology.replication_groups] == [3, 3]
    assert {node.node_type for group in topology.replication_groups for node in group.nodes} == {"cache.m7g.xlarge"}


def test_a_secondary_without_its_primary_is_said() -> None:
    copy = one("ElastiCache::ReplicationGroup", **{**CACHE, "GlobalReplicationGroupId": "dsdfu-catalogue"})
    topology = plan_of(Copy=copy)
    assert topology.replication_groups == ()
    assert "choose the stack of its primary too" in status(topology, "Copy")[1]


def test_only_a_secondary_takes_its_primary_with_it() -> None:
    there = {"Cache": one("ElastiCache::ReplicationGroup", **PRIMARY), "Global": datastore()}
    here = {"Copy": secondary("dsdfu-catalogue")}
    topology = regions(there, here, choice=Choice(only=("East/Copy",)))
    assert [group.identity.key for group in topology.replication_groups] == ["West/Cache", "East/Copy"]
    topology = regions(there, here, choice=Choice(without=("West/Cache",)))
    assert [problem.message for problem in topology.problems] == [
        "follows West/Cache, which is left out: it stays empty"
    ]


def test_references_of_cdk_between_regions_are_resolved() -> None:
    name = "/cdk/exports/East/GlobalId"
    there = {
        "Cache": one("ElastiCache::ReplicationGroup", **PRIMARY),
        "Global": datastore(),
        "Writer": {
            "Type": "Custom::CrossRegionExportWriter",
            "Properties": {"WriterProps": {"exports": {name: {"Fn::GetAtt": ["Global", "GlobalReplicationGroupId"]}}}},
        },
    }
    here = {
        "Reader": {
            "Type": "Custom::CrossRegionExportReader",
            "Properties": {"ReaderProps": {"imports": {name: "{{resolve:ssm:" + name + "}}"}}},
        },
        "Copy": secondary({"Fn::GetAtt": ["Reader", name]}),
    }
    topology = regions(there, here)
    assert [group.follows for group in topology.replication_groups] == ["", "West/Cache"]
    assert topology.missing == ()
    assert topology.global_datastores[0].members[1].group == "East/Copy"
