"""Whole databases: count, flush, swap."""

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.keyspace.database import Database
from cachetwin_engine.core.protocol.errors import DB_INDEX_OUT_OF_RANGE, CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import OK, integer
from cachetwin_engine.core.registry.command_table import FAST, ON_ALL_SHARDS, READONLY, WRITE, command
from cachetwin_engine.core.text.numbers import parse_int_or

_FLUSH_HISTORY = [
    ("4.0.0", "Added the `ASYNC` flushing mode modifier."),
    ("6.2.0", "Added the `SYNC` flushing mode modifier."),
]


@command(
    "DBSIZE",
    summary="Count the keys of the database.",
    arity=1,
    flags=READONLY | FAST,
    group="server",
    since="1.0.0",
    categories=[b"keyspace"],
    tips=[b"request_policy:all_shards", b"response_policy:agg_sum"],
)
def dbsize(ctx: Context, args: list[bytes]) -> bytes:
    """DBSIZE."""
    return integer(len(ctx.db))


@command(
    "FLUSHDB",
    summary="Delete all keys of the database.",
    arguments="[flush-type=<ASYNC@4.0.0 | SYNC@6.2.0>]",
    arity=-1,
    flags=WRITE,
    group="server",
    since="1.0.0",
    complexity="O(N) where N is the number of keys.",
    categories=[b"keyspace", b"dangerous"],
    tips=ON_ALL_SHARDS,
    history=_FLUSH_HISTORY,
)
def flushdb(ctx: Context, args: list[bytes]) -> bytes:
    """FLUSHDB [ASYNC | SYNC]."""
    _flush(ctx, args, [ctx.db])
    ctx.propagate(args)
    return OK


@command(
    "FLUSHALL",
    summary="Delete all keys of all databases.",
    arguments="[flush-type=<ASYNC@4.0.0 | SYNC@6.2.0>]",
    arity=-1,
    flags=WRITE,
    group="server",
    since="1.0.0",
    complexity="O(N) where N is the number of keys in all databases.",
    categories=[b"keyspace", b"dangerous"],
    tips=ON_ALL_SHARDS,
    history=_FLUSH_HISTORY,
)
def flushall(ctx: Context, args: list[bytes]) -> bytes:
    """FLUSHALL [ASYNC | SYNC]."""
    engine = ctx.engine
    _flush(ctx, args, engine.databases)
    ctx.propagate(args)
    if engine.config.server.save_points:
        engine.saves.save()  # so that the next start does not load the old keys
    return OK


def _flush(ctx: Context, args: list[bytes], databases: list[Database]) -> None:
    """Flush ``databases``. With SYNC and ASYNC the keys are gone when it returns. Raises CommandError."""
    mode = args[1].upper() if len(args) > 1 else b""
    if len(args) > 2 or mode not in {b"", b"ASYNC", b"SYNC"}:
        raise syntax_error()
    engine = ctx.engine
    if databases is engine.databases:
        engine.saves.cancel()  # a background save would write keys that are gone
    if mode == b"ASYNC" or (not mode and engine.config.boolean("lazyfree-lazy-user-flush")):
        for db in databases:
            engine.statistics.lazily_freed += len(db)
    engine.flush_swap.flush(databases)


@command(
    "SWAPDB",
    summary="Swap two databases; connected clients see the change at once.",
    arguments="index1:integer index2:integer",
    arity=3,
    flags=WRITE | FAST,
    group="server",
    since="4.0.0",
    complexity="O(N) where N is the number of clients that watch or wait for keys of the two databases.",
    categories=[b"keyspace", b"dangerous"],
)
def swapdb(ctx: Context, args: list[bytes]) -> bytes:
    """SWAPDB index1 index2."""
    if ctx.engine.cluster is not None:
        raise CommandError(b"ERR SWAPDB is not allowed in cluster mode")
    first_index = _index(args[1], b"ERR invalid first DB index")
    second_index = _index(args[2], b"ERR invalid second DB index")
    first, second = _database(ctx, first_index), _database(ctx, second_index)
    if first is not second:
        ctx.engine.flush_swap.swap(first, second)
    ctx.engine.dirty += 1
    return OK


def _index(text: bytes, problem: bytes) -> int:
    """A 32-bit index. Raises CommandError with ``problem``."""
    index = parse_int_or(text, problem)
    if not -(2**31) <= index < 2**31:
        raise CommandError(problem)
    return index


def _database(ctx: Context, index: int) -> Database:
    if not 0 <= index < len(ctx.engine.databases):
        raise CommandError(DB_INDEX_OUT_OF_RANGE)
    return ctx.engine.databases[index]
