"""Replication commands: of replicas to their primary, of roles, and waiting for acknowledgements."""

from typing import Final

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import OUT_OF_RANGE, CommandError, printable, syntax_error
from cachetwin_engine.core.protocol.replies import OK, array, bulk, integer, simple
from cachetwin_engine.core.protocol.resp import split_words
from cachetwin_engine.core.registry.command_table import (
    ADMIN,
    ALLOW_BUSY,
    BLOCKING,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NOSCRIPT,
    STALE,
    command,
)
from cachetwin_engine.core.registry.dispatch_flags import CLIENT_REPLICA_STREAM
from cachetwin_engine.core.replication.acknowledgements import LOG_IS_OFF, Waiting
from cachetwin_engine.core.replication.connected_replica import ONLINE, ConnectedReplica
from cachetwin_engine.core.replication.primary_link import CONNECTED
from cachetwin_engine.core.text.numbers import INT64_MAX, integer_or_none, parse_int, parse_int_or

_HOST_BYTES_MAX: Final = 256  # NET_HOST_STR_LEN (connection.h)
_ASKS: Final = NO_ASYNC_LOADING | ADMIN | NO_MULTI | NOSCRIPT
_MOVES: Final = NO_ASYNC_LOADING | ADMIN | NOSCRIPT | STALE
_NO_LINK: Final = b"NOMASTERLINK Can't SYNC while not connected with my master"
_REPLICA_CANT_WAIT: Final = (
    b"ERR WAIT cannot be used with replica instances. Please also note that if a replica is configured to be writable "
    b"(which is not the default) writes to replicas are just local and are not propagated."
)
_REPLICA_CANT_WAIT_BEFORE_8: Final = (
    b"ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured "
    b"to be writable (which is not the default) writes to replicas are just local and are not propagated."
)
_REPLICA_CANT_WAIT_FOR_LOGS: Final = (
    b"ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local and are "
    b"not propagated."
)


# -- what replicas say --------------------------------------------------------------------------------------------------


@command(
    "SYNC",
    summary="Request a full copy of the data and the replication stream.",
    arity=1,
    flags=_ASKS,
    group="server",
    since="1.0.0",
    complexity="",
)
def sync(ctx: Context, args: list[bytes]) -> bytes:
    """SYNC: no reply; the snapshot and the stream follow."""
    if ctx.session.client_flags & CLIENT_REPLICA_STREAM:
        return b""
    replica = _asking(ctx)
    replica.sends_acks = False
    ctx.engine.replication.synchronise(replica, b"?", -1)
    return b""


@command(
    "PSYNC",
    summary="Request the replication stream from an offset, or a full copy of the data.",
    arguments="replicationid offset:integer",
    arity=-3,
    flags=_ASKS,
    group="server",
    since="2.8.0",
    complexity="",
)
def psync(ctx: Context, args: list[bytes]) -> bytes:
    """PSYNC id offset [FAILOVER]: +CONTINUE, or +FULLRESYNC and the snapshot; then the stream."""
    if ctx.session.client_flags & CLIENT_REPLICA_STREAM:
        return b""
    replication = ctx.engine.replication
    if len(args) > 3 and args[3].lower() == b"failover":
        if replication.link is None:
            raise CommandError(b"ERR PSYNC FAILOVER can't be sent to a master.")
        if args[1].lower() != replication.id:
            raise CommandError(b"ERR PSYNC FAILOVER replid must match my replid.")
        replication.follow_nobody()
    replica = _asking(ctx)
    offset = parse_int(args[2])
    replication.synchronise(replica, args[1], offset)
    return b""


def _asking(ctx: Context) -> ConnectedReplica:
    """The connected replica of this session. Raises CommandError if it can't synchronise now."""
    replication = ctx.engine.replication
    if replication.failover.is_under_way():
        raise CommandError(b"NOMASTERLINK Can't SYNC while failing over")
    if not replication.is_linked():
        raise CommandError(_NO_LINK)
    if ctx.session.output_bytes():
        raise CommandError(b"ERR SYNC and PSYNC are invalid with pending output")
    replica = _replica_of(ctx)
    if (replica.without_data or replica.without_functions) and not replica.takes_eof_mark:
        raise CommandError(b"ERR Filtered replica requires EOF capability")
    ctx.session.client_flags |= CLIENT_REPLICA_STREAM
    return replica


