"""The method ``add_snapshot`` of the caches that have snapshots."""

from typing import TYPE_CHECKING, Any

from aws_cdk import aws_kms as kms

if TYPE_CHECKING:
    from .snapshot import CacheSnapshot


class Snapshotted:
    """A cache that snapshots can be taken of."""

    def add_snapshot(
        self, construct_id: str, *, snapshot_name: str | None = None, kms_key: kms.IKey | None = None
    ) -> "CacheSnapshot":
        """Take a snapshot when the stack is deployed; the arguments are those of CacheSnapshot."""
        from .snapshot import CacheSnapshot  # noqa: PLC0415  (snapshots know the caches)

        cache: Any = self
        return CacheSnapshot(cache, construct_id, cache=cache, snapshot_name=snapshot_name, kms_key=kms_key)
