"""Regulated data: what the preset adds, and that cdk-nag's HIPAA and NIST packs find nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Template
from cdk_nag import HIPAASecurityChecks, NIST80053R4Checks, NIST80053R5Checks

from cachetwin_cdk import Compliance, ReplicationGroup, ValidationError

Properties = Callable[[str], dict[str, Any]]
GROUP = "AWS::ElastiCache::ReplicationGroup"
REGULATED: dict[str, Any] = {"compliance": Compliance.REGULATED}


def app_of(compliance: Compliance) -> cdk.App:
    """A cache in a network of somebody else's, under all three packs."""
    app = cdk.App(analytics_reporting=False)
    for pack in (HIPAASecurityChecks, NIST80053R4Checks, NIST80053R5Checks):
        cdk.Validations.of(app).add_plugins(pack(app))
    stack = cdk.Stack(app, "Records")
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-1",
        availability_zones=["a", "b"],
        isolated_subnet_ids=["subnet-1", "subnet-2"],
        isolated_subnet_route_table_ids=["rtb-1", "rtb-2"],
    )
    ReplicationGroup(stack, "Cache", vpc=vpc, compliance=compliance)
    return app


def test_the_preset_passes_hipaa_and_nist() -> None:
    app_of(Compliance.REGULATED).synth()


def test_the_packs_do_find_what_the_preset_cures() -> None:
    with pytest.raises(RuntimeError, match="ValidationFailed") as stopped:
        app_of(Compliance.STANDARD).synth()
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
    assert cache.user is None


def test_a_given_key_is_kept_and_longer_backups_too(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    key = kms.Key(stack, "Mine")
    ReplicationGroup(stack, "Cache", vpc=vpc, kms_key=key, snapshot_retention_days=30, **REGULATED)
    assert properties(GROUP)["KmsKeyId"] == stack.resolve(key.key_arn)
    assert properties(GROUP)["SnapshotRetentionLimit"] == 30


@pytest.mark.parametrize(
    ("props", "message"),
    [
        (
            {"snapshot_retention_days": 14},
            "snapshot_retention_days must be at least 15 with compliance REGULATED, got 14",
        ),
        ({"at_rest_encryption": False}, "at_rest_encryption must be True with compliance REGULATED"),
        ({"allow_unauthenticated": True}, "allow_unauthenticated must be False with compliance REGULATED, got True"),
    ],
)
def test_what_is_weaker_is_refused(stack: cdk.Stack, vpc: ec2.IVpc, props: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ReplicationGroup(stack, "Cache", vpc=vpc, **REGULATED, **props)
