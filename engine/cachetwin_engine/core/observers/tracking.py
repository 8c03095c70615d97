"""CLIENT TRACKING: telling clients that keys they have cached were changed.

By default the engine remembers which client read which key, and tells each of them once; in broadcasting mode it remembers
prefixes only and tells of every change below them, gathered per turn of the event loop. Messages go to the client itself
(RESP3) or to the one it redirects to. Names and texts are Valkey's (tracking.c).
"""

from typing import TYPE_CHECKING, Final

from cachetwin_engine.core.protocol.replies import bulk, bulk_array, integer
from cachetwin_engine.core.registry.command_table import READONLY
from cachetwin_engine.core.registry.dispatch_flags import CLIENT_TRACKING
from cachetwin_engine.core.registry.key_positions import key_positions

if TYPE_CHECKING:
    from cachetwin_engine.core.engine import Engine
    from cachetwin_engine.core.execution.context import Context
    from cachetwin_engine.core.execution.session import Session
    from cachetwin_engine.core.registry.command_table import Command

REDIRECT_CHANNEL: Final = b"__redis__:invalidate"


class TrackingState:
    """What one client asked for."""

    def __init__(self, redirect: int, broadcast: bool, opt_in: bool, opt_out: bool, no_loop: bool) -> None:
        self.redirect = redirect  # id of the client that gets the messages, 0 for the client itself
        self.broadcast = broadcast
        self.opt_in = opt_in
        self.opt_out = opt_out
        self.no_loop = no_loop
        self.broken_redirect = False
        self.caching = False  # CLIENT CACHING was just said
        self.prefixes: dict[bytes, bool] = {}


class _Change:
    """Changed keys below one prefix that wait to be told."""

    def __init__(self) -> None:
        self.keys: dict[bytes, int] = {}  # key -> id of the client that changed it last, 0 for the engine


class Tracking:
    """The keys and prefixes that clients of one engine track."""

    def __init__(self, engine: "Engine") -> None:
        self.engine = engine
        self.keys: dict[bytes, dict[int, bool]] = {}
        self.items = 0  # pairs of a key and a client
        self.prefixes: dict[bytes, dict[int, Session]] = {}
        self.clients: dict[int, Session] = {}
        self._changes: dict[bytes, _Change] = {}

    def enable(self, session: "Session", state: TrackingState, prefixes: list[bytes]) -> None:
        """Let ``session`` track; prefixes are added to those it has."""
        old = session.tracking
        if old is not None:
            state.prefixes = old.prefixes
        session.tracking = state
        session.client_flags |= CLIENT_TRACKING
        self.clients[session.id] = session
        self.engine.choose_observers()
        if state.broadcast:
            for prefix in prefixes or ([] if state.prefixes else [b""]):
                state.prefixes[prefix] = True
                self.prefixes.setdefault(prefix, {})[session.id] = session

    def disable(self, session: "Session") -> None:
        """``session`` tracks no more. What it read is forgotten when those keys change."""
        state = session.tracking
        if state is None:
            return
        session.tracking = None
        session.client_flags &= ~CLIENT_TRACKING
        self.clients.pop(session.id, None)
        self.engine.choose_observers()
        for prefix in state.prefixes:
            listeners = self.prefixes.get(prefix)
            if listeners is not None:
                listeners.pop(session.id, None)
                if not listeners:
                    del self.prefixes[prefix]
                    self._changes.pop(prefix, None)

    def note_call(self, ctx: "Context", command: "Command", args: list[bytes]) -> None:
        """A tracking client's command has run: remember the keys that it read."""
        if not command.flags & READONLY or not command.keys or command.group == "scripting":
            return
        engine = self.engine
        running = engine.running_script
        outer = engine.commands.get(running.args[0].lower()) if running is not None and ctx.in_script else None
        if running is None or outer is None or engine.profile.commands_through >= (7, 2, 0):
            self.remember(ctx.session, command, args)
        else:
            self.remember(ctx.session, outer, running.args)  # all keys that it declares, once it reads one

    def remember(self, session: "Session", command: "Command", args: list[bytes]) -> None:
        """``session`` has read the keys of ``args``."""
        state = session.tracking
        if state is None or state.broadcast:
            return
        if (state.opt_in and not state.caching) or (state.opt_out and state.caching):
            return
        for position in key_positions(command, args):
            if position.spec.not_key:
                continue
            readers = self.keys.get(args[position.index])
            if readers is None:
                readers = self.keys[args[position.index]] = {}
            if session.id not in readers:
                readers[session.id] = True
                self.items += 1
        self.limit()

    def limit(self) -> None:
        """Forget keys beyond ``tracking-table-max-keys``; their readers must forget them too."""
        allowed = self.engine.config.clients.tracking_table_max_keys
        while allowed and len(self.keys) > allowed:
            self.changed(next(iter(self.keys)), None, evicted=True)

    def changed(self, key: bytes, actor: "Session | None", evicted: bool = False) -> None:
        """``key`` changed by the command of ``actor``, or by the engine itself."""
        if self.prefixes and not evicted:
            for prefix in self.prefixes:
                if key.startswith(prefix):
                    change = self._changes.get(prefix)
                    if change is None:
                        change = self._changes[prefix] = _Change()
                    change.keys[key] = 0 if actor is None else actor.id
        readers = self.keys.pop(key, None)
        if readers is None:
            return
        self.items -= len(readers)
        for reader_id in readers:
            session = self.clients.get(reader_id)
            if session is None or session.tracking is None or session.tracking.broadcast:
                continue
            if session is actor and session.tracking.no_loop:
                continue
            self._tell(session, session.tracking, bulk_array([key]))

    def flushed(self, everything: bool) -> None:
        """Databases were emptied, all of them or one: tell everybody, once and without keys."""
        if everything:
            self.keys = {}
            self.items = 0
        for session in list(self.clients.values()):
            if session.tracking is not None:
                self._tell(session, session.tracking, b"")

    def broadcast(self) -> None:
        """Tell what changed below prefixes since the last time."""
        if not self._changes:
            return
        changes = self._changes
        self._changes = {}
        for prefix, change in changes.items():
            for session in list(self.prefixes.get(prefix, {}).values()):
                state = session.tracking
                if state is None:
                    continue
                keys = [key for key, actor in change.keys.items() if not (state.no_loop and actor == session.id)]
                if keys:
                    self._tell(session, state, bulk_array(keys))

    def _tell(self, session: "Session", state: TrackingState, keys: bytes) -> None:
        """Send an invalidation; empty ``keys`` stand for all keys."""
        target = session
        if state.redirect:
            other = self.engine.sessions.get(state.redirect)
            if other is None or other.closing:
                state.broken_redirect = True
                if session.context.resp3:
                    session.push(b">2\r\n" + bulk(b"tracking-redir-broken") + integer(state.redirect))
                return
            target = other
        if target.context.resp3:
            target.push(b">2\r\n" + bulk(b"invalidate") + (keys or b"_\r\n"))
        elif state.redirect and (target.channels or target.patterns or target.shard_channels):
            target.push(b"*3\r\n" + bulk(b"message") + bulk(REDIRECT_CHANNEL) + (keys or b"*-1\r\n"))
