"""A topology from outside becomes this node's: its slot table, and what follows from it for keys and clients."""

from typing import TYPE_CHECKING

from cachetwin_engine.core.cluster.topology import Topology
from cachetwin_engine.core.execution.routing import slots_left
from cachetwin_engine.core.keyspace.database import Database
from cachetwin_engine.core.protocol.errors import CommandError

if TYPE_CHECKING:
    from cachetwin_engine.core.engine_parts import EngineParts


def adopt_topology(engine: "EngineParts", topology: Topology) -> None:
    """Make ``topology`` this node's. Raises CommandError without cluster mode, and for an epoch that is over.

    Keys of slots that this node's shard lost are deleted. The role in replication is not changed by this.
    """
    cluster = engine.cluster
    if cluster is None:
        raise CommandError(b"ERR a topology needs cluster-enabled yes")
    if cluster.is_given and topology.epoch < cluster.current_epoch:
        raise CommandError(b"ERR the epoch must be at least %d, got %d" % (cluster.current_epoch, topology.epoch))
    lost = cluster.adopt(topology)
    if lost and not engine.replication.is_replica():
        for db in engine.databases:
            _forget_slots(engine, db, lost)
    slots_left(engine, cluster, lost)


def _forget_slots(engine: "EngineParts", db: Database, slots: list[int]) -> None:
    """Delete the keys of ``slots``; replicas are told."""
    by_slot = db.by_slot
    if by_slot is None:
        return
    for slot in slots:
        count = by_slot.count(slot)
        for key in by_slot.first(slot, count) if count else []:
            if db.delete(key):
                engine.dirty += 1
                engine.key_modified(db, key)
                if engine.wants_propagation:
                    engine.propagation.add(db.index, [engine.config.memory.expiry_deletes_with, key])
