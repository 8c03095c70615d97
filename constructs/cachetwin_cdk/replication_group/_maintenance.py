"""Maintenance of nodes: window, minor upgrades and notifications."""

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from constructs import Construct

from cachetwin_cdk.checks._validate import WarningId, known, refuse, warn
from cachetwin_cdk.engine.windows import MaintenanceWindow


@dataclass(frozen=True)
class Maintenance:
    """The arguments about maintenance, checked together."""

    window: MaintenanceWindow | None
    minor_upgrades: bool
    topic: sns.ITopic | None

    def validate(self, scope: Construct) -> None:
        """Raise ValidationError for a topic that ElastiCache cannot publish to: encrypted, or of another account."""
        topic, account = self.topic, cdk.Stack.of(scope).account
        if isinstance(topic, sns.Topic) and topic.master_key is not None:
            refuse(
                "notification_topic",
                "not be encrypted, or ElastiCache takes it for inactive",
                topic.node.path,
                "give a topic without master_key; its messages name nodes and events, not data",
            )
        if topic is not None and known(account, topic.env.account) and topic.env.account != account:
            refuse(
                "notification_topic",
                f"belong to account {account}, as the cache does",
                topic.env.account,
                "make a topic in that account and forward from there",
            )

    def add_warnings(self, scope: Construct) -> None:
        """Warn of a window that is longer than documented ones."""
        if self.window is not None and self.window.is_unconfirmed:
            warn(
                scope,
                WarningId.WINDOW_UNCONFIRMED,
                f"maintenance_window {self.window} lasts more than 24 hours, which the documentation leaves open; shorten "
                "it, or acknowledge this warning",
            )

    def render(self) -> dict[str, Any]:
        """The properties of CfnReplicationGroup and CfnCacheCluster, which have the same names."""
        return {
            "preferred_maintenance_window": str(self.window) if self.window is not None else None,
            "auto_minor_version_upgrade": self.minor_upgrades,
            "notification_topic_arn": self.topic.topic_arn if self.topic is not None else None,
        }
