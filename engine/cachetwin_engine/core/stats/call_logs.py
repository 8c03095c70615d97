"""What calls leave behind that took long or moved much: COMMANDLOG, the latency monitor, the slots' usage.

The engine compares each call with ``slow_after_us``, ``large_request_bytes`` and ``large_reply_bytes``, the least that any
of these wants to know, and comes here with those that reach it.
"""

from typing import TYPE_CHECKING

from cachetwin_engine.core.cluster.state import SlotUsage
from cachetwin_engine.core.registry.command_table import FAST, SKIP_SLOWLOG, Command
from cachetwin_engine.core.registry.redaction import shown

from .command_log import LARGE_REPLY, LARGE_REQUEST, SLOW, CommandLog
from .latency import EventSeries

if TYPE_CHECKING:
    from cachetwin_engine.core.engine import Engine
    from cachetwin_engine.core.execution.context import Context
    from cachetwin_engine.core.execution.session import Session


class CallLogs:
    """The logs of one engine."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.commands = [CommandLog(), CommandLog(), CommandLog()]  # by kind, see ``command_log``
        self.latency: dict[bytes, EventSeries] = {}  # by event

    def call_was_slow(self, ctx: "Context", command: Command, args: list[bytes], duration_us: int) -> None:
        """A call took at least ``slow_after_us``."""
        engine = self._engine
        if engine.counts_slots and not (ctx.in_script or ctx.in_exec):
            usage = self._usage_of(ctx.session)
            if usage is not None:
                usage.cpu_us += duration_us
        if 0 <= engine.config.monitoring.slowlog_log_slower_than <= duration_us and not command.flags & SKIP_SLOWLOG:
            self._log(SLOW, ctx, shown(args, command.name), duration_us, "commandlog-slow-execution-max-len")
        self.note_latency(b"fast-command" if command.flags & FAST else b"command", duration_us)

    def traffic_was_large(self, session: "Session", command: Command, args: list[bytes], reply_bytes: int) -> None:
        """A request took at least ``large_request_bytes``, or its reply ``large_reply_bytes``."""
        request_bytes = session.parser.request_bytes
        if self._engine.counts_slots:
            usage = self._usage_of(session)
            if usage is not None:
                usage.bytes_in += request_bytes
                usage.bytes_out += reply_bytes
        if command.flags & SKIP_SLOWLOG:
            return
        config = self._engine.config
        ctx = session.context
        if 0 <= config.monitoring.large_request_bytes <= request_bytes:
            self._log(LARGE_REQUEST, ctx, shown(args, command.name), request_bytes, "commandlog-large-request-max-len")
        if 0 <= config.monitoring.large_reply_bytes <= reply_bytes:
            self._log(LARGE_REPLY, ctx, shown(args, command.name), reply_bytes, "commandlog-large-reply-max-len")

    def note_latency(self, event: bytes, duration_us: int) -> None:
        """A sample for the latency monitor, if it took as long as that wants to know."""
        duration_ms = duration_us // 1000
        threshold_ms = self._engine.config.monitoring.latency_monitor_threshold
        if not threshold_ms or duration_ms < threshold_ms:
            return
        series = self.latency.get(event)
        if series is None:
            series = self.latency[event] = EventSeries()
        series.add(self._engine.now_ms // 1000, duration_ms)

    def _usage_of(self, session: "Session") -> SlotUsage | None:
        """The statistics of the slot that the session's command is about; None without keys."""
        cluster = self._engine.cluster
        slot = session.slot
        if cluster is None or slot < 0:
            return None
        usage = cluster.usage.get(slot)
        if usage is None:
            usage = cluster.usage[slot] = SlotUsage()
        return usage

    def _log(self, kind: int, ctx: "Context", args: list[bytes], value: int, length_parameter: str) -> None:
        """``args`` as others may see them."""
        session = ctx.session
        self.commands[kind].add(
            self._engine.now_ms // 1000, value, args, session.address.encode(), session.name,
            self._engine.config.integer(length_parameter),
        )  # fmt: skip
