"""What CloudFormation does with a cache whose template has changed."""

from dataclasses import fields, replace

import pytest
from tests.local.supervise.cache.caches import cluster, replication_group

from cachetwin_local.supervise.cache.update import CacheUpdate, cache_update
from cachetwin_local.topology.values import Backup, ReplicationGroup

OLD = replication_group("127.0.0.9", 2)


def with_nodes(group: ReplicationGroup, **changes: object) -> ReplicationGroup:
    return replace(group, nodes=tuple(replace(node, **changes) for node in group.nodes))  # type: ignore[arg-type]


def test_nothing_is_done_for_what_nodes_do_not_know() -> None:
    new = replace(
        OLD, security_groups=("other",), multi_az=False, backup=Backup(retention_days=3, window="05:00-06:00")
    )
    assert cache_update(OLD, new) == CacheUpdate()
    assert cache_update(OLD, new).describe() == "update without interruption: settings"


def test_replicas_and_parameters_change_without_interruption() -> None:
    new = replace(replication_group("127.0.0.9", 4), parameters={**OLD.parameters, "timeout": "30"})
    update = cache_update(OLD, new)
    assert update == CacheUpdate(replicas=3, parameters=(("timeout", "30"),))
    assert update.describe() == "update without interruption: 3 replicas of each shard, timeout 30"


def test_a_node_type_or_version_brings_new_nodes_with_the_data() -> None:
    new = with_nodes(OLD, node_type="cache.r7g.large", maxmemory_bytes=1 << 30)
    assert cache_update(OLD, new).new_nodes == ("node type cache.r7g.large",)
    newer = replace(OLD, profile="valkey-9.0", engine_version="9.0")
    assert cache_update(OLD, newer).describe() == "update with some interruption: valkey 9.0; its data stays"


def test_every_property_of_a_cache_is_weighed() -> None:
    """A new field of the value needs a line in `cache_update`, and then here, unless it does not count as a change."""
    assert len([field for field in fields(ReplicationGroup) if field.compare]) == 24
    assert cache_update(OLD, replace(OLD, ecpu_per_second_max=1000)).new_nodes == ("ECPUPerSecond",)


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (replace(OLD, identity=replace(OLD.identity, physical_name="other")), "its name"),
        (replace(OLD, backup=Backup(seed=("a.rdb",))), "SnapshotArns"),
        (replace(OLD, cluster_mode="enabled"), "ClusterMode"),
        (replace(OLD, users=()), "UserGroupIds"),
        (replace(OLD, create_only={"KmsKeyId": '"key"'}), "KmsKeyId"),
        (replace(OLD, follows="West/Cache"), "GlobalReplicationGroupId"),
    ],
)
def test_what_cannot_be_changed_replaces_the_cache(new: ReplicationGroup, reason: str) -> None:
    update = cache_update(OLD, new)
    assert update.replacement == (reason,)
    assert update.describe() == f"replacement, for {reason} cannot be changed: its data is lost"


def test_shards_change_online_only_with_the_update_policy() -> None:
    two, three = cluster("127.0.0.9", 2, 1), cluster("127.0.0.9", 3, 1)
    assert cache_update(two, three).replacement == ("NodeGroupConfiguration",)
    assert cache_update(two, replace(three, online_resharding=True)) == CacheUpdate(shards=3)
