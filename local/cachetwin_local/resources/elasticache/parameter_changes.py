"""When a changed parameter takes effect.

Source: DescribeEngineDefaultParameters of redis5.0, where every modifiable parameter has the change type `immediate`, and
the user guide's list of those that cannot be modified.
"""

from typing import Final

__all__ = ["AT_REBOOT", "NOT_MODIFIABLE"]

NOT_MODIFIABLE: Final = frozenset(
    {
        "activerehashing",
        "appendfsync",
        "appendonly",
        "client-output-buffer-limit-replica-soft-seconds",
        "cluster-enabled",
        "databases",
        "list-max-ziplist-size",
        "lua-time-limit",
        "maxclients",
        "maxmemory",
        "replica-allow-chaining",
        "replica-ignore-maxmemory",
        "replica-lazy-flush",
        "replica-announce-ip",
        "replica-announce-port",
    }
)
AT_REBOOT: Final = frozenset({"rename-commands"})
"""Here; the engine renames commands when it starts."""
