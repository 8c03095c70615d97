"""Snapshots of a cache: how long they are kept and when they are taken, and what a new cache is filled from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from constructs import IConstruct

from cachetwin_cdk.checks._places import require_region_of_arn
from cachetwin_cdk.checks._types import checked_arguments, checked_function
from cachetwin_cdk.checks._validate import (
    ValidationError,
    WarningId,
    known,
    known_elements,
    refuse,
    require_between,
    require_match,
    warn,
)
from cachetwin_cdk.compliance import Compliance
from cachetwin_cdk.engine.engine_version import Engine
from cachetwin_cdk.engine.windows import SnapshotWindow

RETENTION_MAX_DAYS = 35
# API reference of SnapshotArns, and S3's rules for the names of buckets, old ones of us-east-1 included.
_FILE = r"s3:::[a-zA-Z0-9._-]{3,255}/[^,]+"
_SNAPSHOT = r"elasticache:[^,]+:(serverlesscache)?snapshot:[^,]+"


@checked_arguments
@dataclass(frozen=True, kw_only=True)
class Backups:
    """Daily snapshots of a cache: made by ``daily()`` or ``none()``.

    Args:
        retention_days: How many days snapshots are kept, 0 to 35; 0 takes none. By default 7, or 15 with
            ``compliance=REGULATED``.
        window: The daily window, in UTC, in which the snapshot is taken.
    """

    retention_days: int | None = None
    window: SnapshotWindow | None = None

    def __post_init__(self) -> None:
        require_between(
            "retention_days",
            self.retention_days,
            0,
            RETENTION_MAX_DAYS,
            unit="days",
            remedy="keep snapshots for at least 7 days where the data matters, Backups.none() takes none",
        )
        if self.window is not None and self.retention_days == 0:
            raise ValidationError(
                "window must be left out when retention_days is 0, got both; set a retention or remove the window"
            )

    @staticmethod
    @checked_function
    def daily(*, retention_days: int | None = None, window: SnapshotWindow | None = None) -> "Backups":
        """A snapshot every day.

        Args:
            retention_days: How many days each is kept, 1 to 35. By default 7, or 15 with ``compliance=REGULATED``.
            window: The window, in UTC, in which it is taken; a serverless cache takes the beginning. By default
                ElastiCache chooses one.
        """
        if retention_days == 0:
            refuse("retention_days", f"be between 1 and {RETENTION_MAX_DAYS} days", 0, "Backups.none() takes none")
        return Backups(retention_days=retention_days, window=window)

    @staticmethod
    @checked_function
    def none() -> "Backups":
        """No snapshots. Warned of."""
        return Backups(retention_days=0)

    def days(self, compliance: Compliance) -> int:
        """How many days snapshots are kept. Raises ValidationError for fewer than ``compliance`` allows."""
        days = compliance.retention_days if self.retention_days is None else self.retention_days
        compliance.require_backups(days)
        return days

    def add_warnings(self, scope: IConstruct) -> None:
        """Warn of a cache without snapshots."""
        if self.retention_days == 0:
            warn(
                scope,
                WarningId.NO_BACKUPS,
                "with Backups.none() there is no snapshot to go back to; keep at least one day, or acknowledge this where "
                "the data can be made again",
            )

    def render(self, compliance: Compliance) -> dict[str, Any]:
        """The properties of CfnReplicationGroup."""
        return {
            "snapshot_retention_limit": self.days(compliance),
            "snapshot_window": str(self.window) if self.window is not None else None,
        }

    def render_for_serverless(self, compliance: Compliance) -> dict[str, Any]:
        """The properties of CfnServerlessCache."""
        return {
            "snapshot_retention_limit": self.days(compliance),
            "daily_snapshot_time": self.window.start if self.window is not None else None,
        }


@checked_arguments
@dataclass(frozen=True, kw_only=True)
class RestoreFrom:
    """What a new cache is filled from: made by ``snapshot()`` or ``arns()``.

    Args:
        snapshot_name: A snapshot of ElastiCache. Changing it replaces the cache.
        source_arns: RDB files in S3, or snapshots of serverless caches. Changing them replaces the cache.
    """

    snapshot_name: str | None = None
    source_arns: Sequence[str] = ()

    def __post_init__(self) -> None:
        require_match(
            "name",
            self.snapshot_name,
            r"(?!arn:)[a-zA-Z][a-zA-Z0-9.:_-]{0,254}",
            "be that of a snapshot, not its ARN",
            remedy="write it as DescribeSnapshots shows it, such as orders-2026-11-28",
        )
        if (self.snapshot_name is None) is not (known(list(self.source_arns)) and not self.source_arns):
            return
        raise ValidationError(
            "restore must name a snapshot or ARNs, got both or neither; use RestoreFrom.snapshot() or RestoreFrom.arns()"
        )

    @staticmethod
    @checked_function
    def snapshot(name: str) -> "RestoreFrom":
        """A snapshot of a ReplicationGroup, by its name.

        Args:
            name: The name.
        """
        return RestoreFrom(snapshot_name=name)

    @staticmethod
    @checked_function
    def arns(arns: Sequence[str]) -> "RestoreFrom":
        """RDB files in S3, written ``arn:aws:s3:::bucket/file.rdb``; for a ServerlessCache also snapshots.

        Args:
            arns: The ARNs, one for each file. A cluster needs ``Topology.placed()`` with the slots of each shard.
        """
        return RestoreFrom(source_arns=arns)

    def validate_for_nodes(self) -> None:
        """Raise ValidationError for ARNs that are no files in S3."""
        for arn in known_elements(self.source_arns):
            require_match(
                "arns",
                arn,
                rf"arn:aws[a-z-]*:{_FILE}",
                "name RDB files in S3, without a comma",
                remedy="write arn:aws:s3:::bucket/file.rdb, and one entry per file",
            )

    def validate_for_serverless(self, scope: IConstruct, engine: Engine) -> None:
        """Raise ValidationError for a name, and for ARNs that are neither snapshots nor files in S3."""
        if self.snapshot_name is not None:
            refuse(
                "restore",
                "name ARNs for a serverless cache",
                self.snapshot_name,
                "use RestoreFrom.arns() with the ARN of the snapshot",
            )
        for arn in known_elements(self.source_arns):
            require_match(
                "arns",
                arn,
                rf"arn:aws[a-z-]*:({_FILE}|{_SNAPSHOT})",
                "name snapshots of ElastiCache or RDB files in S3, without a comma",
                remedy="write one entry per snapshot or file",
            )
            if engine is Engine.MEMCACHED and known(arn) and ":s3:" in arn:
                refuse("arns", "name snapshots for Memcached, which reads no RDB files", arn, "name one, or use Valkey")
            require_region_of_arn("arns", scope, arn)

    def render(self) -> dict[str, Any]:
        """The properties of CfnReplicationGroup."""
        return {"snapshot_name": self.snapshot_name, "snapshot_arns": list(self.source_arns) or None}
