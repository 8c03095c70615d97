"""Where a cache's first data come from, and events' topics that ElastiCache would ignore."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from cachetwin_cdk import (
    Maintenance,
    MemcachedCluster,
    ReplicationGroup,
    RestoreFrom,
    ServerlessCache,
    ValidationError,
)

Properties = Callable[[str], dict[str, Any]]
FILE = "arn:aws:s3:::backups/orders.rdb"


def test_a_cache_starts_from_a_snapshot_or_from_files(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc, restore=RestoreFrom.snapshot("before-launch"))
    assert properties("AWS::ElastiCache::ReplicationGroup")["SnapshotName"] == "before-launch"


def test_files_in_s3_are_named_one_by_one(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc, restore=RestoreFrom.arns([FILE]))
    assert properties("AWS::ElastiCache::ReplicationGroup")["SnapshotArns"] == [FILE]


@pytest.mark.parametrize(
    ("props", "message"),
    [
        (
            lambda: {"restore": RestoreFrom(snapshot_name="a", source_arns=[FILE])},
            "restore must name a snapshot or ARNs",
        ),
        (lambda: {"restore": RestoreFrom()}, "restore must name a snapshot or ARNs, got both or neither"),
        (
            lambda: {"restore": RestoreFrom.arns(["arn:aws:s3:::b/a,b.rdb"])},
            "arns must name RDB files in S3, without a comma",
        ),
        (lambda: {"restore": RestoreFrom.arns(["s3://b/a.rdb"])}, "arns must name RDB files in S3"),
    ],
)
def test_a_source_that_cannot_be_read_is_refused(
    stack: cdk.Stack, vpc: ec2.IVpc, props: Callable[[], dict[str, Any]], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        ReplicationGroup(stack, "Cache", vpc=vpc, **props())


def test_a_serverless_cache_takes_snapshots_and_files(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(ValidationError, match="arns must name snapshots of ElastiCache"):
        ServerlessCache(stack, "Wrong", vpc=vpc, restore=RestoreFrom.arns(["before-launch"]))
    snapshot = "arn:aws:elasticache:eu-west-1:111122223333:serverlesscachesnapshot:before-launch"
    ServerlessCache(stack, "Right", vpc=vpc, restore=RestoreFrom.arns([snapshot]))


def test_an_encrypted_topic_would_hear_nothing(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    deaf = sns.Topic(stack, "Deaf", master_key=kms.Key(stack, "Key"))
    message = "notification_topic must not be encrypted, or ElastiCache takes it for inactive, got 'Shop/Deaf'"
    with pytest.raises(ValidationError, match=message):
        ReplicationGroup(stack, "Cache", vpc=vpc, maintenance=Maintenance(notification_topic=deaf))
    with pytest.raises(ValidationError, match=message):
        MemcachedCluster(stack, "Pages", vpc=vpc, maintenance=Maintenance(notification_topic=deaf))
    ReplicationGroup(stack, "Hearing", vpc=vpc, maintenance=Maintenance(notification_topic=sns.Topic(stack, "Topic")))
