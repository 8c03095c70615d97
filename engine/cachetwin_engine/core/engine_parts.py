"""An engine with its parts, each in a module of its own with its state and its methods.

- ``state``: plain state, below all parts;
- ``observers``: clients that receive changes (``watchers``, ``monitors``, ``tracking``, ``pubsub``);
- ``keyspace``, ``expiry``, ``memory``, ``rdb``: the data;
- ``aof``: the append-only file;
- ``replication``: the history, replicas, the link to a primary;
- ``scripting``: scripts and libraries of functions;
- ``stats``: counters and logs of calls;
- ``admin``: the end of the process, whole databases.

What handlers see is an ``EngineParts``. ``Engine`` derives from it and adds what opens sessions and runs commands.
"""

from collections.abc import Callable

from .acl.access import AccessControl
from .acl.log import AclLog
from .acl.rules import rows_of
from .admin.flush_swap import FlushSwap
from .admin.shutdown import Shutdown
from .admin.slot_moves import SlotMoves
from .aof.append_log import AppendLog
from .aof.log_loader import LogLoader
from .aof.rewriter import LogRewriter
from .config.config import Config
from .config.notifications import NOTIFY_EXPIRED, NOTIFY_KEY_MISS, NOTIFY_NEW
from .config.profile import Profile
from .execution.call_logs import CallLogs
from .execution.call_timer import CallTimer
from .execution.pause import Pause
from .keyspace.database import Database
from .keyspace.value import Value
from .memory.access_log import AccessLog
from .memory.account import MemoryAccount, footprint
from .memory.client_memory import ClientMemory
from .memory.eviction import Evictor
from .memory.lazy_free import is_freed_lazily
from .observers.monitors import show_to_monitors, stop_monitor
from .observers.pubsub import PubSub
from .observers.tracking import Tracking
from .observers.watchers import invalidate_watchers, unwatch
from .rdb.loading import Loader
from .rdb.saving import Saves
from .rdb.snapshots import Snapshots
from .registry.command_table import ADMIN, SKIP_MONITOR, Command
from .registry.redaction import shown
from .replication.state import Replication
from .scripting.store import ScriptStore
from .state.client import Caller, Client
from .state.engine_state import EngineState
from .stats.processing_units import ProcessingUnits
from .stats.statistics import Statistics


