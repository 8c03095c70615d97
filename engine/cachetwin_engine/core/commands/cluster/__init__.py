"""CLUSTER, CLUSTERSCAN and slot migration."""

from . import changes, migrations, queries, scan

__all__ = ["changes", "migrations", "queries", "scan"]
