"""Maintenance of nodes: window, minor upgrades and notifications."""

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from constructs import Construct

from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import WarningId, known, refuse, warn
from cachetwin_cdk.engine.windows import MaintenanceWindow


@checked_arguments
@dataclass(frozen=True, kw_only=True)
class Maintenance:
    """What ElastiCache does to the nodes by itself, and whom it tells.

    Args:
        window: The weekly window, in UTC, in which ElastiCache may patch or replace nodes. By default ElastiCache
            chooses one.
        auto_minor_version_upgrade: Whether new minor versions are installed in the window. It has no effect before
            Redis 6.0.
        notification_topic: An SNS topic for events such as a failover. It has to be in the account of the cache and
            unencrypted. By default events go to no topic.
    """

    window: MaintenanceWindow | None = None
    auto_minor_version_upgrade: bool = True
    notification_topic: sns.ITopic | None = None

    def validate(self, scope: Construct) -> None:
        """Raise ValidationError for a topic that ElastiCache cannot publish to: encrypted, or of another account."""
        topic, account = self.notification_topic, cdk.Stack.of(scope).account
        if isinstance(topic, sns.Topic) and topic.master_key is not None:
            refuse(
                "notification_topic",
                "not be encrypted, or ElastiCache takes it for inactive",
                topic.node.path,
                "give a topic without master_key; its messages name nodes and events, not data",
            )
        if topic is not None and topic.fifo:
            refuse("notification_topic", "be a standard topic", "a FIFO topic", "give a topic without fifo=True")
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
                f"the maintenance window {self.window} lasts more than 24 hours, which the documentation leaves open; "
                "shorten it, or acknowledge this warning",
            )

    def render(self) -> dict[str, Any]:
        """The properties of CfnReplicationGroup and CfnCacheCluster, which have the same names."""
        return {
            "preferred_maintenance_window": str(self.window) if self.window is not None else None,
            "auto_minor_version_upgrade": self.auto_minor_version_upgrade,
            "notification_topic_arn": self.notification_topic.topic_arn
            if self.notification_topic is not None
            else None,
        }