def _replica_of(ctx: Context) -> ConnectedReplica:
    session = ctx.session
    replica = session.replica
    if not isinstance(replica, ConnectedReplica):
        replica = session.replica = ConnectedReplica(session)
    return replica


@command(
    "REPLCONF",
    summary="Configure replication; replicas send it to their primary.",
    arity=-1,
    flags=ADMIN | NOSCRIPT | LOADING | STALE | ALLOW_BUSY,
    group="server",
    since="3.0.0",
)
def replconf(ctx: Context, args: list[bytes]) -> bytes:
    """REPLCONF option value ...; ACK and GETACK have no reply."""
    if len(args) % 2 == 0:
        raise syntax_error()
    for at in range(1, len(args), 2):
        name = args[at].lower()
        value = args[at + 1]
        if name == b"ack":
            _acknowledged(ctx, args, at)
            return b""
        if name == b"getack":
            link = ctx.engine.replication.link
            if link is not None:
                link.acknowledge()
            return b""
        _set(_replica_of(ctx), name, value)
    return OK


def _acknowledged(ctx: Context, args: list[bytes], at: int) -> None:
    replica = ctx.session.replica
    if not isinstance(replica, ConnectedReplica) or not ctx.session.client_flags & CLIENT_REPLICA_STREAM:
        return
    offset = integer_or_none(args[at + 1])
    if offset is None:
        return
    log_offset: int | None = -1
    if len(args) > at + 3 and args[at + 2].lower() == b"fack":
        log_offset = integer_or_none(args[at + 3])
    ctx.engine.replication.acknowledged(replica, offset, -1 if log_offset is None else log_offset)


def _set(replica: ConnectedReplica, name: bytes, value: bytes) -> None:
    """Set one option of REPLCONF. Raises CommandError."""
    if name == b"listening-port":
        replica.listening_port = parse_int(value)
    elif name == b"ip-address":
        if len(value) >= _HOST_BYTES_MAX:
            raise CommandError(
                b"ERR REPLCONF ip-address provided by replica instance is too long: %d bytes" % len(value)
            )
        replica.announced_ip = value.decode("latin-1")
    elif name == b"capa":
        word = value.lower()
        replica.takes_eof_mark = replica.takes_eof_mark or word == b"eof"
        replica.knows_psync2 = replica.knows_psync2 or word == b"psync2"
        replica.skips_checksum = replica.skips_checksum or word == b"skip-rdb-checksum"
    elif name == b"rdb-only":
        replica.rdb_only = _zero_or_one(value) == 1
    elif name == b"rdb-filter-only":
        _filter(replica, value)
    elif name == b"version":
        parts = value.split(b".")
        if len(parts) != 3 or not all(part.isdigit() for part in parts):
            raise CommandError(b"ERR Unrecognized version format: " + printable(value))
    elif name == b"rdb-channel":
        _zero_or_one(value)
        raise CommandError(b"ERR Unrecognized REPLCONF option: rdb-channel")
    else:
        raise CommandError(b"ERR Unrecognized REPLCONF option: " + printable(name))


def _zero_or_one(value: bytes) -> int:
    number = parse_int(value)
    if not 0 <= number <= 1:
        raise CommandError(OUT_OF_RANGE + b", value must between 0 and 1")
    return number


def _filter(replica: ConnectedReplica, value: bytes) -> None:
    words = split_words(value)
    if words is None:
        raise CommandError(b"ERR Missing rdb-filter-only values")
    replica.without_data = True
    replica.without_functions = True
    for word in words:
        if word.lower() != b"functions":
            raise CommandError(b"ERR Unsupported rdb-filter-only option: " + printable(word))
        replica.without_functions = False


# -- who follows whom ---------------------------------------------------------------------------------------------------


