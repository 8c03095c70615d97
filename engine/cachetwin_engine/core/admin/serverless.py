"""What ElastiCache Serverless closes beside what every cache of the service does.

Source: user guide, "Supported and restricted commands" (April 2026).
"""

from typing import TYPE_CHECKING, Final

from cachetwin_engine.core.registry.dispatch_flags import CLIENT_METERED
from cachetwin_engine.core.stats.processing_units import ProcessingUnits

from .elasticache import become_elasticache, close_commands

if TYPE_CHECKING:
    from cachetwin_engine.core.engine_parts import EngineParts

RESTRICTED: Final[list[bytes]] = [
    b"acl|log", b"client|caching", b"client|getredir", b"client|id", b"client|info", b"client|kill", b"client|list",
    b"client|no-evict", b"client|pause", b"client|tracking", b"client|trackinginfo", b"client|unblock",
    b"client|unpause", b"cluster|count-failure-reports", b"commandlog", b"fcall", b"fcall_ro", b"function", b"keys",
    b"lastsave", b"latency", b"memory", b"monitor", b"move", b"object", b"pfdebug", b"pfselftest", b"psubscribe",
    b"punsubscribe", b"pubsub|numpat", b"script|kill", b"slowlog", b"swapdb", b"wait",
]  # fmt: skip


def become_serverless(engine: "EngineParts", units_per_second_max: int) -> None:
    """Behave as a serverless cache does; ``units_per_second_max`` 0: no limit."""
    become_elasticache(engine)
    close_commands(engine.commands, RESTRICTED)
    engine.units = ProcessingUnits(units_per_second_max)
    for client in engine.clients.connected.values():
        client.client_flags |= CLIENT_METERED
