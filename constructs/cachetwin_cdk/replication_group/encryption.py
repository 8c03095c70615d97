"""Encryption of a replication group, in transit and at rest."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aws_cdk import aws_kms as kms
from constructs import IConstruct

from cachetwin_cdk.access.access import Access
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import WarningId, refuse, warn
from cachetwin_cdk.engine.engine_version import EngineVersion


class TransitEncryption(StrEnum):
    """How a cache handles clients with and without TLS."""

    REQUIRED = "required"
    """Connections without TLS are refused."""
    PREFERRED = "preferred"
    """Connections without TLS are accepted: a step from a cache without TLS to REQUIRED."""
    OFF = "off"
    """There is no TLS."""


@checked_arguments
@dataclass(frozen=True, kw_only=True)
class Encryption:
    """Encryption in transit and at rest, both on by default.

    Args:
        transit: Whether clients connect with TLS. Users and AUTH tokens require it. PREFERRED needs Redis 7.0 or Valkey.
        at_rest: Whether data on disk and in backups are encrypted. Changing it replaces the cache.
        kms_key: The KMS key that encrypts the data at rest. By default a key that AWS owns, or a new rotating key
            with ``compliance=REGULATED``. Changing it replaces the cache.
    """

    transit: TransitEncryption = TransitEncryption.REQUIRED
    at_rest: bool = True
    kms_key: kms.IKey | None = None

    def __post_init__(self) -> None:
        if self.kms_key is not None and not self.at_rest:
            refuse("at_rest", "be True when kms_key is given", self.at_rest, "leave it on, or leave kms_key out")

    @property
    def has_tls(self) -> bool:
        """Whether clients may connect with TLS."""
        return self.transit is not TransitEncryption.OFF

    @property
    def is_complete(self) -> bool:
        """Whether data are always encrypted, in transit and at rest."""
        return self.transit is TransitEncryption.REQUIRED and self.at_rest

    def validate(self, access: Access | None, engine_version: EngineVersion) -> None:
        """Raise ValidationError for users or a token without TLS, and for a mode that the engine does not have."""
        if self.transit is TransitEncryption.PREFERRED and not _knows_modes(engine_version):
            refuse(
                "engine_version",
                "be at least Redis 7.0 or Valkey 7.2 for TransitEncryption.PREFERRED",
                engine_version,
                "choose a newer engine_version, or leave transit out",
            )
        if not self.has_tls and (access is None or not access.is_open):
            refuse(
                "transit",
                "be REQUIRED or PREFERRED when clients log in",
                self.transit,
                "leave it on, so that passwords are not sent in the clear, or set access=Access.unauthenticated()",
            )

    def add_warnings(self, scope: IConstruct) -> None:
        """Warn of data that are not encrypted, which a later change cannot correct in place."""
        if not self.has_tls:
            warn_tls_off(scope)
        if self.transit is TransitEncryption.PREFERRED:
            warn(
                scope,
                WarningId.TLS_PREFERRED,
                "transit PREFERRED also serves clients without TLS, passwords in the clear; move on to REQUIRED when the "
                "last of them has changed",
            )
        if not self.at_rest:
            warn(
                scope,
                WarningId.AT_REST_OFF,
                "at_rest is off, and turning it on later replaces the cache; leave it on, which costs nothing",
            )

    def render(self, engine_version: EngineVersion, data_key: kms.IKey | None) -> dict[str, Any]:
        """The properties of CfnReplicationGroup; ``data_key`` is the given or the created key."""
        return {
            "transit_encryption_enabled": self.has_tls,
            "transit_encryption_mode": self.transit.value if self.has_tls and _knows_modes(engine_version) else None,
            "at_rest_encryption_enabled": self.at_rest,
            "kms_key_id": data_key.key_arn if data_key is not None else None,
        }


def warn_tls_off(scope: IConstruct) -> None:
    """Warn of a cache without TLS."""
    warn(
        scope,
        WarningId.TLS_OFF,
        "TLS is off, so data travel in the clear, and turning it on later changes or replaces the cache's endpoints; "
        "leave it on",
    )


def _knows_modes(engine_version: EngineVersion) -> bool:
    """Whether the engine version has the property TransitEncryptionMode: Valkey, and Redis from 7.0."""
    return engine_version.at_least(valkey="7.2", redis="7.0")
