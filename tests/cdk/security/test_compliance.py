"""Regulated data: what the preset adds, and that cdk-nag's HIPAA and NIST packs find nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R4Checks, NIST80053R5Checks

from cachetwin_cdk import (
    Access,
    AccessString,
    AuthToken,
    AuthTokenRotation,
    Backups,
    CacheAlarms,
    CacheDashboard,
    CacheRecord,
    Compliance,
    ConnectionType,
    ControlPlaneEndpoint,
    Encryption,
    GlobalDatastore,
    IamUser,
    MemcachedCluster,
    NodeType,
    PasswordUser,
    ReplicaScaling,
    ReplicationGroup,
    SecondaryReplicationGroup,
    ServerlessCache,
    ServerlessEngine,
    ShardScaling,
    Topology,
    UserGroup,
    UserPasswordRotation,
    ValidationError,
)

Properties = Callable[[str], dict[str, Any]]
Warnings = Callable[[], list[str]]
GROUP = "AWS::ElastiCache::ReplicationGroup"
REGULATED: dict[str, Any] = {"compliance": Compliance.REGULATED}


def app_under(*packs: Callable[[cdk.App], Any]) -> tuple[cdk.Stack, ec2.IVpc]:
    """An app that these packs check, and a network of somebody else's in it."""
    app = cdk.App(analytics_reporting=False)
    for pack in packs:
        cdk.Validations.of(app).add_plugins(pack(app))
    stack = cdk.Stack(app, "Records")
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=["a", "b"],
        isolated_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        isolated_subnet_route_table_ids=["rtb-0123456789abcdef0", "rtb-0123456789abcdef1"],
    )
    return stack, vpc


REGULATED_PACKS = (AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R4Checks, NIST80053R5Checks)
CLUSTER: dict[str, Any] = {"node_type": NodeType.M7G_LARGE, "topology": Topology.cluster()}


def a_cluster_that_scales(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, **CLUSTER, **REGULATED)
    ShardScaling(stack, "Shards", cache=cache, max_capacity=4).scale_on_memory("Memory")
    ReplicaScaling(stack, "Replicas", cache=cache).scale_on_engine_cpu("Cpu")
    topic = sns.Topic(stack, "OnCall", master_key=kms.Key(stack, "Key", enable_key_rotation=True), enforce_ssl=True)
    alarms = CacheAlarms(stack, "Alarms", cache=cache, topic=topic)
    CacheDashboard(stack, "Dashboard", caches=[cache], alarms=[alarms])


