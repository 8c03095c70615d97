"""Commands of the server: flush_all, version, verbosity, cache_memlimit, shutdown and quit."""

from typing import Final

from cachetwin_engine.memcached import replies
from cachetwin_engine.memcached.commands.table import command, quiet
from cachetwin_engine.memcached.numbers import NOT_A_NUMBER, signed_32, unsigned_32
from cachetwin_engine.memcached.server_state import ServerState
from cachetwin_engine.memcached.session import Session
from cachetwin_engine.memcached.settings import MEGABYTE, VERBOSITY_MAX

MEMORY_MEGABYTES_MIN: Final = 8
MEMORY_MEGABYTES_MAX: Final = 1_000_000_000


@command(
    b"flush_all",
    usage="flush_all [exptime] [noreply]",
    summary="Forget all items, now or in some seconds.",
    group="server",
)
def flush_all(session: Session, words: list[bytes]) -> bytes:
    """Forget all items."""
    if len(words) > 3:
        return replies.ERROR
    no_reply = quiet(words)
    store = session.store
    store.counters.flush_commands += 1
    if not session.settings.flush_enabled:
        return b"" if no_reply else b"CLIENT_ERROR flush_all not allowed\r\n"
    seconds = 0
    if len(words) != (2 if no_reply else 1):
        number = signed_32(words[1])
        if number == NOT_A_NUMBER:
            return b"" if no_reply else replies.BAD_EXPTIME
        seconds = int(number)
    store.flush(seconds)
    return b"" if no_reply else replies.OK


@command(b"version", usage="version", summary="Show the version.", group="server")
def version(session: Session, words: list[bytes]) -> bytes:
    """Show the version."""
    return b"VERSION " + session.settings.version + b"\r\n"


@command(
    b"verbosity",
    usage="verbosity level [noreply]",
    summary="Set how much is logged: 0 to 3.",
    group="server",
)
def verbosity(session: Session, words: list[bytes]) -> bytes:
    """Set how much is logged."""
    if not 2 <= len(words) <= 3:
        return replies.ERROR
    level = unsigned_32(words[1])
    if level < 0:
        return b"" if quiet(words) else replies.BAD_FORMAT
    session.settings.verbosity = min(int(level), VERBOSITY_MAX)
    return b"" if quiet(words) else replies.OK


@command(
    b"cache_memlimit",
    usage="cache_memlimit megabytes [noreply]",
    summary="Set the memory for items.",
    group="server",
    since="1.4.25",
)
def cache_memlimit(session: Session, words: list[bytes]) -> bytes:
    """Set the memory limit."""
    if not 2 <= len(words) <= 3:
        return replies.ERROR
    megabytes = unsigned_32(words[1])
    if megabytes < 0:
        reply = replies.ERROR
    elif megabytes < MEMORY_MEGABYTES_MIN:
        reply = b"MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n"
    elif megabytes > MEMORY_MEGABYTES_MAX:
        reply = b"MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n"
    else:
        session.store.slabs.set_limit(int(megabytes) * MEGABYTE)
        reply = replies.OK
    return b"" if quiet(words) else reply


@command(b"quit", usage="quit", summary="Close the connection.", group="server")
def quit_(session: Session, words: list[bytes]) -> bytes:
    """Close the connection."""
    session.end(b"normal")
    return b""


@command(
    b"shutdown",
    usage="shutdown [graceful]",
    summary="Stop the server, where it was started with -A.",
    group="server",
)
def shutdown(session: Session, words: list[bytes]) -> bytes:
    """Stop the server."""
    if not session.settings.shutdown_command:
        prefix = b"SERVER_ERROR" if session.settings.is_1_6_45 else b"ERROR"
        return prefix + b": shutdown not enabled\r\n"
    if len(words) == 1:
        session.state.shutdown = b"now"
    elif len(words) == 2 and words[1] == b"graceful":
        session.state.shutdown = b"graceful"
    else:
        return b"CLIENT_ERROR invalid shutdown mode\r\n"
    session.end(b"shutdown")
    return b""


@command(
    b"refresh_certs",
    usage="refresh_certs",
    summary="Read the TLS certificate and its key again.",
    group="server",
    since="1.5.13",
)
def refresh_certs(session: Session, words: list[bytes]) -> bytes:
    """Read the certificate again."""
    problem = session.state.host.refresh_certificates()
    if problem:
        return problem.encode() + b"\r\n"
    session.state.certificates_read = int(session.store.now)
    return b"" if quiet(words) else replies.OK


@command(
    b"debugtime",
    usage="debugtime p|r|seconds",
    summary="Stop the clock, let it run again, or move it: only with --enable-debug-commands.",
    group="server",
    since="1.5.13",
)
def debugtime(session: Session, words: list[bytes]) -> bytes:
    """Move the clock, for tests."""
    state = session.state
    if not session.settings.debug_commands or len(words) < 2:
        return replies.ERROR
    if words[1] == b"p":
        state.paused = True
    elif words[1] == b"r":
        state.paused = False
    else:
        seconds = signed_32(words[1])
        if seconds == NOT_A_NUMBER:
            return replies.ERROR
        _move_clock(state, int(seconds))
    return replies.OK


def _move_clock(state: ServerState, seconds: int) -> None:
    state.time_offset += seconds
    state.store.set_now(state.store.now + seconds)
