"""Records of calls that took long or had large requests or replies: COMMANDLOG, the latency monitor, slot usage.

The engine compares each call with ``slow_after_us``, ``large_request_bytes`` and ``large_reply_bytes``, the lowest
threshold of any of these logs, and calls the methods here for those that reach it.
"""

from cachetwin_engine.core.cluster.state import SlotUsage
from cachetwin_engine.core.registry.command_table import FAST, SKIP_SLOWLOG, Command
from cachetwin_engine.core.registry.redaction import shown
from cachetwin_engine.core.state.client import Caller, Client
from cachetwin_engine.core.state.engine_state import EngineState
from cachetwin_engine.core.stats.command_log import LARGE_REPLY, LARGE_REQUEST, SLOW, CommandLog


class CallLogs:
    """The logs of one engine."""

    def __init__(self, engine: EngineState) -> None:
        self._engine = engine
        self.commands = [CommandLog(), CommandLog(), CommandLog()]  # by kind, see ``command_log``

    def call_was_slow(self, caller: Caller, command: Command, args: list[bytes], duration_us: int) -> None:
        """A call took at least ``slow_after_us``."""
        engine = self._engine
        if engine.counts_slots and not (caller.in_script or caller.in_exec):
            usage = self._usage_of(caller.session)
            if usage is not None:
                usage.cpu_us += duration_us
        if 0 <= engine.config.monitoring.slowlog_log_slower_than <= duration_us and not command.flags & SKIP_SLOWLOG:
            self._log(SLOW, caller, shown(args, command.name), duration_us, "commandlog-slow-execution-max-len")
        event = b"fast-command" if command.flags & FAST else b"command"
        engine.latency_monitor.note(event, duration_us, engine.now_ms)

    def traffic_was_large(self, client: Client, command: Command, args: list[bytes], reply_bytes: int) -> None:
        """A request took at least ``large_request_bytes``, or its reply ``large_reply_bytes``."""
        request_bytes = client.parser.request_bytes
        if self._engine.counts_slots:
            usage = self._usage_of(client)
            if usage is not None:
                usage.bytes_in += request_bytes
                usage.bytes_out += reply_bytes
        if command.flags & SKIP_SLOWLOG:
            return
        config = self._engine.config
        caller = client.caller
        if 0 <= config.monitoring.large_request_bytes <= request_bytes:
            self._log(
                LARGE_REQUEST, caller, shown(args, command.name), request_bytes, "commandlog-large-request-max-len"
            )
        if 0 <= config.monitoring.large_reply_bytes <= reply_bytes:
            self._log(LARGE_REPLY, caller, shown(args, command.name), reply_bytes, "commandlog-large-reply-max-len")

    def _usage_of(self, client: Client) -> SlotUsage | None:
        """The statistics of the slot that the client's command is about; None without keys."""
        cluster = self._engine.cluster
        slot = client.slot
        if cluster is None or slot < 0:
            return None
        usage = cluster.usage.get(slot)
        if usage is None:
            usage = cluster.usage[slot] = SlotUsage()
        return usage

    def _log(self, kind: int, caller: Caller, args: list[bytes], value: int, length_parameter: str) -> None:
        """Add an entry; ``args`` are free of secrets."""
        client = caller.session
        self.commands[kind].add(
            self._engine.now_ms // 1000, value, args, client.address.encode(), client.name,
            self._engine.config.integer(length_parameter),
        )  # fmt: skip
