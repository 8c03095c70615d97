"""Encryption of a replication group, in transit and at rest."""

from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_kms as kms
from constructs import IConstruct

from cachetwin_cdk.checks._validate import WarningId, refuse, warn
from cachetwin_cdk.engine.engine_version import EngineVersion

from ._authentication import Authentication
from .transit_encryption import TransitEncryptionMode


@dataclass(frozen=True)
class Encryption:
    """The arguments about encryption, checked together."""

    transit: bool
    mode: TransitEncryptionMode | None
    at_rest: bool
    kms_key: kms.IKey | None

    @property
    def is_complete(self) -> bool:
        """Whether data are always encrypted, in transit and at rest."""
        return self.transit and self.at_rest and self.mode is not TransitEncryptionMode.PREFERRED

    def validate(self, authentication: Authentication, engine_version: EngineVersion) -> None:
        """Raise ValidationError for users, a token or a mode without TLS, and for a key without encryption at rest."""
        if self.mode is not None and not self.transit:
            refuse(
                "transit_encryption_mode",
                "be left out when transit_encryption is False",
                self.mode,
                "leave transit_encryption on, or leave the mode out",
            )
        if self.mode is not None and not _knows_modes(engine_version):
            refuse(
                "engine_version",
                "be at least Redis 7.0 or Valkey 7.2 for a transit_encryption_mode",
                engine_version,
                "choose a newer engine_version, or leave the mode out",
            )
        if authentication.auth_token is not None and not self.transit:
            refuse(
                "transit_encryption",
                "be True when auth_token is given",
                self.transit,
                "leave it on, so that the token is not sent in the clear",
            )
        if authentication.has_users and not self.transit:
            refuse(
                "transit_encryption",
                "be True when the cache has users",
                self.transit,
                "leave it on, or set allow_unauthenticated=True for a cache that anyone in its network may use",
            )
        if self.kms_key is not None and not self.at_rest:
            refuse(
                "at_rest_encryption",
                "be True when kms_key is given",
                self.at_rest,
                "leave it on, or leave kms_key out",
            )

    def add_warnings(self, scope: IConstruct) -> None:
        """Warn of data that are not encrypted, which a later change cannot correct in place."""
        if not self.transit:
            warn_tls_off(scope)
        if self.mode is TransitEncryptionMode.PREFERRED:
            warn(
                scope,
                WarningId.TLS_PREFERRED,
                "transit_encryption_mode PREFERRED also serves clients without TLS, passwords in the clear; move on to "
                "REQUIRED when the last of them has changed",
            )
        if not self.at_rest:
            warn(
                scope,
                WarningId.AT_REST_OFF,
                "at_rest_encryption is off, and turning it on later replaces the cache; leave it on, which costs nothing",
            )

    def render(self, engine_version: EngineVersion, data_key: kms.IKey | None) -> dict[str, Any]:
        """The properties of CfnReplicationGroup; ``data_key`` is the given or the created key."""
        mode = (self.mode or TransitEncryptionMode.REQUIRED).value
        return {
            "transit_encryption_enabled": self.transit,
            "transit_encryption_mode": mode if self.transit and _knows_modes(engine_version) else None,
            "at_rest_encryption_enabled": self.at_rest,
            "kms_key_id": data_key.key_arn if data_key is not None else None,
        }


def warn_tls_off(scope: IConstruct) -> None:
    """Warn of a cache without TLS."""
    warn(
        scope,
        WarningId.TLS_OFF,
        "transit_encryption is off, so data travel in the clear, and turning it on later changes or replaces the cache's "
        "endpoints; leave it on",
    )


def _knows_modes(engine_version: EngineVersion) -> bool:
    """Whether the engine version has the property TransitEncryptionMode: Valkey, and Redis from 7.0."""
    return engine_version.at_least(valkey="7.2", redis="7.0")
