"""The connection itself: greeting, authentication, database and protocol."""

from cachetwin_engine.core.acl.iam import LOGIN_LIFE_MS
from cachetwin_engine.core.acl.user import User
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.execution.logins import log_in, log_in_until
from cachetwin_engine.core.execution.permission import note_failed_login
from cachetwin_engine.core.observers.monitors import stop_monitor
from cachetwin_engine.core.observers.watchers import unwatch
from cachetwin_engine.core.protocol import errors
from cachetwin_engine.core.protocol.errors import CommandError, wrong_arity
from cachetwin_engine.core.protocol.replies import OK, PONG, bulk, integer
from cachetwin_engine.core.registry.command_table import (
    ALLOW_BUSY,
    FAST,
    LOADING,
    NO_AUTH,
    NOSCRIPT,
    ON_ALL_SHARDS,
    STALE,
    command,
)
from cachetwin_engine.core.registry.dispatch_flags import CLIENT_METERED
from cachetwin_engine.core.text.numbers import integer_or_none

_EARLY = NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY


@command(
    "PING",
    summary="Return PONG or the given message.",
    arguments="[message]",
    arity=-1,
    flags=FAST,
    group="connection",
    since="1.0.0",
    tips=ON_ALL_SHARDS,
)
def ping(ctx: Context, args: list[bytes]) -> bytes:
    """PING [message]: an array while a RESP2 client has subscriptions."""
    if len(args) > 2:
        raise wrong_arity(b"ping")
    session = ctx.session
    if not ctx.resp3 and (session.channels or session.patterns or session.shard_channels):
        return b"*2\r\n$4\r\npong\r\n" + bulk(args[1] if len(args) == 2 else b"")
    return PONG if len(args) == 1 else bulk(args[1])


@command(
    "ECHO",
    summary="Return the given message.",
    arguments="message",
    arity=2,
    flags=LOADING | STALE | FAST,
    group="connection",
    since="1.0.0",
)
def echo(ctx: Context, args: list[bytes]) -> bytes:
    """ECHO message."""
    return bulk(args[1])


@command(
    "SELECT",
    summary="Select a database.",
    arguments="index",
    arity=2,
    flags=LOADING | STALE | FAST | ALLOW_BUSY,
    group="connection",
    since="1.0.0",
)
def select(ctx: Context, args: list[bytes]) -> bytes:
    """SELECT index."""
    index = integer_or_none(args[1])
    if index is None:
        raise CommandError(b"ERR invalid DB index" if not ctx.engine.profile.is_valkey else errors.NOT_AN_INTEGER)
    if ctx.engine.cluster is not None and index != 0 and not ctx.engine.profile.has_databases_in_cluster:
        raise CommandError(b"ERR SELECT is not allowed in cluster mode")
    if not 0 <= index < len(ctx.engine.databases):
        raise CommandError(errors.DB_INDEX_OUT_OF_RANGE)
    ctx.db = ctx.engine.databases[index]
    return OK


@command(
    "QUIT",
    summary="Close the connection.",
    arity=-1,
    flags=_EARLY,
    group="connection",
    since="1.0.0",
    deprecated="7.2.0|just closing the connection",
)
def quit_(ctx: Context, args: list[bytes]) -> bytes:
    """QUIT."""
    ctx.session.closing = True
    return OK


@command(
    "AUTH",
    summary="Authenticate this connection.",
    arguments="[username@6.0.0] password",
    arity=-2,
    flags=_EARLY,
    group="connection",
    since="1.0.0",
    complexity="O(N) where N is the number of passwords defined for the user",
    history=[("6.0.0", "Added ACL style (username and password).")],
)
def auth(ctx: Context, args: list[bytes]) -> bytes:
    """AUTH [username] password."""
    if len(args) > 3:
        raise errors.syntax_error()
    if len(args) == 2:
        default = ctx.engine.acl.default
        if default.no_password:
            raise CommandError(
                b"ERR AUTH <password> called without any password configured for the default user. "
                b"Are you sure your configuration is correct?"
            )
        _log_in(ctx, b"default", args[1])
    else:
        _log_in(ctx, args[1], args[2])
    return OK


