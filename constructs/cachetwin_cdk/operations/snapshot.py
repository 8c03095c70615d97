"""Snapshots of caches as resources: taken when the stack is deployed, kept until they are removed from it."""

import aws_cdk as cdk
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_kms as kms
from constructs import Construct

from cachetwin_cdk.checks._claims import claim_name
from cachetwin_cdk.checks._names import SNAPSHOT_NAME_LENGTH_MAX, generated_id, require_id
from cachetwin_cdk.checks._places import require_region
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.engine._regions import warn_of_missing_type
from cachetwin_cdk.replication_group._base import IReplicationGroup
from cachetwin_cdk.serverless._base import IServerlessCache


@checked_arguments
class CacheSnapshot(Construct):
    """A snapshot of a replication group or a serverless cache, taken when the stack is deployed.

    Defines one AWS::ElastiCache::Snapshot or AWS::ElastiCache::ServerlessCacheSnapshot. Give ``snapshot_name`` to a
    ReplicationGroup, or ``snapshot_arn`` to a ServerlessCache as ``snapshot_arns_to_restore``, to start from it.

    Args:
        cache: The cache. Changing it replaces the snapshot.
        snapshot_name: The name of the snapshot. By default it is derived from the path of the construct and
            the id of the cache. Changing it takes a new snapshot.
        kms_key: The KMS key of the snapshot. By default that of the cache. Changing it replaces the snapshot.
        removal_policy: What happens to the snapshot when it is removed from the stack. By default it is kept.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cache: IReplicationGroup | IServerlessCache,
        snapshot_name: str | None = None,
        kms_key: kms.IKey | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        require_id("snapshot_name", snapshot_name, length_max=SNAPSHOT_NAME_LENGTH_MAX)
        require_region("kms_key", scope, kms_key)
        super().__init__(scope, construct_id)
        claim_name("snapshot_name", self, "snapshot", snapshot_name)
        key_id = kms_key.key_arn if kms_key is not None else None
        name = snapshot_name or _generated_name(self, cache, key_id)
        resource: elasticache.CfnServerlessCacheSnapshot | elasticache.CfnSnapshot
        if isinstance(cache, IServerlessCache):
            resource = elasticache.CfnServerlessCacheSnapshot(
                self,
                "Resource",
                serverless_cache_name=cache.serverless_cache_name,
                serverless_cache_snapshot_name=name,
                kms_key_id=key_id,
            )
        else:
            resource = elasticache.CfnSnapshot(
                self,
                "Resource",
                replication_group_id=cache.replication_group_id,
                snapshot_name=name,
                kms_key_id=key_id,
            )
        resource.apply_removal_policy(removal_policy)
        warn_of_missing_type(self, resource.cfn_resource_type, "snapshots as resources")
        self.snapshot_name = name
        """The name, which ``RestoreFrom.snapshot(...)`` restores."""
        self.snapshot_arn = resource.attr_arn
        """The ARN, which ``RestoreFrom.arns([...])`` restores."""


def _generated_name(scope: Construct, cache: IReplicationGroup | IServerlessCache, key_id: str | None) -> str:
    """A name that changes with the cache and the key, since a change of either takes a new snapshot beside the old one.

    It holds the id of the cache, which CloudFormation knows where it makes the id.
    """
    cache_id = cache.serverless_cache_name if isinstance(cache, IServerlessCache) else cache.replication_group_id
    return f"{generated_id(scope, key_id)}-{cache_id}"
