"""The keys of slots on their way to another shard: which are sent next, and what their clients may do meanwhile.

The topology says which slots move. This node, their owner, sends their keys in batches (``next_request``, ``answered``);
the shell carries the bytes. **No acknowledged write is lost**, because

- a key that was sent can't be changed here until the target has answered: commands that might wait (``hold``), for that
  answer or, if it never comes, for the one to the next attempt;
- it is deleted here only when the target and, if it has any, one of its replicas have it;
- a key that is missing here is the target's business (ASK), so nothing is created here any more;
- the target takes keys only from the node that it knows as the owner of their slot. A node that becomes the owner in the
  middle of a move first asks the target what it has (``unverified``): that is newer than what is here.

When all keys of the migrating slots have gone, the shell reports it, and the topology may name the new owner.
"""

from typing import Final

from cachetwin_engine.core.cluster.state import ClusterNode, ClusterState
from cachetwin_engine.core.cluster.topology import ONLINE
from cachetwin_engine.core.config.notifications import NOTIFY_GENERIC
from cachetwin_engine.core.execution.pause import run_postponed
from cachetwin_engine.core.keyspace.database import Database
from cachetwin_engine.core.keyspace.slots import slot_of
from cachetwin_engine.core.protocol.replies import bulk_array
from cachetwin_engine.core.rdb.payload import payload_of
from cachetwin_engine.core.state.client import Client
from cachetwin_engine.core.state.engine_state import EngineState

BATCH_KEYS_MAX: Final = 100
BATCH_BYTES_MAX: Final = 256 * 1024  # one key at least, however large
QUESTIONS_MAX: Final = 1000
_ALL: Final = b"%d" % (1 << 31)
REPLICA_MS_MAX: Final = 1000  # how long the target may wait for its replica


class Batch:
    """What is sent to one node at once."""

    def __init__(self, target: ClusterNode) -> None:
        self.target = target
        self.request = b""
        self.replies = 0  # lines, or arrays for questions
        self.slots: list[int] = []  # of which the target is asked what keys it has; empty where keys are sent
        self.keys: list[tuple[int, bytes]] = []  # with their database, in the order of the replies
        self.skipped = 0  # replies before those to the keys
        self.needs_replica = False


