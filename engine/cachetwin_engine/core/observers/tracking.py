"""CLIENT TRACKING: messages to clients about keys that they have cached and that were changed.

By default the engine remembers which client read which key, and informs each of them once; in broadcasting mode it
remembers prefixes only and reports every change below them, gathered per turn of the event loop. Messages go to the client
itself (RESP3) or to the one it redirects to. Names and texts are Valkey's (tracking.c).
"""

from typing import Final

from cachetwin_engine.core.protocol.replies import bulk, bulk_array, integer
from cachetwin_engine.core.registry.command_table import READONLY, Command
from cachetwin_engine.core.registry.dispatch_flags import CLIENT_TRACKING
from cachetwin_engine.core.registry.key_positions import key_positions
from cachetwin_engine.core.state.client import Caller, Client, TrackingState
from cachetwin_engine.core.state.engine_state import EngineState

REDIRECT_CHANNEL: Final = b"__redis__:invalidate"


class _Change:
    """Changed keys below one prefix that have not been reported yet."""

    def __init__(self) -> None:
        self.keys: dict[bytes, int] = {}  # key -> id of the client that changed it last, 0 for the engine


class Tracking:
    """The keys and prefixes that clients of one engine track."""

    def __init__(self, engine: EngineState) -> None:
        self.engine = engine
        self.keys: dict[bytes, dict[int, bool]] = {}
        self.items = 0  # pairs of a key and a client
        self.prefixes: dict[bytes, dict[int, Client]] = {}
        self.clients: dict[int, Client] = {}
        self._changes: dict[bytes, _Change] = {}

    def enable(self, client: Client, state: TrackingState, prefixes: list[bytes]) -> None:
        """Let ``client`` track; prefixes are added to those it has."""
        old = client.tracking
        if old is not None:
            state.prefixes = old.prefixes
        client.tracking = state
        client.client_flags |= CLIENT_TRACKING
        self.clients[client.id] = client
        self.engine.choose_observers()
        if state.broadcast:
            for prefix in prefixes or ([] if state.prefixes else [b""]):
                state.prefixes[prefix] = True
                self.prefixes.setdefault(prefix, {})[client.id] = client

    def disable(self, client: Client) -> None:
        """``client`` tracks no more. What it read is forgotten when those keys change."""
        state = client.tracking
        if state is None:
            return
        client.tracking = None
        client.client_flags &= ~CLIENT_TRACKING
        self.clients.pop(client.id, None)
        self.engine.choose_observers()
        for prefix in state.prefixes:
            listeners = self.prefixes.get(prefix)
            if listeners is not None:
                listeners.pop(client.id, None)
                if not listeners:
                    del self.prefixes[prefix]
                    self._changes.pop(prefix, None)

    def note_call(self, caller: Caller, command: Command, args: list[bytes]) -> None:
        """A tracking client's command has run: remember the keys that it read."""
        if not command.flags & READONLY or not command.keys or command.group == "scripting":
            return
        engine = self.engine
        running = engine.running_script
        outer = engine.commands.get(running.args[0].lower()) if running is not None and caller.in_script else None
        if running is None or outer is None or engine.profile.tracks_keys_of_scripts:
            self.remember(caller.session, command, args)
        else:
            self.remember(caller.session, outer, running.args)  # all keys that it declares, once it reads one

    def remember(self, client: Client, command: Command, args: list[bytes]) -> None:
        """``client`` has read the keys of ``args``."""
        state = client.tracking
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
            if client.id not in readers:
                readers[client.id] = True
                self.items += 1
        self.limit()

    def limit(self) -> None:
        """Forget keys beyond ``tracking-table-max-keys``; their readers must forget them too."""
        allowed = self.engine.config.clients.tracking_table_max_keys
        while allowed and len(self.keys) > allowed:
            self.changed(next(iter(self.keys)), None, evicted=True)

    def changed(self, key: bytes, actor: Client | None, evicted: bool = False) -> None:
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
            client = self.clients.get(reader_id)
            if client is None or client.tracking is None or client.tracking.broadcast:
                continue
            if client is actor and client.tracking.no_loop:
                continue
            self._invalidate(client, client.tracking, bulk_array([key]))

    def flushed(self, everything: bool) -> None:
        """Databases were emptied, all of them or one: report it once, without keys."""
        if everything:
            self.keys = {}
            self.items = 0
        for client in list(self.clients.values()):
            if client.tracking is not None:
                self._invalidate(client, client.tracking, b"")

    def broadcast(self) -> None:
        """Report what changed below prefixes since the last time."""
        if not self._changes:
            return
        changes = self._changes
        self._changes = {}
        for prefix, change in changes.items():
            for client in list(self.prefixes.get(prefix, {}).values()):
                state = client.tracking
                if state is None:
                    continue
                keys = [key for key, actor in change.keys.items() if not (state.no_loop and actor == client.id)]
                if keys:
                    self._invalidate(client, state, bulk_array(keys))

    def _invalidate(self, client: Client, state: TrackingState, keys: bytes) -> None:
        """Send an invalidation; empty ``keys`` stand for all keys."""
        target = client
        if state.redirect:
            other = self.engine.clients.connected.get(state.redirect)
            if other is None or other.closing:
                state.broken_redirect = True
                if client.caller.resp3:
                    client.push(b">2\r\n" + bulk(b"tracking-redir-broken") + integer(state.redirect))
                return
            target = other
        if target.caller.resp3:
            target.push(b">2\r\n" + bulk(b"invalidate") + (keys or b"_\r\n"))
        elif state.redirect and (target.channels or target.patterns or target.shard_channels):
            target.push(b"*3\r\n" + bulk(b"message") + bulk(REDIRECT_CHANNEL) + (keys or b"*-1\r\n"))
