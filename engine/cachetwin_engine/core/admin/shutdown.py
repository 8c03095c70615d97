"""The end of the process, after SHUTDOWN or a signal: replicas receive what they miss, the data is saved, then it ends.

While a replica is behind, clients' writes are held back as in CLIENT PAUSE, for ``shutdown-timeout`` seconds at most, and
the client that called SHUTDOWN waits. SHUTDOWN ABORT cancels it, and so does a save that fails: writes run again.
"""

from typing import Final

from cachetwin_engine.core.aof.rewriter import LogRewriter
from cachetwin_engine.core.execution.pause import Pause
from cachetwin_engine.core.rdb.saving import Saves
from cachetwin_engine.core.replication.history import ReplicationHistory
from cachetwin_engine.core.state.engine_state import EngineState

FAILED: Final = b"-ERR Errors trying to SHUTDOWN. Check logs.\r\n"


class Shutdown:
    """How far the shutdown of one engine is. The shell looks at ``EngineState.shutdown_requested``."""

    def __init__(
        self, engine: EngineState, saves: Saves, log: LogRewriter, replication: ReplicationHistory, pause: Pause
    ) -> None:
        self._engine = engine
        self._saves = saves
        self._log = log
        self._replication = replication
        self._pause = pause
        self.reason = ""  # who asked
        self._asked: set[str] | None = None  # by a signal, and not begun yet
        self._words: set[str] = set()  # of SHUTDOWN: save, nosave, now, force
        self._deadline_ms = 0  # of the wait for replicas; 0 is none

    def is_waiting(self) -> bool:
        """True while the end waits for replicas."""
        return self._deadline_ms != 0

    def wait_ms(self) -> int:
        """How long it still waits at most, in milliseconds."""
        return self._deadline_ms - self._engine.now_ms

    def ask(self, reason: str, words: set[str]) -> None:
        """A signal came: the end begins with the next tick. ``words`` are those of SHUTDOWN."""
        self.reason = reason
        self._asked = words

    def begin(self, reason: str, words: set[str]) -> None:
        """End now if every replica has everything; else wait for them. A save that fails is logged and cancels the end."""
        if self.is_waiting():
            return
        engine = self._engine
        self.reason = reason
        self._asked = None
        self._words = words
        engine.host.log("User requested shutdown...")
        self._replication.flush()
        seconds = engine.config.integer("shutdown-timeout")
        if "now" not in words and seconds and engine.running_script is None and self._lagging():
            self._deadline_ms = engine.now_ms + seconds * 1000
            self._pause.hold_writes(True, self)
            engine.host.log("Waiting for replicas before shutting down.")
            return
        self.finish()

    def tick(self) -> None:
        """Begin or end when it is time. Called ten times a second."""
        asked = self._asked
        if asked is not None:
            self.begin(self.reason, asked)
        elif self.is_waiting() and (self._engine.now_ms >= self._deadline_ms or not self._lagging()):
            self.finish()

    def abort(self) -> bool:
        """SHUTDOWN ABORT; False if there was nothing to cancel."""
        if self._asked is None and not self.is_waiting():
            return False
        self._cancel()
        self._engine.host.log("Shutdown manually aborted.")
        return True

    def finish(self) -> None:
        """Save, and end unless that fails."""
        engine = self._engine
        self._log_replicas()
        if not self.save():
            engine.host.log("Errors trying to shut down the server. Check the logs for more information.")
            self._cancel()
            return
        self._deadline_ms = 0
        engine.shutdown_requested = True

    def save(self) -> bool:
        """Save if save points or the words of SHUTDOWN ask for it. False if that failed and the process must not end."""
        engine = self._engine
        force = "force" in self._words
        self._saves.cancel()
        if not self._log.finish(force):
            return force
        wanted = "save" in self._words or (engine.config.server.save_points and "nosave" not in self._words)
        if not wanted or engine.running_script is not None:
            return True
        engine.host.log("Saving the final RDB snapshot before exiting.")
        if not self._saves.save():
            return True
        engine.host.log("Error trying to save the DB" + (". Exit anyway." if force else ", can't exit."))
        return force

    def _cancel(self) -> None:
        engine = self._engine
        self._asked = None
        self._deadline_ms = 0
        for client in list(engine.clients.blocked.values()):
            blocked = client.blocked
            if blocked is not None and blocked.on_timeout is FAILED:
                client.unblock(FAILED)
        self._pause.hold_writes(False, self)

    def _lagging(self) -> int:
        """Replicas that have not acknowledged everything."""
        count = 0
        for replica in self._replication.replicas.values():
            if replica.ack_offset != self._replication.offset and not replica.rdb_only:
                count += 1
        return count

    def _log_replicas(self) -> None:
        engine = self._engine
        replication = self._replication
        for replica in replication.replicas.values():
            behind = replication.offset - replica.ack_offset
            if behind:
                name = f"{replica.ip()}:{replica.listening_port}"
                engine.host.log(f"Lagging replica {name} reported offset {behind} behind master.")
        total = len(replication.replicas)
        if total:
            engine.host.log(f"{total - self._lagging()} of {total} replicas are in sync when shutting down.")