class EngineParts(EngineState):
    """One engine's parts, and what the keyspace reports to them."""

    def __init__(self, profile: Profile, clock: Callable[[], int], seed: int, config: Config | None) -> None:
        super().__init__(profile, clock, seed, config)
        self.acl = AccessControl(self.commands, allow_channels=False, by_database=profile.has_acl_databases)
        self.acl_log = AclLog()
        self.units: ProcessingUnits | None = None  # of a serverless cache
        self.pubsub = PubSub()
        self.tracking = Tracking(self)
        self.access_log = AccessLog(self)
        self.account = MemoryAccount()
        self.evictor = Evictor(self, self.account, self.access_log)
        self.client_memory = ClientMemory()
        self.call_logs = CallLogs(self)
        self.timer = CallTimer(self, self.call_logs)
        self.scripts = ScriptStore(self)
        self.pause = Pause(self, self.scripts)
        self.snapshots = Snapshots(self, self.access_log, self.scripts)
        self.flush_swap = FlushSwap(self, self.account, self.tracking, self.snapshots)
        self.loader = Loader(self, self.account, self.access_log, self.flush_swap, self.scripts)
        self.replication = Replication(self, self.account, self.snapshots, self.loader, self.pause)
        self.propagation.history = self.replication
        self.saves = Saves(self, self.account, self.snapshots, self.loader, self.replication)
        self.log = AppendLog(self, self.replication)
        self.propagation.log = self.log
        self.log_rewriter = LogRewriter(self, self.account, self.snapshots, self.log)
        self.log_loader = LogLoader(self, self.loader, self.log, self.log_rewriter)
        self.replication.log_switch = self.log_rewriter
        self.slot_moves = SlotMoves(self)
        self.shutdown = Shutdown(self, self.saves, self.log_rewriter, self.replication, self.pause)

    # -- clients -------------------------------------------------------------------------------------------------------

    def close_session(self, client: Client) -> None:
        """The connection is closed: forget the client, its waits, watches and subscriptions."""
        if self.clients.connected.pop(client.id, None) is None:
            return
        client.closing = True
        self.clients.login_ends.pop(client.id, None)
        self.client_memory.forget(client)
        client.forget_buffers()
        client.leave_queues()
        unwatch(client)
        self.pubsub.leave(client)
        self.tracking.disable(client)
        stop_monitor(self, client)
        self.replication.leave(client)

    def serve_blocked(self) -> None:
        """Serve the clients that wait for the keys that are ready."""
        raise NotImplementedError

    # -- what commands report ------------------------------------------------------------------------------------------

    def publish(self, channel: bytes, message: bytes) -> int:
        """Send ``message`` to the listeners of ``channel``; how many got it."""
        return self.pubsub.publish(channel, message)

    def choose_observers(self) -> None:
        """Monitors or clients that track keys came or went."""
        self.tracks_keys = len(self.tracking.clients) > 0
        self.observes_calls = self.tracks_keys or len(self.monitors) > 0

    def observe_call(self, caller: Caller, command: Command, args: list[bytes], started_us: int) -> None:
        """A command has run: remember what a tracking client read, show it to monitors."""
        if caller.session.tracking is not None:
            self.tracking.note_call(caller, command, args)
        if self.monitors and not caller.retrying and not command.flags & (SKIP_MONITOR | ADMIN):
            show_to_monitors(self, caller, shown(args, command.name), started_us)

    def reset_statistics(self) -> None:
        """CONFIG RESETSTAT."""
        denials = self.statistics.denials  # these are counted from the start on
        self.statistics = Statistics()
        self.statistics.denials = denials
        self.replication.reset_statistics()
        self.scripts.evicted = 0
        self.hits = 0
        self.misses = 0
        self.commands_processed = 0
        self.expired_fields = 0
        self.traffic.clear()
        self.host.clear_statistics()
        if self.cluster is not None:
            self.cluster.usage.clear()
        for row in rows_of(self.commands):
            row.calls = 0
            row.usec = 0
            row.rejected_calls = 0
            row.failed_calls = 0
            row.latency = []

    # -- what the keyspace reports -------------------------------------------------------------------------------------

    def key_modified(self, db: Database, key: bytes) -> None:
        """``key`` changed: transactions that watch it fail, clients that cache it receive an invalidation."""
        invalidate_watchers(db, key)
        if self.tracks_keys:
            self.tracking.changed(key, self.actor)

    def sees_expired(self) -> bool:
        """True for the source of an import and for a primary, which delete expired keys themselves."""
        return self.actor is not None and (self.actor.imports or self.actor.is_primary)

    def may_drop_expired(self) -> bool:
        """True for a client that writes to a replica."""
        return self.replication.link is not None

    def value_dropped(self, value: object, unused: bool) -> None:
        """Leave what is large to the background, and count it."""
        if isinstance(value, Value) and is_freed_lazily(value):
            if self.frees_lazily:
                self.statistics.lazily_freed += 1
            if unused:
                self.trash.add(value.take_apart())

    def key_missed(self, db: Database, key: bytes) -> None:
        """Notify it."""
        self.notify(NOTIFY_KEY_MISS, b"keymiss", key, db.index)

    def key_added(self, db: Database, key: bytes) -> None:
        """Notify it."""
        self.notify(NOTIFY_NEW, b"new", key, db.index)

    def key_accessed(self, db: Database, key: bytes) -> None:
        """Note it for LRU and LFU, unless the client asked for that not to be (CLIENT NO-TOUCH)."""
        if self.actor is None or not self.actor.no_touch:
            self.access_log.touch(db, key)

    def key_expired(self, db: Database, key: bytes) -> None:
        """Count it, report it, propagate a DEL."""
        self.statistics.expired_keys += 1
        self.key_modified(db, key)
        if self.notify_flags:
            self.notify(NOTIFY_EXPIRED, b"expired", key, db.index)
        if self.wants_propagation:
            self.propagation.add(db.index, [self.config.memory.expiry_deletes_with, key])

    def key_changes(self, db: Database, key: bytes) -> None:
        """Before it does, snapshots write it as it is."""
        self.snapshots.key_changes(db, key)

    # -- memory --------------------------------------------------------------------------------------------------------

    def used_memory(self) -> int:
        """Bytes that keys, values and an empty engine take."""
        used = self.account.used(self)
        self.memory_peak = max(self.memory_peak, used)
        return used

    def size_of(self, db: Database, key: bytes, value: object) -> int:
        """For the account of memory."""
        return footprint(self, db, key, value)
