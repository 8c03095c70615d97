"""Times of calls by timing batches, in which the clock is read once for several calls: see ``dispatch``."""

from typing import Final

from mypy_extensions import i64

from cachetwin_engine.core.registry.command_table import Command
from cachetwin_engine.core.state.client import Caller
from cachetwin_engine.core.state.engine_state import EngineState
from cachetwin_engine.core.stats.latency import BUCKETS, bucket_of

from .call_logs import CallLogs

_NO_ARGUMENTS: Final[list[bytes]] = []


class CallTimer:
    """The timing batch of one engine."""

    row: Command | None = None
    calls: i64 = 0
    caller: Caller | None = None  # of the batch's last call
    args: list[bytes] = _NO_ARGUMENTS
    arguments_max: i64 = 0  # of a call that may share a batch; 0: none may

    def __init__(self, engine: EngineState, call_logs: CallLogs) -> None:
        self._engine = engine
        self._call_logs = call_logs

    def end_batch(self) -> None:
        """Read the clock, and book the time since it was last read evenly on the calls that have run since."""
        engine = self._engine
        now_us = engine.clock()
        duration_us = now_us - engine.batch_started_us
        engine.batch_started_us = now_us
        row, calls, caller, args = self.row, self.calls, self.caller, self.args
        self.row = None
        self.calls = 0
        self.caller = None
        self.args = _NO_ARGUMENTS
        if row is None or calls == 0:
            return
        self._book(row, calls, duration_us)
        if duration_us >= engine.slow_after_us and caller is not None:
            self._call_logs.call_was_slow(caller, row, args, duration_us)

    def end_call(self, caller: Caller, command: Command, args: list[bytes], started_us: int) -> None:
        """Book a call that is a batch of its own, or ends one."""
        if self.row is command:
            self.calls += 1
            self.caller = caller
            self.args = args
            self.end_batch()
            return
        self.end_batch()  # of the calls that ran within it
        duration_us = self._engine.batch_started_us - started_us
        self._book(command, 1, duration_us)
        if duration_us >= self._engine.slow_after_us:
            self._call_logs.call_was_slow(caller, command, args, duration_us)

    def _book(self, row: Command, calls: i64, duration_us: i64) -> None:
        row.calls += calls
        row.usec += duration_us
        self._engine.commands_processed += calls
        if self._engine.tracks_latency:
            if not row.latency:
                row.latency = [0] * BUCKETS
            row.latency[bucket_of(duration_us // calls)] += calls