class SlotMoves:
    """The moves of slots away from one engine."""

    def __init__(self, engine: EngineState) -> None:
        self._engine = engine
        self._held: list[tuple[Client, list[bytes]]] = []
        self._doubtful: list[tuple[int, bytes]] = []  # were sent, and no answer came

    def hold(self, client: Client, args: list[bytes]) -> None:
        """Hold ``args`` back until it is known whether its keys have left."""
        self._held.append((client, args))
        client.postpone(args)

    def is_done(self) -> bool:
        """True if no migrating slot has a key left."""
        cluster = self._engine.cluster
        if cluster is None or cluster.unverified or cluster.sending:
            return cluster is None
        return self.keys_left() == 0

    def keys_left(self) -> int:
        """The number of keys in migrating slots."""
        cluster = self._engine.cluster
        slots = [] if cluster is None else list(cluster.migrating)
        return sum(
            [db.by_slot.count(slot) for db in self._engine.databases if db.by_slot is not None for slot in slots]
        )

    def next_request(self) -> Batch | None:
        """What to send next; None if there is nothing, or this node is not the one to send it."""
        cluster = self._engine.cluster
        if cluster is None or cluster.myself.primary is not None:
            return None
        if cluster.unverified:
            return self._question(cluster)
        if self._doubtful:
            return self._batch_of(self._doubtful)
        for db in self._engine.databases:
            keys = self._first_keys(cluster, db)
            if keys:
                return self._batch_of([(db.index, key) for key in keys])
        return None

    def _question(self, cluster: ClusterState) -> Batch:
        """Ask one target which keys it has."""
        slots = list(cluster.unverified)
        batch = Batch(cluster.migrating[slots[0]])
        for slot in slots:
            if cluster.migrating[slot] is batch.target and len(batch.slots) < QUESTIONS_MAX:
                batch.slots.append(slot)
        words = [[b"CLUSTER", b"GETKEYSINSLOT", b"%d" % slot, _ALL] for slot in batch.slots]
        batch.request = b"".join([bulk_array(question) for question in words])
        batch.replies = len(words)
        return batch

    def _first_keys(self, cluster: ClusterState, db: Database) -> list[bytes]:
        """Some keys of migrating slots that have the same target."""
        by_slot = db.by_slot
        found: list[bytes] = []
        target: ClusterNode | None = None
        if by_slot is None:
            return found
        for slot, node in cluster.migrating.items():
            if by_slot.count(slot) and (target is None or target is node):
                target = node
                found += by_slot.first(slot, BATCH_KEYS_MAX - len(found))
                if len(found) == BATCH_KEYS_MAX:
                    break
        return found

    def _batch_of(self, keys: list[tuple[int, bytes]]) -> Batch | None:
        """A batch of the first of ``keys``, which have one target. They may not be changed here from now on."""
        engine = self._engine
        cluster = engine.cluster
        if cluster is None:
            return None
        target = cluster.migrating[slot_of(keys[0][1])]
        batch = Batch(target)
        parts: list[bytes] = []
        if engine.profile.has_databases_in_cluster:
            parts.append(bulk_array([b"SELECT", b"%d" % keys[0][0]]))
        batch.skipped = len(parts)
        size = 0
        for index, key in keys:
            if size > BATCH_BYTES_MAX:
                break
            parts.append(self._restoring(index, key))
            size += len(parts[-1])
            batch.keys.append((index, key))
            cluster.sending[(index, key)] = True
        if any(replica.health == ONLINE for replica in cluster.replicas(target)):
            batch.needs_replica = True
            parts.append(bulk_array([b"WAIT", b"1", b"%d" % REPLICA_MS_MAX]))
        batch.request = b"".join(parts)
        batch.replies = len(parts)
        return batch

    def _restoring(self, index: int, key: bytes) -> bytes:
        """The command that creates ``key`` at the target, or deletes it if it is gone here since an earlier attempt."""
        engine = self._engine
        db = engine.databases[index]
        value = db.peek(key)
        if value is None:
            return bulk_array([b"RESTORE-ASKING", key, b"1", payload_of(engine, b""), b"REPLACE", b"ABSTTL"])
        end_ms = max(0, db.expiry_of(key))
        words = [b"RESTORE-ASKING", key, b"%d" % end_ms, payload_of(engine, value), b"REPLACE"]
        return bulk_array([*words, b"ABSTTL"] if end_ms else words)

    def has_keys(self, batch: Batch, keys: list[list[bytes]]) -> None:
        """The answers to questions: the target has these keys of each slot, so those here are older."""
        cluster = self._engine.cluster
        for at, slot in enumerate(batch.slots):
            if cluster is not None and cluster.migrating.get(slot) is batch.target:
                for key in keys[at]:
                    for db in self._engine.databases:
                        self._drop(db.index, key)
                cluster.unverified.pop(slot, None)
        self._release()

    def answered(self, batch: Batch, replies: list[bytes]) -> bool:
        """The target's replies, a line each, or none if it did not answer. False if the next attempt should wait."""
        engine = self._engine
        cluster = engine.cluster
        if cluster is None or not all(pair in cluster.sending for pair in batch.keys):
            return True  # another topology came meanwhile
        if len(replies) < batch.replies or (batch.needs_replica and replies[-1] != b":1"):
            self._doubtful = list(batch.keys)
            return False
        again = False
        was_doubtful = bool(self._doubtful)
        self._doubtful = []
        for at, (index, key) in enumerate(batch.keys):
            reply = replies[batch.skipped + at]
            if reply == b"+OK":
                self._drop(index, key)
            else:
                again = True
                engine.host.log(f"a key can't leave: the target replied {reply.decode(errors='replace')}")
                if was_doubtful:  # an earlier attempt may have reached it
                    self._doubtful.append((index, key))
                    continue
            cluster.sending.pop((index, key), None)
        self._release()
        return not again

    def topology_changed(self) -> None:
        """Forget what was on its way from slots that do not migrate from here any more."""
        cluster = self._engine.cluster
        if cluster is None:
            return
        leads = cluster.myself.primary is None
        for index, key in list(cluster.sending):
            if not leads or slot_of(key) not in cluster.migrating:
                del cluster.sending[(index, key)]
        self._doubtful = [pair for pair in self._doubtful if pair in cluster.sending]
        self._release()

    def _drop(self, index: int, key: bytes) -> None:
        """Delete a key that the target has."""
        engine = self._engine
        db = engine.databases[index]
        if not db.delete(key):
            return
        engine.dirty += 1
        engine.key_modified(db, key)
        engine.notify(NOTIFY_GENERIC, b"del", key, index)
        if engine.wants_propagation:
            engine.propagation.add(index, [b"DEL", key])

    def _release(self) -> None:
        """Run what was held back; it is held again if its keys are still on their way."""
        waiting = self._held
        self._held = []
        run_postponed(self._engine, waiting)
