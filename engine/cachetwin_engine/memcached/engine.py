"""A memcached server without sockets: settings in, sessions out, and a tick from the shell."""

from collections.abc import Callable
from typing import Final, final

from cachetwin_engine.memcached.binary import handle_frame
from cachetwin_engine.memcached.commands import COMMANDS
from cachetwin_engine.memcached.commands.serverless import restrict
from cachetwin_engine.memcached.host import Host
from cachetwin_engine.memcached.items.lru_moves import juggle
from cachetwin_engine.memcached.server_state import ServerState
from cachetwin_engine.memcached.session import Handler, Session
from cachetwin_engine.memcached.settings import Settings
from cachetwin_engine.memcached.statistics.general import general_statistics
from cachetwin_engine.memcached.statistics.values import Statistics

JUGGLES_PER_TICK_MAX: Final = 10


@final
class Memcached:
    """One server."""

    def __init__(self, settings: Settings, clock: Callable[[], int], host: Host | None = None) -> None:
        """``clock``: Unix time in nanoseconds."""
        self.state = ServerState(settings, clock, Host() if host is None else host)
        self.settings = settings
        self.store = self.state.store
        self._handlers: dict[bytes, Handler] = {name: row.handler for name, row in COMMANDS.items()}
        if not settings.debug_commands:
            del self._handlers[b"debugtime"]
        if settings.serverless:
            restrict(self._handlers)
        self._last_second = 0

    def open_session(
        self, descriptor: int, address: bytes, listen_address: bytes, ip: bytes, port: int, transport: bytes
    ) -> Session:
        """A session for a new connection, known by its descriptor. ``address``: as ``stats conns`` shows it."""
        state = self.state
        session = Session(state, self._handlers, handle_frame, descriptor, address, listen_address)
        session.peer = (ip, port, transport)
        state.clients[descriptor] = session
        state.most_clients = max(state.most_clients, len(state.clients))
        state.store.counters.total_connections += 1
        state.store.watchers.log_connection(ip, port, transport, descriptor, b"")
        return session

    def close_session(self, session: Session) -> None:
        """The connection is closed."""
        state = self.state
        if session.watcher is not None:
            state.store.watchers.remove(session.watcher)
        if session.dump is not None:
            state.crawler.dumping = False
        del state.clients[session.descriptor]
        ip, port, transport = session.peer
        state.store.watchers.log_connection(ip, port, transport, session.descriptor, session.close_reason)

    def statistics_text(self) -> str:
        """``stats``, one a line as ``name:value``."""
        out = Statistics()
        general_statistics(self.state, out)
        return "".join([f"{name.decode()}:{value.decode(errors='replace')}\r\n" for name, value in out.pairs])

    def tick(self, seconds: int) -> None:
        """Upkeep; ``seconds`` since the start, on a clock that is never set."""
        state = self.state
        store = state.store
        now = 62 + seconds + state.time_offset
        if now > store.now and not state.paused:
            store.set_now(now)
        settings = self.settings
        if settings.lru_maintainer:
            rounds = 0
            while juggle(store) and rounds < JUGGLES_PER_TICK_MAX:
                rounds += 1
        state.crawler.tick()
        if seconds != self._last_second:
            self._last_second = seconds
            if settings.slab_automove == 1 and settings.slab_reassign and settings.lru_maintainer:
                state.automover.run()
