"""Snapshots of a replication group: retention, window, and the snapshot to restore."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from constructs import IConstruct

from cachetwin_cdk.checks._validate import (
    ValidationError,
    WarningId,
    known_elements,
    require_between,
    require_match,
    warn,
)
from cachetwin_cdk.engine.windows import SnapshotWindow

RETENTION_MAX_DAYS = 35


def warn_no_backups(scope: IConstruct, retention_days: int) -> None:
    """Warn of a cache that takes no snapshots."""
    if retention_days == 0:
        warn(
            scope,
            WarningId.NO_BACKUPS,
            "snapshot_retention_days is 0: there is no snapshot to go back to; keep at least one day, or acknowledge this "
            "where the data can be made again",
        )


@dataclass(frozen=True)
class Backups:
    """The arguments about snapshots, checked together."""

    retention_days: int
    window: SnapshotWindow | None
    restore_name: str | None
    restore_arns: Sequence[str]

    def validate(self) -> None:
        """Raise ValidationError for a retention out of range, a window without snapshots, and two sources to restore."""
        require_between(
            "snapshot_retention_days",
            self.retention_days,
            0,
            RETENTION_MAX_DAYS,
            unit="days",
            remedy="keep snapshots for at least 7 days where the data matters, 0 to take none",
        )
        if self.window is not None and self.retention_days == 0:
            raise ValidationError(
                "snapshot_window must be left out when snapshot_retention_days is 0, got both; set a retention or remove "
                "the window"
            )
        if self.restore_name is not None and self.restore_arns:
            raise ValidationError(
                "snapshot_name must be left out when snapshot_arns is given, got both; keep one of them"
            )
        for arn in known_elements(self.restore_arns):
            require_match(
                "snapshot_arns",
                arn,
                r"arn:aws[a-z-]*:s3:::[^,]+/[^,]+",
                "name RDB files in S3, without a comma",
                remedy="write arn:aws:s3:::bucket/file.rdb, and one entry per file",
            )

    def add_warnings(self, scope: IConstruct) -> None:
        """Warn of a cache without snapshots."""
        warn_no_backups(scope, self.retention_days)

    def render(self) -> dict[str, Any]:
        """The properties of CfnReplicationGroup."""
        return {
            "snapshot_name": self.restore_name,
            "snapshot_arns": list(self.restore_arns) or None,
            "snapshot_retention_limit": self.retention_days,
            "snapshot_window": str(self.window) if self.window is not None else None,
        }
