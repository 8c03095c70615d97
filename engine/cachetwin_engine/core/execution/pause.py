"""CLIENT PAUSE, and the writes that FAILOVER holds back: who waits for neither a key nor a time, but for leave to go on.

While ``BLOCKED_BY_PAUSE`` is set every request comes by ``holds_back``, no client that waits for a key is served, and no
key expires.
"""

from typing import TYPE_CHECKING

from cachetwin_engine.core.registry.command_table import MAY_REPLICATE, WRITE, Command
from cachetwin_engine.core.registry.dispatch_flags import BLOCKED_BY_PAUSE

from .admission import flags_now
from .dispatch import execute

if TYPE_CHECKING:
    from cachetwin_engine.core.engine import Engine

    from .session import Session


class Pause:
    """What one engine holds back, and for how long."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.until_ms = 0  # of CLIENT PAUSE, Unix time
        self.holds_everything = False  # not only what writes
        self._held: list[tuple[Session, list[bytes]]] = []  # in the order of their arrival

    def is_on(self) -> bool:
        """Does CLIENT PAUSE, or a failover, hold writes back?"""
        return self._engine.blocked_by & BLOCKED_BY_PAUSE != 0

    def begin(self, until_ms: int, everything: bool) -> None:
        """CLIENT PAUSE: a pause that lasts longer, or holds more, is not cut short."""
        engine = self._engine
        paused = self.is_on()
        self.holds_everything = everything or (paused and self.holds_everything and self.until_ms > engine.now_ms)
        self.until_ms = max(until_ms, self.until_ms if paused else 0)
        engine.blocked_by |= BLOCKED_BY_PAUSE
        engine.choose_expiry()

    def hold_writes(self, on: bool) -> None:
        """FAILOVER begins or ends, or the end of the process waits for replicas."""
        engine = self._engine
        if on:
            engine.blocked_by |= BLOCKED_BY_PAUSE
            engine.keeps_expired = True
        elif engine.now_ms >= self.until_ms:
            self.end()

    def _is_kept(self) -> bool:
        """Would writes be held back without CLIENT PAUSE too?"""
        return self._engine.replication.failover.is_under_way() or self._engine.shutdown.is_waiting()

    def tick(self) -> None:
        """Ten times a second: is it over?"""
        if self.is_on() and self._engine.now_ms >= self.until_ms:
            self.end()

    def end(self) -> None:
        """What was held back runs in the order of its arrival."""
        engine = self._engine
        if not self.is_on():
            return
        self.until_ms = 0
        self.holds_everything = False
        if self._is_kept():
            return
        engine.blocked_by &= ~BLOCKED_BY_PAUSE
        engine.choose_expiry()
        waiting = self._held
        self._held = []
        for session, args in waiting:
            if session.closing or session.blocked is None or session.blocked.args is not args:
                continue
            session.leave_queues()
            engine.actor = session
            reply = execute(session, args)
            if reply:
                session.push(reply)
            if not session.is_blocked():
                engine.resume(session)

    def holds_stream(self, session: "Session", args: list[bytes]) -> bool:
        """Must a command of the primary's stream, which is run in its order, wait?"""
        command = self._engine.commands.get(args[0].lower())
        return command is not None and (
            self.holds_everything or flags_now(session, command, args) & (WRITE | MAY_REPLICATE) != 0
        )

    def holds_back(self, session: "Session", command: Command, args: list[bytes]) -> bool:
        """Must ``args`` wait? Then ``session`` is blocked from now on, and they run when the pause is over."""
        engine = self._engine
        if engine.now_ms >= self.until_ms and not self._is_kept():
            self.end()
            return False
        if not self.holds_everything and not flags_now(session, command, args) & (WRITE | MAY_REPLICATE):
            return False
        self.hold(session, args)
        return True

    def hold(self, session: "Session", args: list[bytes]) -> None:
        """Let ``args`` wait."""
        self._held.append((session, args))
        session.postpone(args)
