"""The page about security answers every rule about ElastiCache that the scanners are known to have."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
RULES = {
    "cdk-nag": [
        "AwsSolutions-AEC1", "AwsSolutions-AEC3", "AwsSolutions-AEC4", "AwsSolutions-AEC5", "AwsSolutions-AEC6",
        "HIPAA.Security", "NIST.800.53", "R4", "R5", "ElastiCacheRedisClusterAutomaticBackup",
    ],
    "checkov": [
        "CKV_AWS_29", "CKV_AWS_30", "CKV_AWS_31", "CKV_AWS_191", "CKV_AWS_134", "CKV_AWS_196", "CKV_AWS_322",
        "CKV_AWS_323", "CKV2_AWS_50", "CKV_AWS_23", "CKV2_AWS_5",
    ],
    "cfn-lint": ["E3026", "E3647", "E3695", "E3704", "I3100", "W1011", "E1027", "W3010"],
    "Security Hub": [f"ElastiCache.{number}" for number in range(1, 8)],
    "Config": [
        "elasticache-redis-cluster-automatic-backup-check", "elasticache-auto-minor-version-upgrade-check",
        "elasticache-repl-grp-auto-failover-enabled", "elasticache-repl-grp-encrypted-at-rest",
        "elasticache-repl-grp-encrypted-in-transit", "elasticache-repl-grp-redis-auth-enabled",
        "elasticache-subnet-group-check", "elasticache-rbac-auth-enabled", "elasticache-supported-engine-version",
        "elasticache-automatic-backup-check-enabled",
    ],
    "Guard": ["F25", "F33"],
    "Trivy": ["AWS-0045", "AWS-0049", "AWS-0050", "AWS-0051"],
    "Prowler": [
        "elasticache_cluster_uses_public_subnet", "auto_minor_version_upgrades", "automatic_failover_enabled",
        "backup_enabled", "in_transit_encryption_enabled", "multi_az_enabled", "rest_encryption_enabled",
        "redis_replication_group_auth_enabled",
    ],
    "KICS and Datadog": ["Nodes Not Created Across Multi AZ", "Using Default Port"],
    "Trusted Advisor": ["Trusted Advisor Multi-AZ", "Trusted Advisor automatic backup"],
    "operations review": [
        *(f"SEC-{number:02}" for number in range(1, 8)), "REL-01", "REL-02", "REL-03", "REL-04", "REL-04b", "REL-07",
        "OE-01", "OE-04", "OE-05", "OE-06a", "OE-06b", "COST-01", "COST-06", "COST-09", "COST-10",
    ],
    "Well-Architected lens": [*(f"SEC {number}" for number in range(1, 8)), *(f"REL {number}" for number in range(1, 6))],
}  # fmt: skip


@pytest.mark.parametrize("scanner", RULES)
def test_each_rule_of_a_scanner_is_answered(scanner: str) -> None:
    missing = [rule for rule in RULES[scanner] if not re.search(rf"(?<![\w.-]){re.escape(rule)}(?![\w-]*\d)", PAGE)]
    assert missing == []
