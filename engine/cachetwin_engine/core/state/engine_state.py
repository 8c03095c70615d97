"""What an engine is without its parts: parameters, time, databases, clients, random numbers, flags and counters.

A part that needs nothing else takes an ``EngineState``. ``EngineParts`` adds the parts and ``Engine`` what runs commands;
they define the methods that raise here, so that a part can call them without importing either class. The flags and lists
that every command reads are here, although parts set them: reading them from a part would cost time.
"""

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from cachetwin_engine.core.acl.rules import rows_of
from cachetwin_engine.core.cluster.state import ClusterState
from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.config.notifications import NOTIFY_KEYEVENT, NOTIFY_KEYSPACE
from cachetwin_engine.core.config.profile import Profile
from cachetwin_engine.core.keyspace.database import Database, KeyspaceObserver
from cachetwin_engine.core.registry.command_table import Command, table_for
from cachetwin_engine.core.registry.dispatch_flags import (
    BLOCKED_BY_DISK,
    BLOCKED_BY_LOADING,
    BLOCKED_BY_PAUSE,
    BLOCKED_BY_REPLICA,
)
from cachetwin_engine.core.registry.history import make_as_of
from cachetwin_engine.core.stats.latency import LatencyMonitor
from cachetwin_engine.core.stats.statistics import Statistics
from cachetwin_engine.core.stats.traffic import Traffic
from cachetwin_engine.core.text.random_source import RandomSource

from .client import Client
from .clients import Clients
from .disk_problems import DiskProblems
from .host import Host
from .propagation import Propagation
from .script_run import ScriptRun

NEVER_US: Final = 1 << 60
REPLY_BUFFER_PEAK_MS: Final = 5000  # a reply buffer shrinks after so long without use (server.h)


