"""One engine: what a node holds, who talks to it, and who must be told when something changes.

No I/O and no clock of its own: ``clock`` answers Unix time in nanoseconds, ``seed`` starts its random numbers. The shell
opens sessions, feeds them, drains ``pending``, and calls ``tick`` ten times a second.

The engine owns its parts, each in a module of its own with its state and its methods:

- ``execution``: the way of a command (``session``, ``dispatch``, ``admission``, ``propagation``) and clients that wait
  (``blocked_clients``, ``pause``, ``client_memory``);
- ``observers``: clients that are told of changes (``watchers``, ``monitors``, ``tracking``, ``pubsub``);
- ``keyspace``, ``expiry``, ``memory``, ``rdb``: the data;
- ``stats``: counters and logs of calls;
- ``config``, ``admin``: parameters, and operations on the engine as a whole.

What is left here takes several of them: connections that come and go, turns, ticks and timing batches, and what the
keyspace reports. The flags and lists that every command reads are here as well, whosever they are: looking into a part
would cost time.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from . import commands as _commands  # noqa: F401  (enters every row into the table)
from .acl.access import AccessControl
from .acl.clients import log_in
from .acl.log import AclLog
from .acl.rules import rows_of
from .admin.config_changes import NEVER_US, follow_config
from .admin.host import Host
from .admin.shutdown import Shutdown
from .cluster.state import ClusterState
from .commands.info import info_text
from .config.config import Config
from .config.notifications import NOTIFY_EXPIRED, NOTIFY_KEY_MISS, NOTIFY_KEYEVENT, NOTIFY_KEYSPACE, NOTIFY_NEW
from .config.profile import Profile
from .execution.blocked_clients import end_overdue, serve_ready
from .execution.client_memory import ClientMemory
from .execution.context import Context
from .execution.pause import Pause
from .execution.propagation import Propagation
from .execution.session import REPLY_BUFFER_PEAK_MS, Session
from .expiry.keys import expire_some
from .keyspace.database import Database, KeyspaceObserver
from .memory.access_log import AccessLog
from .memory.account import MemoryAccount, footprint
from .memory.eviction import Evictor
from .memory.lazy_free import is_freed_lazily
from .observers.monitors import show_to_monitors, stop_monitor
from .observers.pubsub import PubSub
from .observers.tracking import Tracking
from .observers.watchers import invalidate_watchers, unwatch
from .rdb.saving import Saves
from .rdb.snapshots import Snapshots
from .registry.command_table import ADMIN, SKIP_MONITOR, Command, table_for
from .registry.dispatch_flags import (
    BLOCKED_BY_PAUSE,
    BLOCKED_BY_REPLICA,
    CLIENT_NO_AUTH,
    CLIENT_REPLY_OFF,
    CLIENT_RESTRICTED,
)
from .registry.history import make_as_of
from .registry.redaction import shown
from .replication.state import Replication
from .scripting.store import ScriptStore
from .stats.call_logs import CallLogs
from .stats.latency import BUCKETS, bucket_of
from .stats.statistics import Statistics
from .stats.traffic import Traffic
from .text.random_source import RandomSource

if TYPE_CHECKING:
    from .scripting.caller import RunningScript

_NO_ARGUMENTS: Final[list[bytes]] = []


class Engine(KeyspaceObserver):
    """A keyspace with its users and clients."""

    frees_lazily: bool = True  # deletions that happen now leave large values to the background
    buffer_bytes: int = 0  # in clients' buffers: large requests that are not complete, replies that are not taken
    memory_is_full: bool = False  # when the running command began, with nothing left to evict
    reply_buffer_peak_ms: int = REPLY_BUFFER_PEAK_MS  # DEBUG REPLYBUFFER; -1: buffers never shrink
    # What a timing batch is: see ``dispatch``.
    batch_started_us: int = 0  # the last reading of the clock
    batch_row: Command | None = None
    batch_calls: i64 = 0
    batch_context: Context | None = None  # of the batch's last call
    batch_args: list[bytes] = _NO_ARGUMENTS
    batch_arguments_max: i64 = 0  # of a call that may share a batch; 0: none may

    def __init__(self, profile: Profile, clock: Callable[[], int], seed: int, config: Config | None = None) -> None:
        super().__init__()
        self.profile = profile
        self._clock = clock
        self.random = RandomSource(seed)
        self.config = config if config is not None else Config(profile)
        self.commands: dict[bytes, Command] = table_for(profile.commands_through, profile.is_valkey)
        for row in rows_of(self.commands):
            make_as_of(row, profile.commands_through)
        self.acl = AccessControl(self.commands, allow_channels=False, by_database=profile.is_valkey_from(9, 1))
        self.acl_log = AclLog()
        self.pubsub = PubSub()
        self.host = Host()
        self.elasticache = False  # answer as the service does: restricted commands, hidden hashes
        self.access_log = AccessLog()
        self.account = MemoryAccount()
        self.evictor = Evictor()
        self.embeds_keys = profile.is_valkey_from(8, 1)  # one allocation for a short string and its key
        self.packs_keys = profile.is_valkey_from(9, 1)  # one for any object and its key, and longer strings in it
        self.expires_actively = True  # DEBUG SET-ACTIVE-EXPIRE
        self.cron_paused = False  # DEBUG PAUSE-CRON
        self.databases = [Database(index, self) for index in range(self.config.server.databases)]
        self.sessions: dict[int, Session] = {}
        self.pending: list[Session] = []  # output or a close waits that the shell has not seen
        self.blocked_sessions: dict[int, Session] = {}
        self.ready_keys: list[tuple[Database, bytes]] = []
        self.blocked_by = 0
        self.cluster: ClusterState | None = None  # in cluster mode
        self.counts_slots = False  # CLUSTER SLOT-STATS has more to say than the number of keys
        self.tracking = Tracking(self)
        self.tracks_keys = False  # some client wants to hear of changed keys (CLIENT TRACKING)
        self.monitors: dict[int, Session] = {}
        self.observes_calls = False  # somebody tracks keys or monitors
        self.actor: Session | None = None  # whose commands run
        self.scripts = ScriptStore(self)
        self.running_script: RunningScript | None = None
        self.statistics = Statistics()
        self.call_logs = CallLogs(self)
        self.pause = Pause(self)
        self.dirty = 0  # changes since start
        self.wants_propagation = False
        self.propagation = Propagation(self)
        self.batch_started_us = self.clock()
        self.now_ms = self.batch_started_us // 1000
        self.started_ms = self.now_ms
        self.snapshots = Snapshots(self)
        self.saves = Saves(self)
        self.replication = Replication(self)
        self.slow_after_us = NEVER_US
        self.large_request_bytes: i64 = NEVER_US
        self.large_reply_bytes: i64 = NEVER_US
        self.tracks_latency = True
        self.commands_processed = 0
        self.traffic = Traffic()
        self.client_memory = ClientMemory()
        self.memory_peak = 0
        self.shutdown = Shutdown(self)
        self.shutdown_requested = False
        self._next_session_id = 1
        self._pending_ids: dict[int, bool] = {}
        self._resumed: list[Session] = []
        follow_config(self)

    # -- connections ---------------------------------------------------------------------------------------------------

    def open_session(self, address: str, local_address: str) -> Session:
        """A new client. ``address`` and ``local_address`` are ``host:port`` as CLIENT LIST shows them."""
        self.start_turn()
        session = Session(self, self._next_session_id, self.acl.default, address, local_address)
        self._next_session_id += 1
        self.statistics.connections_received += 1
        self.sessions[session.id] = session
        log_in(session, self.acl.default, authenticated=self.acl.default.enabled and self.acl.default.no_password)
        return session

    def mark_internal(self, session: Session) -> None:
        """``session`` is another node of ours: no password, every right, commands that are closed to clients."""
        session.is_peer = True
        session.context.user = self.acl.everything
        session.parser.authenticated = True
        session.client_flags &= ~(CLIENT_NO_AUTH | CLIENT_RESTRICTED)

    def close_session(self, session: Session) -> None:
        """The connection is gone: forget the client and all it was waiting for, watching or listening to."""
        if self.sessions.pop(session.id, None) is None:
            return
        session.closing = True
        self.client_memory.forget(session)
        session.forget_buffers()
        session.leave_queues()
        unwatch(session)
        self.pubsub.leave(session)
        self.tracking.disable(session)
        stop_monitor(session)
        self.replication.leave(session)

    def kill(self, session: Session) -> None:
        """CLIENT KILL: the connection ends at once."""
        session.close_now = True
        self.close_session(session)
        self.mark_pending(session)

    def mark_pending(self, session: Session) -> None:
        """The shell must look at ``session`` after this turn."""
        if session.id not in self._pending_ids:
            self._pending_ids[session.id] = True
            self.pending.append(session)

    def take_pending(self) -> list[Session]:
        """The sessions with output that did not come from their own ``feed``; the list is the caller's."""
        pending = self.pending
        if pending:
            self.pending = []
            self._pending_ids = {}
        return pending

    def resume(self, session: Session) -> None:
        """``session`` may run its waiting commands again."""
        self._resumed.append(session)

    def refresh_reply_flag(self, session: Session) -> None:
        """CLIENT REPLY changed."""
        if session.reply_off or session.reply_skip:
            session.client_flags |= CLIENT_REPLY_OFF
        else:
            session.client_flags &= ~CLIENT_REPLY_OFF

    def allows(self, session: Session, parameter: str) -> bool:
        """Is what ``parameter`` (``yes``, ``no`` or ``local``) closes open to ``session``?"""
        value = self.config.get(parameter)
        if value != "local":
            return value == "yes"
        return session.address.startswith(("127.", "[::1]", "::1", "/"))

    # -- time ----------------------------------------------------------------------------------------------------------

    def clock(self) -> int:
        """Unix time in microseconds, read now."""
        return self._clock() // 1000

    def start_turn(self) -> None:
        """Read the clock. Time stands still for the length of a command."""
        self.batch_started_us = self.clock()
        self.now_ms = self.batch_started_us // 1000

    def run_pending(self) -> None:
        """Let what became possible happen: waiting clients are served, and their own next commands run."""
        self.actor = None
        while (self.ready_keys and not self.blocked_by & BLOCKED_BY_PAUSE) or self._resumed:
            if self.ready_keys and not self.blocked_by & BLOCKED_BY_PAUSE:
                self.serve_blocked()
            resumed = self._resumed
            self._resumed = []
            for session in resumed:
                if session.blocked is None and not session.closing:
                    session.run()
                    if session.output_bytes() or session.has_more or session.closing:
                        self.mark_pending(session)
        if self.batch_calls:
            self.end_batch()
        if self.tables_to_close:
            self.close_tables()
        if self.tracks_keys:
            self.tracking.broadcast()
        if self.wants_propagation:
            self.propagation.commit_pending()
            self.replication.flush()

    def tick(self) -> None:
        """Time passed: end waits whose deadline is over, expire keys. Ten times a second (``hz`` 10)."""
        self.start_turn()
        started_us = self.batch_started_us
        if self.cron_paused:
            return
        end_overdue(self)
        self.pause.tick()
        self.access_log.note_activity(self)
        if self.evictor.has_more:
            self.evictor.go_on(self)
        if self.client_memory.limit:
            self.client_memory.enforce(self)
        if self.expires_actively and not self.keeps_expired:
            expire_some(self)
        self.replication.tick()
        self.saves.tick()
        self.shutdown.tick()
        self.run_pending()
        now_us = self.clock()
        self.traffic.note_tick(self.commands_processed, now_us - started_us, now_us)

    def end_batch(self) -> None:
        """Read the clock, and book the time since it was last read evenly on the calls that ran meanwhile."""
        now_us = self.clock()
        duration_us = now_us - self.batch_started_us
        self.batch_started_us = now_us
        row, calls, ctx, args = self.batch_row, self.batch_calls, self.batch_context, self.batch_args
        self.batch_row = None
        self.batch_calls = 0
        self.batch_context = None
        self.batch_args = _NO_ARGUMENTS
        if row is None or calls == 0:
            return
        self._book(row, calls, duration_us)
        if duration_us >= self.slow_after_us and ctx is not None:
            self.call_logs.call_was_slow(ctx, row, args, duration_us)

    def end_call(self, ctx: Context, command: Command, args: list[bytes], started_us: int) -> None:
        """Book a call that is a batch of its own, or ends one."""
        if self.batch_row is command:
            self.batch_calls += 1
            self.batch_context = ctx
            self.batch_args = args
            self.end_batch()
            return
        self.end_batch()  # of the calls that ran within it
        duration_us = self.batch_started_us - started_us
        self._book(command, 1, duration_us)
        if duration_us >= self.slow_after_us:
            self.call_logs.call_was_slow(ctx, command, args, duration_us)

    def _book(self, row: Command, calls: i64, duration_us: i64) -> None:
        row.calls += calls
        row.usec += duration_us
        self.commands_processed += calls
        if self.tracks_latency:
            if not row.latency:
                row.latency = [0] * BUCKETS
            row.latency[bucket_of(duration_us // calls)] += calls

    def now_us(self) -> int:
        """The clock itself, in microseconds; within a command time stands still, except inside DEBUG SLEEP."""
        return self.batch_started_us

    # -- the background, and the end -----------------------------------------------------------------------------------

    def has_work(self) -> bool:
        """Is there something to do in the background?"""
        link = self.replication.link
        return self.snapshots_run or (link is not None and link.is_loading())

    def work(self, until_us: int) -> None:
        """A slice of what is to be done in the background, up to the clock's ``until_us``."""
        self.start_turn()
        self.replication.work(until_us)
        self.saves.work(until_us)
        self.run_pending()

    def info(self) -> bytes:
        """What INFO answers with all sections, for the shell and whoever watches the node."""
        ctx = Context(self, Session(self, 0, self.acl.default, "", ""), self.databases[0], self.acl.default)
        return info_text(ctx, ["everything"])

    # -- what commands tell --------------------------------------------------------------------------------------------

    def notify(self, event_class: int, event: bytes, key: bytes, db_index: int) -> None:
        """Publish a keyspace notification if its class is asked for."""
        if not self.notify_flags & event_class:
            return
        db = b"%d" % db_index
        if self.notify_flags & NOTIFY_KEYSPACE:
            self.pubsub.publish(b"__keyspace@" + db + b"__:" + key, event)
        if self.notify_flags & NOTIFY_KEYEVENT:
            self.pubsub.publish(b"__keyevent@" + db + b"__:" + event, key)

    def choose_observers(self) -> None:
        """Monitors or clients that track keys came or went."""
        self.tracks_keys = len(self.tracking.clients) > 0
        self.observes_calls = self.tracks_keys or len(self.monitors) > 0

    def observe_call(self, ctx: Context, command: Command, args: list[bytes], started_us: int) -> None:
        """A command has run: remember what a tracking client read, show it to monitors."""
        if ctx.session.tracking is not None:
            self.tracking.note_call(ctx, command, args)
        if self.monitors and not ctx.retrying and not command.flags & (SKIP_MONITOR | ADMIN):
            show_to_monitors(ctx, shown(args, command.name), started_us)

    def serve_blocked(self) -> None:
        """Serve those who wait for the keys that are ready."""
        serve_ready(self)

    # -- when keys end -------------------------------------------------------------------------------------------------

    def choose_expiry(self) -> None:
        """Do keys that are over go by themselves? Not at a replica, during CLIENT PAUSE, or while somebody imports."""
        self.keeps_expired = self.blocked_by & (BLOCKED_BY_PAUSE | BLOCKED_BY_REPLICA) != 0 or self.config.boolean(
            "import-mode"
        )

    def is_expired(self, at_ms: int) -> bool:
        """Does an end at ``at_ms`` take its key away at once? Not where somebody else says when keys go."""
        if at_ms > self.now_ms or self.blocked_by & BLOCKED_BY_REPLICA:
            return False
        return not self.config.boolean("import-mode")

    # -- what the keyspace tells ---------------------------------------------------------------------------------------

    def key_modified(self, db: Database, key: bytes) -> None:
        """``key`` changed: transactions that watch it fail, clients that cache it are told."""
        invalidate_watchers(db, key)
        if self.tracks_keys:
            self.tracking.changed(key, self.actor)

    def sees_expired(self) -> bool:
        """The source of an import does, and so does a primary: they say themselves when keys go."""
        return self.actor is not None and (self.actor.imports or self.actor.is_primary)

    def may_drop_expired(self) -> bool:
        """A client that writes to a replica may."""
        return self.replication.link is not None

    def value_dropped(self, value: object) -> None:
        """Count what is large enough for the background."""
        if self.frees_lazily and is_freed_lazily(value):
            self.statistics.lazily_freed += 1

    def key_missed(self, db: Database, key: bytes) -> None:
        """Notify it."""
        self.notify(NOTIFY_KEY_MISS, b"keymiss", key, db.index)

    def key_added(self, db: Database, key: bytes) -> None:
        """Notify it."""
        self.notify(NOTIFY_NEW, b"new", key, db.index)

    def key_accessed(self, db: Database, key: bytes) -> None:
        """Note it for LRU and LFU, unless the client asked for that not to be (CLIENT NO-TOUCH)."""
        if self.actor is None or not self.actor.no_touch:
            self.access_log.touch(self, db, key)

    def key_expired(self, db: Database, key: bytes) -> None:
        """Count, tell, propagate a DEL."""
        self.statistics.expired_keys += 1
        self.key_modified(db, key)
        if self.notify_flags:
            self.notify(NOTIFY_EXPIRED, b"expired", key, db.index)
        if self.wants_propagation:
            self.propagation.add(db.index, [self.config.memory.expiry_deletes_with, key])

    def key_changes(self, db: Database, key: bytes) -> None:
        """Before it does, snapshots write it as it is."""
        self.snapshots.key_changes(db, key)

    def key_ready(self, db: Database, key: bytes) -> None:
        """Serve those who block on ``key`` when the running command has ended."""
        self.ready_keys.append((db, key))

    # -- memory --------------------------------------------------------------------------------------------------------

    def used_memory(self) -> int:
        """Bytes that keys, values and an empty engine take."""
        used = self.account.used(self)
        self.memory_peak = max(self.memory_peak, used)
        return used

    def size_of(self, db: Database, key: bytes, value: object) -> int:
        """For the account of memory."""
        return footprint(self, db, key, value)
