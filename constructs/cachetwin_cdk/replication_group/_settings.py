"""The arguments of a replication group, grouped by concern and checked together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from constructs import Construct

from cachetwin_cdk.access.access import Access
from cachetwin_cdk.checks._validate import WarningId, warn
from cachetwin_cdk.compliance import Compliance
from cachetwin_cdk.engine._offers import warn_newer_node_type, warn_newer_version
from cachetwin_cdk.engine._regions import warn_of_region
from cachetwin_cdk.engine.engine_version import Engine, EngineVersion
from cachetwin_cdk.engine.node_type import NodeType, warn_previous_generation
from cachetwin_cdk.monitoring.log_delivery import Logging, require_deliverable
from cachetwin_cdk.network.network import Addressing
from cachetwin_cdk.operations.backups import Backups, RestoreFrom
from cachetwin_cdk.operations.maintenance import Maintenance

from . import _rules as rules
from .durability import Durability, require_durability, warn_unconfirmed_family
from .encryption import Encryption
from .topology import Topology


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The arguments of a replication group that are values, not other resources."""

    engine_version: EngineVersion
    node_type: NodeType
    port: int
    parameters: Mapping[str, str]
    topology: Topology
    addressing: Addressing
    access: Access | None
    encryption: Encryption
    durability: Durability | None
    backups: Backups
    restore: RestoreFrom | None
    maintenance: Maintenance
    logging: Logging
    compliance: Compliance

    @property
    def resources(self) -> dict[str, cdk.IResource | None]:
        """The resources that the options name, by argument."""
        token = self.access.token if self.access is not None else None
        return {
            "user_group": self.access.given_group if self.access is not None else None,
            "auth_token": token.secret if token is not None else None,
            "kms_key": self.encryption.kms_key,
            "encryption_key": self.logging.encryption_key,
            "notification_topic": self.maintenance.notification_topic,
        }

    def validate(self, scope: Construct) -> None:
        """Raise ValidationError for what ElastiCache refuses and ``compliance`` forbids."""
        retention_days = self.backups.days(self.compliance)
        rules.require_port(self.port)
        rules.require_engine(self.engine_version)
        rules.require_node_type(self.node_type, multi_az=self.topology.multi_az, retention_days=retention_days)
        rules.require_data_tiering(self.node_type, self.engine_version, self.parameters)
        rules.require_graviton(self.node_type, self.engine_version)
        if self.encryption.has_tls:
            rules.require_tls_nodes(self.node_type)
        self.topology.validate(self.engine_version)
        rules.require_enough_replicas(self.parameters, self.topology.fewest_replicas)
        self.topology.require_zones_of_region(scope)
        self.topology.require_slots_of_files(self.restore.source_arns if self.restore is not None else ())
        self.encryption.validate(self.access, self.engine_version)
        if self.restore is not None:
            self.restore.validate_for_nodes()
        self.compliance.require(
            is_encrypted=self.encryption.is_complete,
            has_users=self.access is None or not self.access.is_open,
        )
        self.maintenance.validate(scope)
        require_durability(
            self.durability,
            self.engine_version,
            self.node_type,
            self.topology,
            is_encrypted=self.encryption.is_complete,
        )
        self.addressing.validate(self.engine_version, self.node_type)
        require_deliverable(scope, self.logging.deliveries or (), self.engine_version)

    def add_warnings(self, scope: Construct) -> None:
        """Warn of unwise settings, and of settings that the documentation of ElastiCache leaves open."""
        self.topology.add_warnings(scope)
        self.encryption.add_warnings(scope)
        self.backups.add_warnings(scope)
        self.maintenance.add_warnings(scope)
        warn_unconfirmed_family(scope, self.durability, self.node_type)
        self._warn_node_type(scope)
        self._warn_engine(scope)
        self._warn_windows(scope)

    def render(self, data_key: kms.IKey | None) -> dict[str, Any]:
        """The properties of CfnReplicationGroup that refer to no other resource than the key."""
        token = self.access.token if self.access is not None else None
        return {
            "engine": self.engine_version.engine.value,
            "engine_version": self.engine_version.version,
            "cache_node_type": self.node_type.name,
            "data_tiering_enabled": True if self.node_type.has_ssd else None,
            "port": self.port,
            "durability": self.durability.value if self.durability is not None else None,
            **self.addressing.render(),
            "auth_token": token.render() if token is not None else None,
            **self.topology.render(self.engine_version),
            **self.encryption.render(self.engine_version, data_key),
            **self.backups.render(self.compliance),
            **(self.restore.render() if self.restore is not None else {}),
            **self.maintenance.render(),
        }

    def _warn_node_type(self, scope: Construct) -> None:
        warn_of_region(scope, self.node_type)
        if self.node_type.is_previous_generation:
            warn_previous_generation(scope, self.node_type)
        if self.node_type.is_unconfirmed and not self.node_type.has_ssd:
            warn_newer_node_type(scope, self.node_type)
        if self.node_type.has_ssd and self.node_type.family != "r6gd":
            warn(
                scope,
                WarningId.DATA_TIERING_UNCONFIRMED,
                f"node_type {self.node_type} is named for data tiering in the scaling guide only; check that your "
                "region offers it, then acknowledge this warning",
            )

    def _warn_engine(self, scope: Construct) -> None:
        if self.engine_version.is_unconfirmed:
            warn_newer_version(scope, self.engine_version)
        if self.engine_version.engine is Engine.REDIS and not self.engine_version.at_least(redis="7.0"):
            warn(
                scope,
                WarningId.ENGINE_END_OF_LIFE,
                f"AWS ends standard support of {self.engine_version} (versions 4 and 5 on 2026-01-31, 6 on 2027-01-31) and "
                "charges 80 percent more after that; choose EngineVersion.VALKEY_8_1, which takes its data",
            )
        if self.maintenance.auto_minor_version_upgrade and not self.engine_version.at_least(valkey="7.2", redis="6.0"):
            warn(
                scope,
                WarningId.MINOR_UPGRADES_IGNORED,
                f"auto_minor_version_upgrade has no effect on {self.engine_version}; AWS applies it from Redis 6.0 on",
            )

    def _warn_windows(self, scope: Construct) -> None:
        maintenance, snapshot = self.maintenance.window, self.backups.window
        if maintenance is not None and snapshot is not None and maintenance.overlaps(snapshot):
            warn(
                scope,
                WarningId.WINDOWS_OVERLAP,
                f"the maintenance window {maintenance} overlaps the window of backups, {snapshot}; AWS advises to "
                "keep them apart",
            )
