"""One engine: the data and the clients of a node.

No I/O and no clock of its own: ``clock`` answers Unix time in nanoseconds, ``seed`` starts its random numbers. The shell
opens sessions, feeds them, drains ``clients.pending``, and calls ``tick`` ten times a second.

``state.engine_state`` is its plain state and ``engine_parts`` lists its parts. What is here takes what runs commands:
sessions that come and go, turns, ticks and work in the background.
"""

from collections.abc import Callable

from . import commands as _commands  # noqa: F401  (enters every row into the table)
from .admin.config_changes import follow_config
from .commands.info import info_text
from .config.config import Config
from .config.profile import Profile
from .engine_parts import EngineParts
from .execution.blocked_clients import end_overdue, serve_ready
from .execution.context import Context
from .execution.logins import end_logins, log_in
from .execution.session import Session
from .expiry.keys import expire_more, expire_some
from .registry.dispatch_flags import (
    BLOCKED_BY_LOADING,
    BLOCKED_BY_PAUSE,
    CLIENT_METERED,
    CLIENT_NO_AUTH,
    CLIENT_RESTRICTED,
)
from .state.client import Client


class Engine(EngineParts):
    """A keyspace with its users and clients."""

    def __init__(self, profile: Profile, clock: Callable[[], int], seed: int, config: Config | None = None) -> None:
        super().__init__(profile, clock, seed, config)
        follow_config(self)

    # -- connections ---------------------------------------------------------------------------------------------------

    def open_session(self, address: str, local_address: str) -> Session:
        """A new client. ``address`` and ``local_address`` are ``host:port`` as CLIENT LIST shows them."""
        self.start_turn()
        user = self.acl.default
        session = Session(self, self.clients.next_id(), user, address, local_address)
        self.statistics.connections_received += 1
        self.clients.connected[session.id] = session
        if self.units is not None:
            session.client_flags |= CLIENT_METERED
        log_in(session, user, authenticated=user.enabled and user.no_password)
        return session

    def mark_internal(self, client: Client) -> None:
        """``client`` is another node of this engine: no password, every right, commands that are closed to clients."""
        client.is_peer = True
        client.caller.user = self.acl.everything
        client.parser.authenticated = True
        client.client_flags &= ~(CLIENT_NO_AUTH | CLIENT_RESTRICTED | CLIENT_METERED)

    # -- turns and ticks -----------------------------------------------------------------------------------------------

    def move_clock(self, clock: Callable[[], int], by_ms: int, moves: list[tuple[int, int]]) -> None:
        """Read the time from ``clock`` from now on; it is ``by_ms`` ahead of the one before, and ``moves`` are all so far.

        What is late then happens at once. Silence between nodes does not count as longer for it.
        """
        self.set_clock(clock, moves)
        self.replication.clock_moved(by_ms)
        self.tick()

    def run_pending(self) -> None:
        """The end of a turn: serve waiting clients, run their next commands, send what changed."""
        self.actor = None
        clients = self.clients
        while (self.ready_keys and not self.blocked_by & BLOCKED_BY_PAUSE) or clients.has_resumed():
            if self.ready_keys and not self.blocked_by & BLOCKED_BY_PAUSE:
                self.serve_blocked()
            clients.run_resumed()
        if self.timer.calls:
            self.timer.end_batch()
        if self.tables_to_close:
            self.close_tables()
        if self.tracks_keys:
            self.tracking.broadcast()
        if self.wants_propagation:
            self.propagation.commit_pending()
            if self.propagation.to_history:
                self.replication.flush()
            if self.propagation.to_log:
                self.log.flush()

    def serve_blocked(self) -> None:
        """Serve the clients that wait for the keys that are ready."""
        serve_ready(self)

    def tick(self) -> None:
        """Time passed: end waits whose deadline has passed, expire keys. Called ten times a second (``hz`` 10)."""
        self.start_turn()
        started_us = self.batch_started_us
        if self.cron_paused:
            return
        end_overdue(self)
        if self.clients.login_ends:
            end_logins(self)
        self.pause.tick()
        self.access_log.note_activity()
        if self.evictor.has_more:
            self.evictor.go_on()
        if self.client_memory.limit:
            self.client_memory.enforce(self)
        if self.expires_actively and not self.keeps_expired:
            expire_some(self)
        self.replication.tick()
        self.saves.tick()
        self.log_rewriter.tick()
        self.shutdown.tick()
        self.run_pending()
        self.log.tick()
        now_us = self.clock()
        self.traffic.note_tick(self.commands_processed, now_us - started_us, now_us)

    # -- the background ------------------------------------------------------------------------------------------------

    def has_work(self) -> bool:
        """True if there is something to do in the background."""
        link = self.replication.link
        loads = link is not None and link.is_loading()
        return self.snapshots_run or self.expiry_is_behind or loads or not self.trash.is_empty()

    def serves_while_working(self) -> bool:
        """Whether the work leaves clients something to wait for: not while all they get is LOADING."""
        return not self.blocked_by & BLOCKED_BY_LOADING

    def work(self, until_us: int) -> None:
        """A slice of what is to be done in the background, up to the clock's ``until_us``."""
        self.start_turn()
        self.replication.work(until_us)
        self.saves.work(until_us)
        self.log_rewriter.work(until_us)
        expire_more(self, until_us)
        self.trash.work(self.clock, until_us)
        self.run_pending()

    def info(self) -> bytes:
        """The reply of INFO with all sections, for the shell."""
        ctx = Context(self, Session(self, 0, self.acl.default, "", ""), self.databases[0], self.acl.default)
        return info_text(ctx, ["everything"])
