"""CLIENT PAUSE, and the writes that FAILOVER and SHUTDOWN hold back.

While ``BLOCKED_BY_PAUSE`` is set every request comes by ``holds_back``, no client that waits for a key is served, and no
key expires.
"""

from cachetwin_engine.core.registry.command_table import MAY_REPLICATE, WRITE, Command
from cachetwin_engine.core.registry.dispatch_flags import BLOCKED_BY_PAUSE
from cachetwin_engine.core.state.client import Client
from cachetwin_engine.core.state.engine_state import EngineState
from cachetwin_engine.core.state.script_library import ScriptLibrary, flags_now


class Pause:
    """The pause of one engine: what it holds back, and for how long."""

    def __init__(self, engine: EngineState, scripts: ScriptLibrary) -> None:
        self._engine = engine
        self._scripts = scripts
        self.until_ms = 0  # of CLIENT PAUSE, Unix time
        self.holds_everything = False  # not only what writes
        self._held: list[tuple[Client, list[bytes]]] = []  # in the order of their arrival
        self._holders: list[object] = []  # parts that hold writes back without CLIENT PAUSE

    def is_on(self) -> bool:
        """True while CLIENT PAUSE, FAILOVER or SHUTDOWN holds writes back."""
        return self._engine.blocked_by & BLOCKED_BY_PAUSE != 0

    def begin(self, until_ms: int, everything: bool) -> None:
        """CLIENT PAUSE: a pause that lasts longer, or holds more, is not cut short."""
        engine = self._engine
        paused = self.is_on()
        self.holds_everything = everything or (paused and self.holds_everything and self.until_ms > engine.now_ms)
        self.until_ms = max(until_ms, self.until_ms if paused else 0)
        engine.blocked_by |= BLOCKED_BY_PAUSE
        engine.choose_expiry()

    def hold_writes(self, on: bool, holder: object) -> None:
        """FAILOVER begins or ends, or the end of the process waits for replicas; ``holder`` is the part that asks."""
        engine = self._engine
        if holder in self._holders:
            self._holders.remove(holder)
        if on:
            self._holders.append(holder)
            engine.blocked_by |= BLOCKED_BY_PAUSE
            engine.keeps_expired = True
        elif engine.now_ms >= self.until_ms:
            self.end()

    def tick(self) -> None:
        """End the pause if its time is over. Called ten times a second."""
        if self.is_on() and self._engine.now_ms >= self.until_ms:
            self.end()

    def end(self) -> None:
        """Run what was held back in the order of its arrival."""
        engine = self._engine
        if not self.is_on():
            return
        self.until_ms = 0
        self.holds_everything = False
        if self._holders:
            return
        engine.blocked_by &= ~BLOCKED_BY_PAUSE
        engine.choose_expiry()
        waiting = self._held
        self._held = []
        run_postponed(engine, waiting)

    def holds_stream(self, client: Client, args: list[bytes]) -> bool:
        """True if a command of the primary's stream, which is run in its order, must wait."""
        command = self._engine.commands.get(args[0].lower())
        return command is not None and (
            self.holds_everything or flags_now(self._scripts, client, command, args) & (WRITE | MAY_REPLICATE) != 0
        )

    def holds_back(self, client: Client, command: Command, args: list[bytes]) -> bool:
        """True if ``args`` must wait: then ``client`` is blocked from now on, and they run when the pause is over."""
        if self._engine.now_ms >= self.until_ms and not self._holders:
            self.end()
            return False
        if not self.holds_everything:
            flags = flags_now(self._scripts, client, command, args)
            if not flags & (WRITE | MAY_REPLICATE):
                return False
        self.hold(client, args)
        return True

    def hold(self, client: Client, args: list[bytes]) -> None:
        """Hold ``args`` back until the pause ends."""
        self._held.append((client, args))
        client.postpone(args)


def run_postponed(engine: EngineState, waiting: list[tuple[Client, list[bytes]]]) -> None:
    """Run what was held back by ``Client.postpone``, in that order, for the clients that still wait for it."""
    for client, args in waiting:
        if client.closing or client.blocked is None or client.blocked.args is not args:
            continue
        client.leave_queues()
        engine.actor = client
        reply = client.execute(args)
        if reply:
            client.push(reply)
        if not client.is_blocked():
            engine.clients.resume(client)
