"""CLIENT TRACKING and its companions: client-side caching."""

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import OK, bulk, bulk_array, integer
from cachetwin_engine.core.registry.command_table import ALLOW_BUSY, LOADING, NOSCRIPT, STALE, command
from cachetwin_engine.core.state.client import TrackingState
from cachetwin_engine.core.text.numbers import parse_int


class _Options:
    """The arguments of CLIENT TRACKING ON."""

    def __init__(self) -> None:
        self.redirect = 0
        self.broadcast = False
        self.opt_in = False
        self.opt_out = False
        self.no_loop = False
        self.prefixes: list[bytes] = []


@command(
    "CLIENT|TRACKING",
    summary="Turn on or off messages about changes of keys that this connection has read.",
    arguments="status=<ON | OFF> [REDIRECT client-id:integer] [PREFIX... prefix...] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
    arity=-3,
    flags=NOSCRIPT | LOADING | STALE,
    group="connection",
    since="6.0.0",
    complexity="O(1). Some options may introduce additional complexity.",
)
def client_tracking(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT TRACKING ON|OFF [REDIRECT client-id] [PREFIX prefix ...] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]."""
    options = _parsed(ctx, args)
    mode = args[2].lower()
    session = ctx.session
    if mode == b"off":
        ctx.engine.tracking.disable(session)
        return OK
    if mode != b"on":
        raise syntax_error()
    _check(options, session.tracking)
    state = TrackingState(options.redirect, options.broadcast, options.opt_in, options.opt_out, options.no_loop)
    ctx.engine.tracking.enable(session, state, options.prefixes)
    return OK


def _parsed(ctx: Context, args: list[bytes]) -> _Options:
    options = _Options()
    given = ctx.options(args, 3)
    while word := given.next_word():
        if word == b"REDIRECT":
            if options.redirect:
                raise CommandError(b"ERR A client can only redirect to a single other client")
            options.redirect = parse_int(given.value)
            if options.redirect not in ctx.engine.clients.connected:
                raise CommandError(b"ERR The client ID you want redirect to does not exist")
        elif word == b"BCAST":
            options.broadcast = True
        elif word == b"OPTIN":
            options.opt_in = True
        elif word == b"OPTOUT":
            options.opt_out = True
        elif word == b"NOLOOP":
            options.no_loop = True
        else:
            options.prefixes.append(given.value)
    return options


def _check(options: _Options, old: TrackingState | None) -> None:
    """Check the options together, and with those of an earlier CLIENT TRACKING. Raises CommandError."""
    if options.prefixes and not options.broadcast:
        raise CommandError(b"ERR PREFIX option requires BCAST mode to be enabled")
    if old is not None and old.broadcast != options.broadcast:
        raise CommandError(
            b"ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it "
            b"with a different mode."
        )
    if options.broadcast and (options.opt_in or options.opt_out):
        raise CommandError(b"ERR OPTIN and OPTOUT are not compatible with BCAST")
    if options.opt_in and options.opt_out:
        raise CommandError(b"ERR You can't specify both OPTIN mode and OPTOUT mode")
    if old is not None and ((options.opt_in and old.opt_out) or (options.opt_out and old.opt_in)):
        raise CommandError(
            b"ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it "
            b"with a different mode."
        )
    if options.broadcast:
        _check_prefixes(options.prefixes, list(old.prefixes) if old is not None else [])


def _check_prefixes(prefixes: list[bytes], known: list[bytes]) -> None:
    for place, prefix in enumerate(prefixes):
        for other in known:
            if _overlap(prefix, other):
                raise CommandError(
                    b"ERR Prefix '" + prefix + b"' overlaps with an existing prefix '" + other + b"'. Prefixes for a "
                    b"single client must not overlap."
                )
        for other in prefixes[place + 1 :]:
            if _overlap(prefix, other):
                raise CommandError(
                    b"ERR Prefix '"
                    + prefix
                    + b"' overlaps with another provided prefix '"
                    + other
                    + b"'. Prefixes for "
                    b"a single client must not overlap."
                )


def _overlap(one: bytes, other: bytes) -> bool:
    return one.startswith(other) or other.startswith(one)


@command(
    "CLIENT|CACHING",
    summary="Track, or do not track, the keys that the next command reads.",
    arguments="mode=<YES | NO>",
    arity=3,
    flags=NOSCRIPT | LOADING | STALE | ALLOW_BUSY,
    group="connection",
    since="6.0.0",
)
def client_caching(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT CACHING YES|NO."""
    state = ctx.session.tracking
    if state is None:
        raise CommandError(
            b"ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
        )
    answer = args[2].lower()
    if answer == b"yes":
        if not state.opt_in:
            raise CommandError(b"ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
    elif answer == b"no":
        if not state.opt_out:
            raise CommandError(b"ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
    else:
        raise syntax_error()
    state.caching = True
    return OK


@command(
    "CLIENT|GETREDIR",
    summary="Return the ID of the client that receives this connection's invalidations.",
    arity=2,
    flags=NOSCRIPT | LOADING | STALE | ALLOW_BUSY,
    group="connection",
    since="6.0.0",
)
def client_getredir(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT GETREDIR: the ID of a client, -1 without tracking, 0 without redirection."""
    state = ctx.session.tracking
    return integer(-1 if state is None else state.redirect)


@command(
    "CLIENT|TRACKINGINFO",
    summary="Describe how this connection tracks keys.",
    arity=2,
    flags=NOSCRIPT | LOADING | STALE,
    group="connection",
    since="6.2.0",
)
def client_trackinginfo(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT TRACKINGINFO: a map of flags, redirect and prefixes."""
    state = ctx.session.tracking
    flags: list[bytes] = []
    if state is None:
        flags.append(b"off")
    else:
        flags.append(b"on")
        if state.broadcast:
            flags.append(b"bcast")
        if state.opt_in:
            flags.append(b"optin")
            if state.caching:
                flags.append(b"caching-yes")
        if state.opt_out:
            flags.append(b"optout")
            if state.caching:
                flags.append(b"caching-no")
        if state.no_loop:
            flags.append(b"noloop")
        if state.broken_redirect:
            flags.append(b"broken_redirect")
    return ctx.map_reply(
        [
            bulk(b"flags"), ctx.set_reply([bulk(flag) for flag in flags]),
            bulk(b"redirect"), integer(-1 if state is None else state.redirect),
            bulk(b"prefixes"), bulk_array(list(state.prefixes) if state is not None else []),
        ]
    )  # fmt: skip