@command(
    "REPLICAOF",
    summary="Make this server a replica of another one, or a primary.",
    arguments="args=<host-port=(host port:integer) | no-one=(NO ONE)>",
    arity=3,
    flags=_MOVES,
    group="server",
    since="5.0.0",
)
def replicaof(ctx: Context, args: list[bytes]) -> bytes:
    """REPLICAOF host port | NO ONE."""
    engine = ctx.engine
    replication = engine.replication
    if engine.config.server.cluster_enabled:
        raise CommandError(b"ERR REPLICAOF not allowed in cluster mode.")
    if replication.failover.is_under_way():
        raise CommandError(b"ERR REPLICAOF not allowed while failing over.")
    engine.clients.mark_pending(ctx.session)  # so that the server applies the new role at once
    if args[1].lower() == b"no" and args[2].lower() == b"one":
        replication.follow_nobody()
        return OK
    if ctx.session.client_flags & CLIENT_REPLICA_STREAM:
        raise CommandError(b"ERR Command is not valid when client is a replica.")
    port = integer_or_none(args[2])
    if port is None or not 0 <= port <= 65535:
        raise CommandError(b"ERR Invalid master port")
    host = args[1].decode("latin-1")
    link = replication.link
    if link is not None and link.host.lower() == host.lower() and link.port == port:
        return simple(b"OK Already connected to specified master")
    replication.follow(host, port)
    return OK


@command(
    "SLAVEOF",
    summary="Make this server a replica of another one, or a primary.",
    arguments="args=<host-port=(host port:integer) | no-one=(NO ONE)>",
    arity=3,
    flags=_MOVES,
    group="server",
    since="1.0.0",
    deprecated="5.0.0|`REPLICAOF`",
)
def slaveof(ctx: Context, args: list[bytes]) -> bytes:
    """SLAVEOF host port | NO ONE: the same as REPLICAOF."""
    return replicaof(ctx, args)


@command(
    "ROLE",
    summary="Return the replication role of this server.",
    arity=1,
    flags=NOSCRIPT | LOADING | STALE | FAST,
    group="server",
    since="2.8.12",
    categories=[b"admin", b"dangerous"],
)
def role(ctx: Context, args: list[bytes]) -> bytes:
    """ROLE: of a primary its offset and replicas; of a replica its primary, the state of the link and the offset."""
    replication = ctx.engine.replication
    link = replication.link
    if link is not None:
        offset = replication.offset if link.state == CONNECTED else -1
        return array([bulk(b"slave"), bulk(link.host.encode()), integer(link.port), bulk(link.state), integer(offset)])
    replicas = [
        array([bulk(replica.ip().encode()), bulk(b"%d" % replica.listening_port), bulk(b"%d" % replica.ack_offset)])
        for replica in replication.replicas.values()
        if replica.state == ONLINE
    ]
    return array([bulk(b"master"), integer(replication.offset), array(replicas)])


@command(
    "FAILOVER",
    summary="Hand the primary role over to a replica.",
    arguments="[TO target=(host port [FORCE])] [ABORT] [TIMEOUT milliseconds]",
    arity=-1,
    flags=ADMIN | NOSCRIPT | STALE,
    group="server",
    since="6.2.0",
)
def failover(ctx: Context, args: list[bytes]) -> bytes:
    """FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]."""
    replication = ctx.engine.replication
    if ctx.engine.config.server.cluster_enabled:
        raise CommandError(b"ERR FAILOVER not allowed in cluster mode.")
    if len(args) == 2 and args[1].lower() == b"abort":
        if not replication.failover.is_under_way():
            raise CommandError(b"ERR No failover in progress.")
        replication.failover.abort()
        return OK
    options = _FailoverOptions(ctx, args)
    if replication.failover.is_under_way():
        raise CommandError(b"ERR FAILOVER already in progress.")
    if replication.link is not None:
        raise CommandError(b"ERR FAILOVER is not valid when server is a replica.")
    if not replication.replicas:
        raise CommandError(b"ERR FAILOVER requires connected replicas.")
    if options.force and not (options.timeout_ms and options.host):
        raise CommandError(b"ERR FAILOVER with force option requires both a timeout and target HOST and IP.")
    target: ConnectedReplica | None = None
    if options.host:
        target = replication.replica_at(options.host.decode("latin-1"), options.port)
        if target is None:
            raise CommandError(b"ERR FAILOVER target HOST and PORT is not a replica.")
        if target.state != ONLINE:
            raise CommandError(b"ERR FAILOVER target replica is not online.")
    replication.failover.begin(target, options.timeout_ms, options.force)
    return OK


