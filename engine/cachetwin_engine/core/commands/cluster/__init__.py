"""CLUSTER, CLUSTERSCAN and slot migration."""

from . import changes, migrations, queries, redirection, scan, slot_stats

__all__ = ["changes", "migrations", "queries", "redirection", "scan", "slot_stats"]