class EngineState(KeyspaceObserver):
    """The plain state of one engine."""

    frees_lazily: bool = True  # deletions that happen now leave large values to the background
    buffer_bytes: int = 0  # in clients' buffers: large requests that are not complete, replies that are not taken
    memory_is_full: bool = False  # when the running command began, with nothing left to evict
    reply_buffer_peak_ms: int = REPLY_BUFFER_PEAK_MS  # DEBUG REPLYBUFFER; -1: buffers never shrink
    batch_started_us: int = 0  # the last reading of the clock, with which the timing batch began: see ``dispatch``

    def __init__(self, profile: Profile, clock: Callable[[], int], seed: int, config: Config | None) -> None:
        super().__init__()
        self.profile = profile
        self._clock = clock
        self.clock_moves: list[
            tuple[int, int]
        ] = []  # when the machine's clock showed so much, this was so far ahead of it
        self.random = RandomSource(seed)
        self.config = config if config is not None else Config(profile)
        self.commands: dict[bytes, Command] = table_for(profile.commands_through, profile.is_valkey)
        for row in rows_of(self.commands):
            make_as_of(row, profile.commands_through)
        self.host = Host()
        self.elasticache = False  # answer as the service does: restricted commands, hidden hashes
        self.embeds_keys = profile.is_valkey_from(8, 1)  # one allocation for a short string and its key
        self.packs_keys = profile.is_valkey_from(9, 1)  # one for any object and its key, and longer strings in it
        self.expires_actively = True  # DEBUG SET-ACTIVE-EXPIRE
        self.expiry_is_behind = False  # more keys had expired than the last tick's share of the time was good for
        self.cron_paused = False  # DEBUG PAUSE-CRON
        self.databases = [Database(index, self) for index in range(self.config.server.databases)]
        self.clients = Clients()
        self.ready_keys: list[tuple[Database, bytes]] = []
        self.blocked_by = 0  # ``BLOCKED_BY_*``
        self.cluster: ClusterState | None = None  # in cluster mode
        self.counts_slots = False  # CLUSTER SLOT-STATS shows more than the number of keys
        self.tracks_keys = False  # a client asked for news of changed keys (CLIENT TRACKING)
        self.observes_calls = False  # a client tracks keys or monitors
        self.monitors: dict[int, Client] = {}
        self.actor: Client | None = None  # whose commands run
        self.running_script: ScriptRun | None = None
        self.idle_run: ScriptRun | None = None  # the last one that ended, for the next to use
        self.statistics = Statistics()
        self.latency_monitor = LatencyMonitor(self.config)
        self.traffic = Traffic()
        self.dirty = 0  # changes since start
        self.wants_propagation = False
        self.holds_replies = False  # until what they acknowledge is on disk (``appendfsync always``)
        self.disk_problems = DiskProblems()
        self.propagation = Propagation()
        self.batch_started_us = self.clock()
        self.now_ms = self.batch_started_us // 1000
        self.started_ms = self.now_ms
        self.slow_after_us = NEVER_US
        self.large_request_bytes: i64 = NEVER_US
        self.large_reply_bytes: i64 = NEVER_US
        self.tracks_latency = True
        self.commands_processed = 0
        self.memory_peak = 0
        self.shutdown_requested = False

    # -- time ----------------------------------------------------------------------------------------------------------

    def clock(self) -> int:
        """Unix time in microseconds, read now."""
        return self._clock() // 1000

    def set_clock(self, clock: Callable[[], int], moves: list[tuple[int, int]]) -> None:
        """Read the time from ``clock``, in nanoseconds, from now on; ``moves`` are all so far."""
        self._clock = clock
        self.clock_moves = moves

    def from_machine_ms(self, at_ms: int) -> int:
        """What this engine's clock showed when the machine's showed the second of ``at_ms``."""
        ahead_ms = 0
        for moved_at_ms, so_far_ms in self.clock_moves:
            if at_ms + 999 >= moved_at_ms:
                ahead_ms = so_far_ms
        return at_ms + ahead_ms

    def start_turn(self) -> None:
        """Read the clock. Time stands still for the length of a command."""
        self.batch_started_us = self.clock()
        self.now_ms = self.batch_started_us // 1000

    def now_us(self) -> int:
        """The clock itself, in microseconds; within a command time stands still, except inside DEBUG SLEEP."""
        return self.batch_started_us

    def choose_expiry(self) -> None:
        """Expired keys are kept at a replica, during CLIENT PAUSE, while a client imports, and while a log is loaded."""
        keeps = self.blocked_by & (BLOCKED_BY_PAUSE | BLOCKED_BY_REPLICA | BLOCKED_BY_LOADING) != 0
        self.keeps_expired = keeps or self.config.boolean("import-mode")

    def choose_propagation(self) -> None:
        """Record changes if replicas or the append-only file want them."""
        self.wants_propagation = self.propagation.to_history or self.propagation.to_log

    def choose_disk_flag(self) -> None:
        """Block writes while something is wrong with the disk."""
        if self.disk_problems.exist():
            self.blocked_by |= BLOCKED_BY_DISK
        else:
            self.blocked_by &= ~BLOCKED_BY_DISK

    def is_expired(self, at_ms: int) -> bool:
        """True if a key that expires at ``at_ms`` is deleted now: not where another node decides when keys expire."""
        if at_ms > self.now_ms or self.blocked_by & (BLOCKED_BY_REPLICA | BLOCKED_BY_LOADING):
            return False
        return not self.config.boolean("import-mode")

    # -- clients -------------------------------------------------------------------------------------------------------

    def allows(self, client: Client, parameter: str) -> bool:
        """True if what ``parameter`` (``yes``, ``no`` or ``local``) closes is open to ``client``."""
        value = self.config.get(parameter)
        if value != "local":
            return value == "yes"
        return client.address.startswith(("127.", "[::1]", "::1", "/"))

    def key_ready(self, db: Database, key: bytes) -> None:
        """Serve the clients that block on ``key`` when the running command has ended."""
        self.ready_keys.append((db, key))

    # -- what the parts and the engine do ------------------------------------------------------------------------------

    def notify(self, event_class: int, event: bytes, key: bytes, db_index: int) -> None:
        """Publish a keyspace notification if its class is asked for."""
        if not self.notify_flags & event_class:
            return
        db = b"%d" % db_index
        if self.notify_flags & NOTIFY_KEYSPACE:
            self.publish(b"__keyspace@" + db + b"__:" + key, event)
        if self.notify_flags & NOTIFY_KEYEVENT:
            self.publish(b"__keyevent@" + db + b"__:" + event, key)

    def publish(self, channel: bytes, message: bytes) -> int:
        """Send ``message`` to the listeners of ``channel``; how many got it."""
        raise NotImplementedError

    def choose_observers(self) -> None:
        """Monitors or clients that track keys came or went."""
        raise NotImplementedError

    def open_session(self, address: str, local_address: str) -> Client:
        """A new client. ``address`` and ``local_address`` are ``host:port`` as CLIENT LIST shows them."""
        raise NotImplementedError

    def mark_internal(self, client: Client) -> None:
        """``client`` is another node of this engine: no password, every right, commands that are closed to clients."""
        raise NotImplementedError

    def close_session(self, client: Client) -> None:
        """The connection is closed: forget the client, its waits, watches and subscriptions."""
        raise NotImplementedError

    def kill(self, client: Client) -> None:
        """CLIENT KILL: the connection ends at once."""
        client.close_now = True
        self.close_session(client)
        self.clients.mark_pending(client)

    def run_pending(self) -> None:
        """The end of a turn: serve waiting clients, run their next commands, send what changed."""
        raise NotImplementedError
