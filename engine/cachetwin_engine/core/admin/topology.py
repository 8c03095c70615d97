"""A topology from outside becomes this node's: its slot table, and what follows from it for keys and clients."""

from typing import TYPE_CHECKING

from cachetwin_engine.core.cluster.state import ClusterState
from cachetwin_engine.core.cluster.topology import Topology
from cachetwin_engine.core.execution.routing import redirect_waiting, slots_left
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
    _check_moves(engine, cluster, topology)
    lost = cluster.adopt(topology)
    if lost and not engine.replication.is_replica():
        for db in engine.databases:
            forget_slots(engine, db, lost)
    slots_left(engine, cluster, lost)
    if cluster.myself.primary is None or engine.replication.is_replica():
        redirect_waiting(engine, cluster)  # a primary that is to be a replica tells them UNBLOCKED, see ``follow``
    engine.slot_moves.topology_changed()


def _check_moves(engine: "EngineParts", cluster: ClusterState, topology: Topology) -> None:
    """Raise CommandError if ``topology`` takes slots from this node before their keys have left."""
    if cluster.myself.primary is not None:
        return
    keeps: set[int] = set()
    for shard in topology.shards:
        if shard.id == cluster.myself.shard_id:
            for first, last in shard.ranges:
                keeps |= set(range(first, last + 1))
    for slot in cluster.migrating:
        if slot not in keeps and any(db.by_slot is not None and db.by_slot.count(slot) for db in engine.databases):
            raise CommandError(b"ERR slot %d still has keys that have to be moved" % slot)


def forget_slots(engine: "EngineParts", db: Database, slots: list[int]) -> None:
    """Delete the keys of ``slots``; replicas are told."""
    by_slot = db.by_slot
    if by_slot is None or len(db) == 0:
        return
    for slot in slots:
        count = by_slot.count(slot)
        for key in by_slot.first(slot, count) if count else []:
            if db.delete(key):
                engine.dirty += 1
                engine.key_modified(db, key)
                if engine.wants_propagation:
                    engine.propagation.add(db.index, [engine.config.memory.expiry_deletes_with, key])
