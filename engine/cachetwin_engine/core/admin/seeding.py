"""An engine that starts with the data of snapshots: files of a cache that may have had other shards."""

from typing import TYPE_CHECKING

from cachetwin_engine.core.keyspace.slots import SLOT_COUNT
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.rdb.loading import Loading

from .topology import forget_slots

if TYPE_CHECKING:
    from cachetwin_engine.core.engine_parts import EngineParts


def seed(engine: "EngineParts", data: bytes) -> int:
    """Add the keys of one RDB file that belong here; how many the engine has then. Raises BadData and CommandError.

    In a cluster they are those of the slots of this node's shard. Expired keys are left out.
    """
    loading = Loading(engine.loader, data, drops_expired=True)
    loading.finish()
    loading.merge()
    engine.account.count_again(engine)
    cluster = engine.cluster
    if cluster is not None:
        foreign = [slot for slot in range(SLOT_COUNT) if not cluster.is_of_my_shard(slot)]
        for db in engine.databases:
            forget_slots(engine, db, foreign)
    limit = engine.config.memory.maxmemory
    used = engine.account.used(engine)
    if 0 < limit < used:
        raise CommandError(b"ERR the data needs %d bytes, more than the maxmemory of %d" % (used, limit))
    return sum([len(db) for db in engine.databases])
