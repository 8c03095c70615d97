"""A script or function that runs now, as the rest of the engine sees it."""

from cachetwin_engine.core.registry.command_table import Command

from .client import Caller
from .propagation import EVERYWHERE


class ScriptRun:
    """Base class of ``scripting.caller.RunningScript``, which runs the commands."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.name = b""
        self.args: list[bytes] = []
        self.started_us = 0
        self.time_us = 0  # Unix time, which stands still for the script until it is slow
        self.kill_command = b""
        self.wrote = False  # it has run a writing command, so it can't be ended without a trace
        self.killed = False
        self.read_only = False
        self.allow_oom = False
        self.targets = EVERYWHERE  # of its changes (redis.set_repl)
        self.keeps_slot = False  # in cluster mode: all its keys are in one slot, ``slot`` once that is known
        self.slot = -1

    def call(self, args: list[bytes]) -> bytes:
        """Run a command; its reply in the script's protocol."""
        raise NotImplementedError

    def call_row(self, command: Command, args: list[bytes]) -> bytes:
        """Run a command that is known; its reply in the script's protocol."""
        raise NotImplementedError

    def may(self, args: list[bytes]) -> bool | None:
        """True if the caller's user may run ``args``, None if there is no such command."""
        raise NotImplementedError
