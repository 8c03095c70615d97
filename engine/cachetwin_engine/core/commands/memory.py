"""MEMORY: the memory usage of keys and of the engine."""

from typing import Final

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.memory.account import size_of_key
from cachetwin_engine.core.memory.overhead import MemoryOverhead
from cachetwin_engine.core.protocol.errors import syntax_error
from cachetwin_engine.core.protocol.replies import OK, bulk, integer
from cachetwin_engine.core.registry.command_table import (
    LOADING,
    ON_ALL_SHARDS,
    READONLY,
    STALE,
    KeySpec,
    command,
    container,
)
from cachetwin_engine.core.text.numbers import parse_int

from .help_text import help_reply

_SAMPLES: Final = 5  # elements, unless SAMPLES gives another number (object.c)
_EMPTY: Final = (
    b"Hi Sam, this instance is empty or is using very little memory, my issues detector can't be used in these "
    b"conditions. Please, leave for your mission on Earth and fill it with some data. The new Sam and I will be back to "
    b"our programming as soon as I finished rebooting.\n"
)
_FINE: Final = (
    b"Hi Sam, I can't find any memory issue in your instance. I can only account for what occurs on this base.\n"
)
_LITTLE_BYTES: Final = 5 * 1024 * 1024


container(
    "MEMORY",
    summary="Inspect memory usage.",
    group="server",
    since="4.0.0",
)


@command(
    "MEMORY|USAGE",
    summary="Return the memory that one key uses, in bytes.",
    arguments="key [SAMPLES count]",
    arity=-3,
    flags=READONLY,
    keys=[KeySpec("RO", index=2)],
    group="server",
    since="4.0.0",
    complexity="O(N) where N is the number of samples.",
)
def memory_usage(ctx: Context, args: list[bytes]) -> bytes:
    """MEMORY USAGE key [SAMPLES count]: bytes, or null if the key does not exist."""
    samples = _SAMPLES
    options = ctx.options(args, 3)
    while options.next_word():
        samples = parse_int(options.value)
        if samples < 0:
            raise syntax_error()
    value = ctx.db.peek(args[2])
    if value is None:
        return ctx.null
    return integer(size_of_key(ctx.engine, ctx.db, args[2], value, samples))


@command(
    "MEMORY|STATS",
    summary="Return details of memory usage.",
    arity=2,
    group="server",
    since="4.0.0",
    tips=[b"nondeterministic_output", b"request_policy:all_shards", b"response_policy:special"],
)
def memory_stats(ctx: Context, args: list[bytes]) -> bytes:
    """MEMORY STATS: a map of names and bytes."""
    engine = ctx.engine
    used = engine.used_memory()
    peak = max(used, engine.memory_peak)
    resident = engine.host.resident_bytes()
    clients = 0
    for session in engine.clients.connected.values():
        clients += session.memory_bytes()
    overhead = MemoryOverhead(engine, used)
    items: list[bytes] = [
        bulk(b"peak.allocated"), integer(peak), bulk(b"total.allocated"), integer(used),
        bulk(b"startup.allocated"), integer(overhead.startup), bulk(b"replication.backlog"), integer(0),
        bulk(b"clients.slaves"), integer(0), bulk(b"clients.normal"), integer(clients),
        bulk(b"cluster.links"), integer(0), bulk(b"aof.buffer"), integer(ctx.engine.log.buffer_bytes),
        bulk(b"lua.caches"), integer(0), bulk(b"functions.caches"), integer(0),
    ]  # fmt: skip
    for index, main, expires in overhead.tables:
        items.append(bulk(b"db.%d" % index))
        items.append(
            ctx.map_reply(
                [
                    bulk(b"overhead.hashtable.main"), integer(main),
                    bulk(b"overhead.hashtable.expires"), integer(expires),
                ]
            )
        )  # fmt: skip
    ratio = resident / max(1, used)
    items += [
        bulk(b"overhead.db.hashtable.lut"), integer(0), bulk(b"overhead.db.hashtable.rehashing"), integer(0),
        bulk(b"overhead.total"), integer(overhead.total), bulk(b"db.dict.rehashing.count"), integer(0),
        bulk(b"keys.count"), integer(overhead.keys), bulk(b"keys.bytes-per-key"), integer(overhead.bytes_per_key),
        bulk(b"dataset.bytes"), integer(overhead.data),
        bulk(b"dataset.percentage"), ctx.double(overhead.data_percent),
        bulk(b"peak.percentage"), ctx.double(100 * used / max(1, peak)),
        bulk(b"allocator.allocated"), integer(used), bulk(b"allocator.active"), integer(resident),
        bulk(b"allocator.resident"), integer(resident), bulk(b"allocator.muzzy"), integer(0),
        bulk(b"allocator-fragmentation.ratio"), ctx.double(1.0), bulk(b"allocator-fragmentation.bytes"), integer(0),
        bulk(b"allocator-rss.ratio"), ctx.double(1.0), bulk(b"allocator-rss.bytes"), integer(0),
        bulk(b"rss-overhead.ratio"), ctx.double(1.0), bulk(b"rss-overhead.bytes"), integer(0),
        bulk(b"fragmentation"), ctx.double(ratio), bulk(b"fragmentation.bytes"), integer(resident - used),
    ]  # fmt: skip
    return ctx.map_reply(items)


@command(
    "MEMORY|DOCTOR",
    summary="Describe memory problems in words.",
    arity=2,
    group="server",
    since="4.0.0",
    tips=[b"nondeterministic_output", b"request_policy:all_shards", b"response_policy:special"],
)
def memory_doctor(ctx: Context, args: list[bytes]) -> bytes:
    """MEMORY DOCTOR."""
    return ctx.verbatim(_EMPTY if ctx.engine.used_memory() < _LITTLE_BYTES else _FINE)


@command(
    "MEMORY|MALLOC-STATS",
    summary="Return the allocator's statistics.",
    arity=2,
    flags=LOADING,
    group="server",
    since="4.0.0",
    complexity="Depends on how much memory is allocated, could be slow",
    tips=[b"nondeterministic_output", b"request_policy:all_shards", b"response_policy:special"],
)
def memory_malloc_stats(ctx: Context, args: list[bytes]) -> bytes:
    """MEMORY MALLOC-STATS: Python's allocator has no statistics."""
    return ctx.verbatim(b"Stats not supported for the current allocator")


@command(
    "MEMORY|PURGE",
    summary="Return free memory to the operating system.",
    arity=2,
    flags=LOADING,
    group="server",
    since="4.0.0",
    complexity="Depends on how much memory is allocated, could be slow",
    tips=ON_ALL_SHARDS,
)
def memory_purge(ctx: Context, args: list[bytes]) -> bytes:
    """MEMORY PURGE: the allocator frees memory without being asked."""
    return OK


@command(
    "MEMORY|HELP",
    summary="Describe the sub-commands.",
    arity=2,
    flags=LOADING | STALE,
    group="server",
    since="4.0.0",
)
def memory_help(ctx: Context, args: list[bytes]) -> bytes:
    """MEMORY HELP."""
    return help_reply(ctx, b"memory")