@command(
    "HELLO",
    summary="Set the protocol version, authenticate and name the connection.",
    arguments="[arguments=(protover:integer [AUTH auth=(username password)] [SETNAME clientname])]",
    arity=-1,
    flags=_EARLY,
    group="connection",
    since="6.0.0",
    history=[
        ("8.1.0", "Added the availability zone to the reply, if one is configured."),
        ("6.2.0", "The protocol version became optional."),
    ],
)
def hello(ctx: Context, args: list[bytes]) -> bytes:
    """HELLO [protover [AUTH username password] [SETNAME clientname]]: a map that describes the server."""
    version = 0
    if len(args) > 1:
        asked = integer_or_none(args[1])
        if asked is None:
            raise CommandError(b"ERR Protocol version is not an integer or out of range")
        if asked not in {2, 3}:
            raise CommandError(errors.NO_PROTO)
        version = asked
    name: bytes | None = None
    login: list[bytes] = []  # the last of several counts
    options = ctx.options(args, 2, refusal=b"ERR Syntax error in HELLO option '%b'")
    while word := options.next_word():
        if word == b"AUTH":
            login = args[options.at + 1 : options.at + 3]
        else:
            name = valid_name(options.value, b"Client names")
    if login:
        _log_in(ctx, login[0], login[1])
    if ctx.session.parser.authenticated is False:
        raise CommandError(
            b"NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH "
            b"<user> <pass> option can be used to authenticate the client and select the RESP protocol version at the "
            b"same time"
        )
    if name is not None:
        ctx.session.name = name
    if version:
        ctx.use_protocol(version)
    return _greeting(ctx)


@command(
    "RESET",
    summary="Reset the state of this connection.",
    arity=1,
    flags=_EARLY,
    group="connection",
    since="6.2.0",
)
def reset(ctx: Context, args: list[bytes]) -> bytes:
    """RESET: no transaction, watches, subscriptions or name; database 0, RESP2, the default user."""
    _renew(ctx)
    return b"+RESET\r\n"


def _renew(ctx: Context) -> None:
    """Reset all that commands can change of a connection."""
    engine = ctx.engine
    session = ctx.session
    session.end_transaction()
    unwatch(session)
    engine.pubsub.leave(session)
    session.name = b""
    session.reply_off = False
    session.reply_skip = 0
    session.no_evict = False
    session.no_touch = False
    session.client_flags = session.client_flags & CLIENT_METERED
    engine.tracking.disable(session)
    stop_monitor(ctx.engine, session)
    session.redirects = False
    session.imports = False
    session.asking = 0
    session.reads_replica = False
    ctx.db = engine.databases[0]
    ctx.use_protocol(2)
    default = engine.acl.default
    engine.clients.login_ends.pop(session.id, None)
    log_in(session, default, authenticated=default.enabled and default.no_password)


def valid_name(name: bytes, what: bytes) -> bytes:
    """``name``, if it has printable characters without spaces only; ``what`` begins the error text. Raises CommandError."""
    for byte in name:
        if byte < 33 or byte > 126:
            raise CommandError(b"ERR " + what + b" cannot contain spaces, newlines or special characters.")
    return name


def _log_in(ctx: Context, name: bytes, password: bytes) -> None:
    acl = ctx.engine.acl
    user = acl.iam_user(name)
    if user is not None:
        _log_in_with_token(ctx, user, password)
        return
    user = acl.authenticate(name, password)
    if user is None:
        note_failed_login(ctx, name)
        raise CommandError(errors.WRONG_PASSWORD)
    log_in_until(ctx.engine, ctx.session, user, 0)


def _log_in_with_token(ctx: Context, user: User, token: bytes) -> None:
    """Log in an IAM user. The client learns as little as with a wrong password; the log has the reason."""
    engine = ctx.engine
    if ctx.in_exec or ctx.in_script:
        reason = b"there is no login with a token inside MULTI and EXEC, or in a script"
    else:
        reason = engine.acl.token_refusal(user, token, engine.now_ms, engine.from_machine_ms)
    if reason:
        line = b"IAM login of user " + user.name + b" refused: " + reason
        engine.host.log(line.decode("utf-8", "replace"))
        note_failed_login(ctx, user.name)
        raise CommandError(errors.WRONG_PASSWORD)
    log_in_until(engine, ctx.session, user, engine.now_ms + LOGIN_LIFE_MS)


def _greeting(ctx: Context) -> bytes:
    profile = ctx.engine.profile
    server = b"valkey" if profile.is_valkey else b"redis"
    version = profile.version
    if profile.is_valkey and ctx.engine.config.server.extended_redis_compatibility:
        server = b"redis"
        version = profile.compatible_version
    place = ctx.engine.config.values[b"availability-zone"]
    zone = [bulk(b"availability_zone"), bulk(place)] if place and profile.shows_zone else []
    mode = b"cluster" if ctx.engine.config.server.cluster_enabled else b"standalone"
    return ctx.map_reply(
        [
            bulk(b"server"), bulk(server),
            bulk(b"version"), bulk(version.encode()),
            bulk(b"proto"), integer(3 if ctx.resp3 else 2),
            bulk(b"id"), integer(ctx.session.id),
            bulk(b"mode"), bulk(mode),
            bulk(b"role"), bulk(b"master"),
            bulk(b"modules"), b"*0\r\n",
            *zone,
        ]
    )  # fmt: skip
