"""What rules for regulated data require of a cache beyond the defaults."""

from enum import StrEnum

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from constructs import Construct

from .checks._validate import ValidationError, WarningId, known, refuse, warn
from .engine.engine_version import EngineVersion
from .monitoring.log_delivery import log_key

_RETENTION_DAYS = {"standard": 7, "regulated": 15}


class Compliance(StrEnum):
    """The rules that a cache follows."""

    STANDARD = "standard"
    """AWS Foundational Security Best Practices and the AwsSolutions pack of cdk-nag."""
    REGULATED = "regulated"
    """HIPAA and NIST 800-53 as cdk-nag checks them: 15 days of backups, a customer managed rotating key for data and
    logs, and a default user that logs in with IAM, so that there is no secret to rotate."""

    @property
    def retention_days(self) -> int:
        """How many days snapshots are kept by default."""
        return _RETENTION_DAYS[self.value]

    @property
    def is_regulated(self) -> bool:
        """Whether weaker settings are refused."""
        return self is Compliance.REGULATED

    def require(self, *, is_encrypted: bool, has_users: bool) -> None:
        """Raise ValidationError for a cache that breaks the rules."""
        if self.is_regulated and not is_encrypted:
            raise ValidationError(
                "encryption must be required in transit and on at rest with compliance REGULATED, got one that is not; "
                "leave both as they are by default"
            )
        if self.is_regulated and not has_users:
            raise ValidationError(
                "access must not be unauthenticated with compliance REGULATED, got such; leave it out, or give users"
            )

    def require_backups(self, retention_days: int) -> None:
        """Raise ValidationError for backups that are not kept long enough."""
        if self.is_regulated and known(retention_days) and retention_days < self.retention_days:
            refuse(
                "retention_days",
                f"be at least {self.retention_days} with compliance REGULATED",
                retention_days,
                "leave it out, or keep snapshots longer",
            )

    def warn_unmet(self, scope: Construct, what: str, remedy: str) -> None:
        """Warn that this kind of cache lacks something that REGULATED requires."""
        if self.is_regulated:
            warn(scope, WarningId.COMPLIANCE_UNMET, f"compliance REGULATED asks for {what}; {remedy}")

    def needs_iam(self, engine_version: EngineVersion) -> bool:
        """Whether the default user logs in with IAM."""
        return self.is_regulated and engine_version.at_least(valkey="7.2", redis="7.0")

    def key(self, scope: Construct, given: kms.IKey | None, removal_policy: cdk.RemovalPolicy) -> kms.IKey | None:
        """The key for data and logs: the one given, or with REGULATED a new one that rotates."""
        if given is not None or not self.is_regulated:
            return given
        return log_key(scope, "Key", removal_policy=removal_policy)

    def data_key(self, scope: Construct, given: kms.IKey | None, removal_policy: cdk.RemovalPolicy) -> kms.IKey | None:
        """As ``key``, for a cache without logs: the new key does not allow CloudWatch Logs."""
        if given is not None or not self.is_regulated:
            return given
        description = f"Encrypts the data of {scope.node.path}"
        return kms.Key(scope, "Key", description=description, enable_key_rotation=True, removal_policy=removal_policy)


def retain_unless_destroyed(removal_policy: cdk.RemovalPolicy) -> cdk.RemovalPolicy:
    """The removal policy of the keys and logs of a cache: they are deleted only if the cache is deleted for good."""
    return cdk.RemovalPolicy.DESTROY if removal_policy is cdk.RemovalPolicy.DESTROY else cdk.RemovalPolicy.RETAIN
