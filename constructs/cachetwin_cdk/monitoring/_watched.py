"""The methods ``add_alarms`` and ``add_dashboard`` of every kind of cache."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from aws_cdk import aws_sns as sns

if TYPE_CHECKING:
    from cachetwin_cdk.engine.node_type import NodeType

    from .alarms import AlarmPack, CacheAlarms
    from .dashboard import CacheDashboard


class Watched:
    """A cache that alarms and dashboards can be made for, below the cache itself."""

    def add_alarms(
        self,
        construct_id: str = "Alarms",
        *,
        pack: "AlarmPack | None" = None,
        topic: sns.ITopic | None = None,
        thresholds: Mapping[str, float] | None = None,
        without: Collection[str] = (),
        per_node: bool | None = None,
        node_type: "NodeType | None" = None,
    ) -> "CacheAlarms":
        """Make CacheAlarms for this cache; the arguments are those of CacheAlarms."""
        from .alarms import AlarmPack, CacheAlarms  # noqa: PLC0415  (alarms know the caches)

        cache: Any = self
        return CacheAlarms(
            cache,
            construct_id,
            cache=cache,
            pack=pack or AlarmPack.FULL,
            topic=topic,
            thresholds=thresholds,
            without=without,
            per_node=per_node,
            node_type=node_type,
        )

    def add_dashboard(
        self,
        construct_id: str = "Dashboard",
        *,
        alarms: "Collection[CacheAlarms]" = (),
        dashboard_name: str | None = None,
    ) -> "CacheDashboard":
        """Make a CacheDashboard of this cache; the arguments are those of CacheDashboard."""
        from .dashboard import CacheDashboard  # noqa: PLC0415  (dashboards know the caches)

        cache: Any = self
        return CacheDashboard(cache, construct_id, caches=[cache], alarms=list(alarms), dashboard_name=dashboard_name)