class _FailoverOptions:
    """The options of FAILOVER without ABORT, each at most once. Raises CommandError."""

    def __init__(self, ctx: Context, args: list[bytes]) -> None:
        self.timeout_ms = 0
        self.host = b""
        self.port = 0
        self.force = False
        options = ctx.options(args, 1)
        while word := options.next_word():
            if word == b"TIMEOUT" and not self.timeout_ms:
                self.timeout_ms = parse_int(options.value)
                if self.timeout_ms <= 0:
                    raise CommandError(b"ERR FAILOVER timeout must be greater than 0")
            elif word == b"TO" and not self.host:
                self.port = parse_int(args[options.at + 2])
                self.host = options.value
            elif word == b"FORCE" and not self.force:
                self.force = True
            else:
                raise syntax_error()


# -- waiting ------------------------------------------------------------------------------------------------------------


@command(
    "WAIT",
    summary="Wait until replicas have acknowledged this connection's writes.",
    arguments="numreplicas:integer timeout:integer",
    arity=3,
    flags=BLOCKING,
    group="generic",
    since="3.0.0",
    categories=[b"connection"],
    tips=[b"request_policy:all_shards", b"response_policy:agg_min"],
)
def wait(ctx: Context, args: list[bytes]) -> bytes:
    """WAIT numreplicas timeout: the number of replicas that have acknowledged them."""
    if ctx.engine.replication.link is not None:
        raise CommandError(
            _REPLICA_CANT_WAIT_BEFORE_8 if ctx.engine.profile.names_redis_in_errors else _REPLICA_CANT_WAIT
        )
    wanted = parse_int(args[1])
    return _wait(ctx, args, wanted, args[2], of_logs=False)


@command(
    "WAITAOF",
    summary="Wait until append-only files contain this connection's writes.",
    arguments="numlocal:integer numreplicas:integer timeout:integer",
    arity=4,
    flags=BLOCKING,
    group="generic",
    since="7.2.0",
    categories=[b"connection"],
    tips=[b"request_policy:all_shards", b"response_policy:agg_min"],
)
def waitaof(ctx: Context, args: list[bytes]) -> bytes:
    """WAITAOF numlocal numreplicas timeout: the number of local files and of replicas' files that contain them."""
    local = parse_int(args[1])
    if not 0 <= local <= 1:
        raise CommandError(b"ERR value is out of range, value must between 0 and 1")
    wanted = parse_int(args[2])
    if wanted < 0:
        raise CommandError(b"ERR value is out of range, must be positive")
    _timeout_ms(args[3], ctx.engine.now_ms)
    if ctx.engine.replication.link is not None:
        raise CommandError(_REPLICA_CANT_WAIT_FOR_LOGS)
    if local and not ctx.engine.config.boolean("appendonly"):
        raise CommandError(LOG_IS_OFF)
    return _wait(ctx, args, wanted, args[3], of_logs=True, wanted_here=local)


def _wait(ctx: Context, args: list[bytes], wanted: int, timeout: bytes, of_logs: bool, wanted_here: int = 0) -> bytes:
    timeout_ms = _timeout_ms(timeout, ctx.engine.now_ms)
    replication = ctx.engine.replication
    waiting = Waiting(ctx.session, args, ctx.session.written_offset, wanted, of_logs, wanted_here)
    acknowledgements = replication.acknowledgements
    count = acknowledgements.count(waiting.offset, of_logs)
    here = acknowledgements.count_here(waiting.offset)
    reply = waiting.reply(here, count)
    if (count >= wanted and here >= wanted_here) or not ctx.may_block:
        return reply
    acknowledgements.wait(waiting)
    return ctx.block([], ctx.engine.now_ms + timeout_ms if timeout_ms else 0, reply, args)


def _timeout_ms(text: bytes, now_ms: int) -> int:
    timeout_ms = parse_int_or(text, b"ERR timeout is not an integer or out of range")
    if timeout_ms < 0:
        raise CommandError(b"ERR timeout is negative")
    if timeout_ms > INT64_MAX - now_ms:
        raise CommandError(b"ERR timeout is out of range")
    return timeout_ms
