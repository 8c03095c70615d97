"""The checks of security_audit.py of AWS's ElastiCache skill, on the templates of the simplest caches.

docs/security.md has the table of all its checks.
"""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from cachetwin_cdk import ReplicationGroup, ServerlessCache, UsageLimits

Check = Callable[[dict[str, Any]], bool]
GROUP, SERVERLESS = "AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::ServerlessCache"
OF_NODES: dict[str, Check] = {
    "TLS in-transit encryption": lambda found: found["TransitEncryptionEnabled"] is True,
    "Encryption at rest": lambda found: found["AtRestEncryptionEnabled"] is True,
    "Authentication": lambda found: len(found["UserGroupIds"]) == 1 and "AuthToken" not in found,
    "Multi-AZ": lambda found: found["MultiAZEnabled"] is True,
    "Automatic failover": lambda found: found["AutomaticFailoverEnabled"] is True,
    "Automatic backups": lambda found: found["SnapshotRetentionLimit"] >= 7,
}
OF_SERVERLESS: dict[str, Check] = {
    "Authentication": lambda found: "UserGroupId" in found,
    "Automatic backups": lambda found: found["SnapshotRetentionLimit"] >= 1,
    "Data storage limit": lambda found: "Maximum" in found["CacheUsageLimits"]["DataStorage"],
    "ECPU limit": lambda found: "Maximum" in found["CacheUsageLimits"]["ECPUPerSecond"],
}


@pytest.mark.parametrize("check", OF_NODES)
def test_the_simplest_group_passes(stack: cdk.Stack, vpc: ec2.IVpc, check: str) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc)
    (resource,) = Template.from_stack(stack).find_resources(GROUP).values()
    assert OF_NODES[check](resource["Properties"])


@pytest.mark.parametrize("check", OF_SERVERLESS)
def test_a_serverless_cache_with_limits_passes(stack: cdk.Stack, vpc: ec2.IVpc, check: str) -> None:
    limits = UsageLimits(data_storage_gb_max=10, ecpu_per_second_max=5000)
    ServerlessCache(stack, "Cache", vpc=vpc, usage_limits=limits)
    (resource,) = Template.from_stack(stack).find_resources(SERVERLESS).values()
    assert OF_SERVERLESS[check](resource["Properties"])


@pytest.mark.parametrize("kind", [ReplicationGroup, ServerlessCache])
def test_its_security_group_admits_nobody(stack: cdk.Stack, vpc: ec2.IVpc, kind: Any) -> None:  # noqa: ANN401  (a class)
    kind(stack, "Cache", vpc=vpc)
    groups = Template.from_stack(stack).find_resources("AWS::EC2::SecurityGroup").values()
    assert [group["Properties"].get("SecurityGroupIngress") for group in groups] == [None]