def a_serverless_cache(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    ServerlessCache(stack, "Cache", vpc=vpc, **REGULATED)


def memcached(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    MemcachedCluster(stack, "Cache", vpc=vpc, **REGULATED)


def a_global_datastore(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    primary = ReplicationGroup(stack, "Primary", vpc=vpc, node_type=NodeType.M7G_LARGE, **REGULATED)
    GlobalDatastore(stack, "Global", primary=primary)
    elsewhere = GlobalDatastore.from_global_replication_group_attributes(
        stack, "Elsewhere", global_replication_group_id="orders", **REGULATED
    )
    user = IamUser(stack, "User", access_string=AccessString.read_only())
    group = UserGroup(stack, "Users", users=[user])
    SecondaryReplicationGroup(stack, "Secondary", vpc=vpc, global_datastore=elsewhere, access=Access.user_group(group))


def a_password_that_rotates(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    user = PasswordUser(stack, "User", access_string=AccessString.application(), secret_encryption_key=key)
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, access=Access.users(user), **REGULATED)
    api = ControlPlaneEndpoint(stack, "Api", vpc=vpc)
    UserPasswordRotation(stack, "Rotation", user=user, cache=cache, vpc=vpc, control_plane=api, encryption_key=key)


def a_token_that_rotates(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    token = AuthToken.generate(stack, "Token", encryption_key=key)
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, access=Access.auth_token(token), **REGULATED)
    AuthTokenRotation(stack, "Rotation", cache=cache, vpc=vpc, encryption_key=key)


def a_name(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    zone = route53.PrivateHostedZone(stack, "Zone", vpc=vpc, zone_name="shop.internal")
    CacheRecord(
        stack, "Name", cache=ServerlessCache(stack, "Cache", vpc=vpc, **REGULATED), zone=zone, record_name="orders"
    )


@pytest.mark.parametrize(
    "make",
    [
        a_cluster_that_scales, a_serverless_cache, memcached, a_global_datastore, a_password_that_rotates,
        a_token_that_rotates, a_name,
    ],
)  # fmt: skip
def test_every_construct_passes_hipaa_and_nist_under_the_preset(make: Callable[[cdk.Stack, ec2.IVpc], None]) -> None:
    stack, vpc = app_under(*REGULATED_PACKS)
    make(stack, vpc)
    cdk.App.of(stack).synth()  # type: ignore[union-attr]  # App.of is typed as any construct


def test_the_packs_do_find_what_the_preset_cures() -> None:
    stack, vpc = app_under(*REGULATED_PACKS)
    ReplicationGroup(stack, "Cache", vpc=vpc)
    with pytest.raises(RuntimeError, match="ValidationFailed") as stopped:
        cdk.App.of(stack).synth()  # type: ignore[union-attr]  # App.of is typed as any construct
    report = Path(str(stopped.value).rsplit(": ", 1)[-1]).read_text()
    for pack in ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5"):
        assert f"{pack}-ElastiCacheRedisClusterAutomaticBackup" in report


def test_backups_are_kept_longer_and_one_rotating_key_encrypts(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties
) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc, **REGULATED)
    group = properties(GROUP)
    assert group["SnapshotRetentionLimit"] == 15
    assert properties("AWS::KMS::Key")["EnableKeyRotation"] is True
    logs = Template.from_stack(stack).find_resources("AWS::Logs::LogGroup").values()
    assert {str(log["Properties"]["KmsKeyId"]) for log in logs} == {str(group["KmsKeyId"])}


def test_no_secret_exists_because_the_user_logs_in_with_iam(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties
) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, **REGULATED)
    assert properties("AWS::ElastiCache::User")["AuthenticationMode"] == {"Type": "iam"}
    Template.from_stack(stack).resource_count_is("AWS::SecretsManager::Secret", 0)
    with pytest.raises(ValidationError, match="user must be asked of a cache that made one"):
        cache.user  # noqa: B018  (asking raises)


def test_a_given_key_is_kept_and_longer_backups_too(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    key = kms.Key(stack, "Mine")
    ReplicationGroup(
        stack,
        "Cache",
        vpc=vpc,
        encryption=Encryption(kms_key=key),
        backups=Backups.daily(retention_days=30),
        **REGULATED,
    )
    assert properties(GROUP)["KmsKeyId"] == stack.resolve(key.key_arn)
    assert properties(GROUP)["SnapshotRetentionLimit"] == 30


@pytest.mark.parametrize(
    ("props", "message"),
    [
        (
            lambda: {"backups": Backups.daily(retention_days=14)},
            "retention_days must be at least 15 with compliance REGULATED, got 14",
        ),
        (
            lambda: {"encryption": Encryption(at_rest=False)},
            "encryption must be required in transit and on at rest with compliance REGULATED",
        ),
        (
            lambda: {"access": Access.unauthenticated()},
            "access must not be unauthenticated with compliance REGULATED",
        ),
    ],
)
def test_what_is_weaker_is_refused(
    stack: cdk.Stack, vpc: ec2.IVpc, props: Callable[[], dict[str, Any]], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        ReplicationGroup(stack, "Cache", vpc=vpc, **REGULATED, **props())


def test_retention_that_is_a_token_is_taken_at_its_word(stack: cdk.Stack, vpc: ec2.IVpc, any_number: float) -> None:
    days: Any = any_number
    ReplicationGroup(stack, "Cache", vpc=vpc, backups=Backups.daily(retention_days=days), **REGULATED)
    ServerlessCache(stack, "Serverless", vpc=vpc, backups=Backups.daily(retention_days=days), **REGULATED)


def test_a_serverless_cache_keeps_backups_longer_under_a_key_of_its_own_and_has_no_secret(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties
) -> None:
    cache = ServerlessCache(stack, "Cache", vpc=vpc, **REGULATED)
    found = properties("AWS::ElastiCache::ServerlessCache")
    (key,) = Template.from_stack(stack).find_resources("AWS::KMS::Key")
    assert (found["SnapshotRetentionLimit"], found["KmsKeyId"]) == (15, {"Fn::GetAtt": [key, "Arn"]})
    assert properties("AWS::KMS::Key")["EnableKeyRotation"] is True
    assert properties("AWS::ElastiCache::User")["AuthenticationMode"] == {"Type": "iam"}
    with pytest.raises(ValidationError, match="user must be asked of a cache that made one"):
        cache.user  # noqa: B018  (asking raises)


@pytest.mark.parametrize(
    ("props", "message"),
    [
        (
            lambda: {"backups": Backups.daily(retention_days=14)},
            "retention_days must be at least 15 with compliance REGULATED",
        ),
        (
            lambda: {"connection_type": ConnectionType.PUBLIC, "vpc": None, "engine": ServerlessEngine.VALKEY_9},
            "connection_type must be VPC with compliance REGULATED, got 'public'",
        ),
    ],
)
def test_a_weaker_serverless_cache_is_refused(
    stack: cdk.Stack, vpc: ec2.IVpc, props: Callable[[], dict[str, Any]], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        ServerlessCache(stack, "Cache", **{"vpc": vpc, **REGULATED, **props()})


def test_memcached_says_what_it_cannot_satisfy(stack: cdk.Stack, vpc: ec2.IVpc, warnings: Warnings) -> None:
    MemcachedCluster(stack, "Nodes", vpc=vpc, **REGULATED)
    ServerlessCache(stack, "Serverless", vpc=vpc, engine=ServerlessEngine.MEMCACHED_1_6, **REGULATED)
    assert warnings() == ["cachetwin:compliance-unmet"] * 2


def test_what_satisfies_it_all_is_not_warned_of(stack: cdk.Stack, vpc: ec2.IVpc, warnings: Warnings) -> None:
    MemcachedCluster(stack, "Nodes", vpc=vpc)
    ServerlessCache(stack, "Serverless", vpc=vpc, **REGULATED)
    assert warnings() == []


def test_memcached_keeps_tls(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(ValidationError, match="transit_encryption must be True with compliance REGULATED, got False"):
        MemcachedCluster(stack, "Nodes", vpc=vpc, transit_encryption=False, **REGULATED)


def test_a_global_datastore_answers_to_its_primary_s_rules(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    lax = ReplicationGroup(stack, "Lax", vpc=vpc, node_type=NodeType.M7G_LARGE)
    strict = ReplicationGroup(stack, "Strict", vpc=vpc, node_type=NodeType.M7G_LARGE, **REGULATED)
    with pytest.raises(ValidationError, match=r"primary must be made with compliance REGULATED .*, got 'standard'"):
        GlobalDatastore(stack, "Refused", primary=lax, **REGULATED)
    assert GlobalDatastore(stack, "Lenient", primary=lax).compliance is Compliance.STANDARD
    assert GlobalDatastore(stack, "Global", primary=strict).compliance is Compliance.REGULATED


def test_a_secondary_follows_with_a_key_of_its_region_and_users_that_are_given(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties
) -> None:
    datastore = GlobalDatastore.from_global_replication_group_attributes(
        stack, "Global", global_replication_group_id="orders", **REGULATED
    )
    with pytest.raises(ValidationError, match="access must be users with compliance REGULATED, got 'None'"):
        SecondaryReplicationGroup(stack, "Open", vpc=vpc, global_datastore=datastore)
    group = UserGroup(stack, "Users", users=[IamUser(stack, "User", access_string=AccessString.read_only())])
    SecondaryReplicationGroup(stack, "Cache", vpc=vpc, global_datastore=datastore, access=Access.user_group(group))
    assert properties("AWS::KMS::Key")["EnableKeyRotation"] is True
    logs = Template.from_stack(stack).find_resources("AWS::Logs::LogGroup").values()
    assert {str(log["Properties"]["KmsKeyId"]) for log in logs} == {str(properties(GROUP)["KmsKeyId"])}
