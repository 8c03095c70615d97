"""FAILOVER: a primary hands its role over to one of its replicas.

Writes are held back (``pause``) until a replica has the whole history. Then this node follows it, and asks with the words
of PSYNC that it become the primary; any answer ends the failover.
"""

from cachetwin_engine.core.execution.pause import Pause
from cachetwin_engine.core.state.engine_state import EngineState

from .connected_replica import ONLINE, ConnectedReplica
from .history import ReplicationHistory


class _Handover:
    """The failover that is under way."""

    def __init__(self, target: ConnectedReplica | None, deadline_ms: int, force: bool) -> None:
        self.target = target
        self.deadline_ms = deadline_ms  # 0: none
        self.force = force  # at the deadline hand over all the same
        self.asked = False  # the replica to become the primary


class Failover:
    """The failover of one engine, if there is one."""

    def __init__(self, engine: EngineState, history: ReplicationHistory, pause: Pause) -> None:
        self._engine = engine
        self._history = history
        self._pause = pause
        self._handover: _Handover | None = None

    def is_under_way(self) -> bool:
        """Between FAILOVER and its end."""
        return self._handover is not None

    def begin(self, target: ConnectedReplica | None, timeout_ms: int, force: bool) -> None:
        """Hold writes back until a replica (``target``, or any) has everything, then change roles with it."""
        now_ms = self._engine.now_ms
        self._handover = _Handover(target, now_ms + timeout_ms if timeout_ms else 0, force)
        self._pause.hold_writes(True, self)

    def abort(self) -> None:
        """Stay the primary; with a new history if the other side has been asked already."""
        handover = self._handover
        self._handover = None
        if handover is not None and handover.asked:
            self._history.follow_nobody()
        self._pause.hold_writes(False, self)

    def end(self) -> None:
        """The other side answered: it is the primary now."""
        if self._handover is not None:
            self._handover = None
            self._pause.hold_writes(False, self)

    def state(self) -> str:
        """As INFO has it."""
        handover = self._handover
        if handover is None:
            return "no-failover"
        return "failover-in-progress" if handover.asked else "waiting-for-sync"

    def tick(self) -> None:
        """Ask the replica when it has everything, or at the deadline. Called ten times a second."""
        handover = self._handover
        if handover is None or handover.asked:
            return
        engine = self._engine
        history = self._history
        over = 0 < handover.deadline_ms <= engine.now_ms
        target = handover.target
        if over and not (handover.force and target is not None):
            self.abort()
            return
        if target is not None and target.session.id not in history.replicas:
            self.abort()
            return
        for replica in [target] if target is not None else list(history.replicas.values()):
            if over:
                engine.host.log("failover: time out exceeded, failing over.")
            if over or (replica.state == ONLINE and replica.ack_offset >= history.offset):
                handover.asked = True
                history.take_over_from(replica.ip(), replica.listening_port)
                return
