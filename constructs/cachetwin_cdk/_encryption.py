"""What protects the data of a replication group on the wire and at rest."""

from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_kms as kms

from ._access import Access
from ._validate import refuse
from .engine_version import EngineVersion


@dataclass(frozen=True)
class Encryption:
    """TLS, encryption at rest, and whose key."""

    transit: bool
    at_rest: bool
    kms_key: kms.IKey | None

    @property
    def is_complete(self) -> bool:
        """Whether data are encrypted on the wire and at rest."""
        return self.transit and self.at_rest

    def require_sound(self, access: Access) -> None:
        """Require TLS for users and tokens, and encryption at rest for a key."""
        if access.auth_token is not None and not self.transit:
            refuse(
                "transit_encryption",
                "be True when auth_token is given",
                self.transit,
                "leave it on, so that the token is not sent in the clear",
            )
        if access.has_users and not self.transit:
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

    def render(self, engine_version: EngineVersion, data_key: kms.IKey | None) -> dict[str, Any]:
        """The properties of CfnReplicationGroup; ``data_key`` is the one given, or the one that was made."""
        # The mode is a property of engines that can change it: Valkey, and Redis from 7.0.
        has_mode = self.transit and engine_version.at_least(valkey="7.2", redis="7.0")
        return {
            "transit_encryption_enabled": self.transit,
            "transit_encryption_mode": "required" if has_mode else None,
            "at_rest_encryption_enabled": self.at_rest,
            "kms_key_id": data_key.key_arn if data_key is not None else None,
        }
