"""What a running script may do to the engine: ``redis.call`` and ``redis.acl_check_cmd``."""

from typing import Final

from cachetwin_engine.core.cluster.state import ClusterState
from cachetwin_engine.core.config.profile import Profile
from cachetwin_engine.core.execution.admission import is_read_only, is_stale, lacks_replicas
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.execution.dispatch import call, find_command
from cachetwin_engine.core.execution.permission import check_in, denial
from cachetwin_engine.core.execution.routing import script_refusal
from cachetwin_engine.core.protocol.errors import NO_REPLICAS, OUT_OF_MEMORY, READ_ONLY, CommandError
from cachetwin_engine.core.protocol.replies import error
from cachetwin_engine.core.registry.command_table import DENYOOM, MAY_REPLICATE, NOSCRIPT, STALE, WRITE, Command
from cachetwin_engine.core.registry.dispatch_flags import BLOCKED_BY_DISK, BLOCKED_BY_REPLICA, CLIENT_RESTRICTED
from cachetwin_engine.core.state.propagation import EVERYWHERE
from cachetwin_engine.core.state.script_run import ScriptRun

_ACL_FAILURES: Final = [  # of Redis OSS 7.0, by the end of the error that a client gets
    (b"access a key", b"access at least one of the keys mentioned in the command arguments"),
    (b"access a channel", b"publish to the channel mentioned in the command"),
]


class RunningScript(ScriptRun):
    """One run of a script or function: its state, and what it may do.

    It has the caller's rights and database, a protocol and a database index of its own. When it has ended, the object
    serves for the next one.
    """

    def __init__(self, name: bytes, args: list[bytes], outer: Context, read_only: bool, is_function: bool) -> None:
        context = Context(outer.engine, outer.session, outer.db, outer.user)
        context.in_script = True
        super().__init__(context)
        self.context = context
        self._engine = outer.engine
        self.begin(name, args, outer, read_only, is_function)

    def begin(self, name: bytes, args: list[bytes], outer: Context, read_only: bool, is_function: bool) -> None:
        """Start a new run with this object."""
        engine = outer.engine
        self.name = name
        self.args = args
        self.started_us = engine.batch_started_us
        self.time_us = engine.now_us()  # Unix time, which stands still for the script until it is slow
        self.kill_command = b"FUNCTION KILL" if is_function else b"SCRIPT KILL"
        self.wrote = False  # it has run a writing command, so it can't be ended without a trace
        self.killed = False
        self.read_only = read_only
        self.allow_oom = False
        self.targets = EVERYWHERE
        self.keeps_slot = False  # in cluster mode: all its keys are in one slot, ``slot`` once that is known
        self.slot = outer.session.slot
        self.context.take_place_of(outer)

    def call(self, args: list[bytes]) -> bytes:
        """Run a command; its reply in the script's protocol."""
        try:
            command = find_command(self._engine, args)
        except CommandError:
            return self._refused(b"ERR Unknown " + self._redis() + b"command called from script")
        return self.call_row(command, args)

    def call_row(self, command: Command, args: list[bytes]) -> bytes:
        """Run a command that is known; its reply in the script's protocol."""
        engine = self._engine
        problem = self._problem(command, args)
        if problem is not None:
            command.rejected_calls += 1
            return self._refused(problem)
        if command.flags & WRITE:
            self.wrote = True
        if self.targets == EVERYWHERE:
            return call(self.context, command, args)
        engine.propagation.targets = self.targets
        try:
            return call(self.context, command, args)
        finally:
            engine.propagation.targets = EVERYWHERE

    def may(self, args: list[bytes]) -> bool | None:
        """Whether the caller's user may run ``args``; None if there is no such command."""
        try:
            command = find_command(self._engine, args)
        except CommandError:
            return None
        return check_in(self.context, self.context.user, command, args) is None

    def _refused(self, line: bytes) -> bytes:
        reply = error(line)
        self._engine.statistics.count_error(reply)
        return reply

    def _redis(self) -> bytes:
        """A word of two texts, which newer versions do without."""
        return b"Redis " if self._engine.profile.names_redis_in_errors else b""

    def _problem(self, command: Command, args: list[bytes]) -> bytes | None:
        engine = self._engine
        if not command.accepts(len(args)):
            return b"ERR Wrong number of args calling " + self._redis() + b"command from script"
        if command.flags & NOSCRIPT and not engine.scripts.allows_every_command:
            return b"ERR This " + engine.profile.name_in_scripts + b" command is not allowed from script"
        if command.flags & (WRITE | MAY_REPLICATE) and self.read_only:
            return b"ERR Write commands are not allowed from read-only scripts."
        if self.context.session.client_flags & CLIENT_RESTRICTED:
            denied = denial(self.context, command, args)
            if denied is not None:
                return _acl_failure(engine.profile, denied)
        if engine.blocked_by & BLOCKED_BY_REPLICA and not self.context.session.is_primary:
            if command.flags & WRITE and is_read_only(engine):
                return READ_ONLY
            if not command.flags & STALE and is_stale(engine):
                return b"ERR Can not execute the command on a stale replica"
        if not self.wrote:  # after a write, a script must not fail half-way for reasons outside of it
            if command.flags & WRITE and lacks_replicas(engine):
                return NO_REPLICAS
            if command.flags & WRITE and engine.blocked_by & BLOCKED_BY_DISK:
                return engine.disk_problems.line()
            if command.flags & DENYOOM and engine.memory_is_full and not self.allow_oom:
                return OUT_OF_MEMORY
        if engine.cluster is not None:
            return self._elsewhere(engine.cluster, command, args)
        return None

    def _elsewhere(self, cluster: ClusterState, command: Command, args: list[bytes]) -> bytes | None:
        line, slot = script_refusal(self.context, cluster, command, args, self.slot if self.keeps_slot else -1)
        if slot >= 0 and self.slot < 0:
            self.slot = slot
        return line


def _acl_failure(profile: Profile, denied: bytes) -> bytes:
    """The refusal ``denied`` of a client, as the script of that client gets it."""
    if profile.has_brief_acl_failures:
        return b"ERR ACL failure in script: " + denied.removeprefix(b"NOPERM ")
    for end, what in _ACL_FAILURES:
        if denied.endswith(end):
            return b"ERR The user executing the script can't " + what
    return b"ERR The user executing the script can't run this command or subcommand"
