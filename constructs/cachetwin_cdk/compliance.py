"""What regulated data ask of a cache beyond the defaults, as one argument."""

from enum import StrEnum

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from constructs import Construct

from ._validate import ValidationError, known, refuse
from .engine_version import EngineVersion
from .log_delivery import log_key

_RETENTION_DAYS = {"standard": 7, "regulated": 15}


class Compliance(StrEnum):
    """Whose rules a cache answers to."""

    STANDARD = "standard"
    """AWS's foundational practices and cdk-nag's AwsSolutions."""
    REGULATED = "regulated"
    """HIPAA and NIST 800-53 as cdk-nag checks them: 15 days of backups, a customer's rotating key for the data and the
    logs, and unless users are given one that logs in with IAM, so that no secret has to be rotated."""

    @property
    def retention_days(self) -> int:
        """How long snapshots are kept unless said otherwise."""
        return _RETENTION_DAYS[self.value]

    @property
    def is_regulated(self) -> bool:
        """Whether weaker settings are refused."""
        return self is Compliance.REGULATED

    def require(self, *, retention_days: int, is_encrypted: bool, has_users: bool) -> None:
        """Refuse what the rules do not allow. Raises ValidationError."""
        if not self.is_regulated:
            return
        if known(retention_days) and retention_days < _RETENTION_DAYS[self.value]:
            refuse(
                "snapshot_retention_days",
                f"be at least {_RETENTION_DAYS[self.value]} with compliance REGULATED",
                retention_days,
                "leave it out, or keep snapshots longer",
            )
        if not is_encrypted:
            raise ValidationError(
                "transit_encryption and at_rest_encryption must be True with compliance REGULATED, got one that is off; "
                "leave both on"
            )
        if not has_users:
            raise ValidationError(
                "allow_unauthenticated must be False with compliance REGULATED, got True; leave it out"
            )

    def needs_iam(self, engine_version: EngineVersion) -> bool:
        """Whether the user made here logs in with IAM."""
        return self.is_regulated and engine_version.at_least(valkey="7.2", redis="7.0")

    def key(self, scope: Construct, given: kms.IKey | None, removal_policy: cdk.RemovalPolicy) -> kms.IKey | None:
        """The key for data and logs: the one given, or with REGULATED a new one that rotates."""
        if given is not None or not self.is_regulated:
            return given
        return log_key(scope, "Key", removal_policy=removal_policy)
