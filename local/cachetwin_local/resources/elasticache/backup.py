"""The snapshots of a cache: those it starts with, the automatic ones and the last one."""

import hashlib
import re
from typing import Final

from cachetwin_local.assembly.resolved import Resolved
from cachetwin_local.resources.context import Context
from cachetwin_local.resources.properties import Properties
from cachetwin_local.settings import FILE_NAME
from cachetwin_local.topology.values import Backup

__all__ = ["backup_of", "serverless_backup_of"]

RETENTION_DAYS_MAX: Final = 35
_WINDOW: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def backup_of(context: Context, resolved: Resolved, name: str) -> Backup:
    """Of a replication group or a cache cluster with this name. Raises UserError for values that the service refuses."""
    properties = Properties.of(resolved)
    window = properties.optional("SnapshotWindow") or _default_window(name)
    if not _WINDOW.fullmatch(window):
        raise properties.where.child("SnapshotWindow").error(f"must be a window such as 05:00-09:00, got {window}")
    asked = [*properties.strings("SnapshotArns"), *filter(None, [properties.optional("SnapshotName")])]
    final = f"{name}-final" if resolved.resource.policies.get("DeletionPolicy") == "Snapshot" else ""
    return Backup(_files(context, resolved, asked), _retention(properties), window, final)


def serverless_backup_of(context: Context, resolved: Resolved, name: str) -> Backup:
    """Of a serverless cache. Raises UserError."""
    properties = Properties.of(resolved)
    time = properties.optional("DailySnapshotTime")
    if time is not None and not _TIME.fullmatch(time):
        raise properties.where.child("DailySnapshotTime").error(f"must be a time such as 05:00, got {time}")
    window = f"{time}-{time}" if time else _default_window(name)
    files = _files(context, resolved, properties.strings("SnapshotArnsToRestore"))
    return Backup(files, _retention(properties), window, properties.optional("FinalSnapshotName") or "")


def _files(context: Context, resolved: Resolved, asked: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """The local files that stand for snapshots of the service."""
    found: list[str] = []
    for snapshot in asked:
        files = context.settings.snapshots.get(snapshot)
        if files is None:
            key = resolved.resource.key
            hint = f'[snapshots] "{snapshot}" = "file.rdb" in {FILE_NAME} names one'
            context.problem("warning", key, f"starts empty: no local file stands for snapshot {snapshot}; {hint}")
        else:
            found += files
    return tuple(found)


def _retention(properties: Properties) -> int:
    days = properties.integer("SnapshotRetentionLimit", 0)
    if not 0 <= days <= RETENTION_DAYS_MAX:
        raise properties.where.child("SnapshotRetentionLimit").error(
            f"must be between 0 and {RETENTION_DAYS_MAX}, got {days}"
        )
    return days


def _default_window(name: str) -> str:
    """The service chooses an hour by chance; here it follows from the name."""
    hour = hashlib.sha256(name.encode()).digest()[0] % 23
    return f"{hour:02}:30-{hour + 1:02}:30"
