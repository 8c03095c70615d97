"""OBJECT: how values are stored and when they were last used."""

from typing import Final

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.keyspace.value import Value
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.protocol.replies import ONE, bulk, integer
from cachetwin_engine.core.registry.command_table import (
    LOADING,
    NONDETERMINISTIC,
    READONLY,
    STALE,
    KeySpec,
    command,
    container,
)
from cachetwin_engine.core.text.numbers import integer_or_none
from cachetwin_engine.core.types.string import (
    EMBEDDED_BYTES_MAX,
    embedded_bytes_max,
    packed_bytes_max,
    string_encoding,
    string_of,
)

from .help_text import help_reply

_KEY: Final = [KeySpec("RO", index=2)]
_SHARED_INTEGERS: Final = 10_000  # Redis OSS shares one object for each smaller integer (server.h)
_SHARED_REFERENCES: Final = 2**31 - 1
_NOTE: Final = (
    b"Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
)
_NO_FREQUENCY: Final = b"ERR An LFU maxmemory policy is not selected, access frequency not tracked. " + _NOTE
_NO_IDLE_TIME: Final = b"ERR An LFU maxmemory policy is selected, idle time not tracked. " + _NOTE

container(
    "OBJECT",
    summary="Inspect how values are stored.",
    group="generic",
    since="2.2.3",
)


@command(
    "OBJECT|HELP",
    summary="Describe the sub-commands.",
    arity=2,
    flags=LOADING | STALE,
    group="generic",
    since="6.2.0",
)
def object_help(ctx: Context, args: list[bytes]) -> bytes:
    """OBJECT HELP."""
    return help_reply(ctx, b"object")


@command(
    "OBJECT|ENCODING",
    summary="Return the encoding of a value.",
    arguments="key",
    arity=3,
    flags=READONLY,
    keys=_KEY,
    group="generic",
    since="2.2.3",
    tips=NONDETERMINISTIC,
)
def object_encoding(ctx: Context, args: list[bytes]) -> bytes:
    """OBJECT ENCODING key."""
    value = ctx.db.peek(args[2])
    return ctx.null if value is None else bulk(encoding_of(ctx, args[2], value))


def encoding_of(ctx: Context, key: bytes, value: object) -> bytes:
    """The encoding of the value under ``key`` as the profile's version reports it."""
    if isinstance(value, Value):
        return ctx.engine.profile.encoding_name(value.kind(), value.encoding())
    text = string_of(value) or b""
    if ctx.engine.embeds_keys:
        expires = ctx.db.expiry_of(key) >= 0
        longest = packed_bytes_max(key, expires) if ctx.engine.packs_keys else embedded_bytes_max(key, expires)
        return string_encoding(text, longest)
    return string_encoding(text, EMBEDDED_BYTES_MAX)


@command(
    "OBJECT|REFCOUNT",
    summary="Return the reference count of a value.",
    arguments="key",
    arity=3,
    flags=READONLY,
    keys=_KEY,
    group="generic",
    since="2.2.3",
    tips=NONDETERMINISTIC,
)
def object_refcount(ctx: Context, args: list[bytes]) -> bytes:
    """OBJECT REFCOUNT key."""
    value = ctx.db.peek(args[2])
    if value is None:
        return ctx.null
    if isinstance(value, bytes) and ctx.engine.profile.shares_small_integers:
        number = integer_or_none(value)
        if number is not None and 0 <= number < _SHARED_INTEGERS:
            return integer(_SHARED_REFERENCES)
    return ONE


@command(
    "OBJECT|IDLETIME",
    summary="Return the seconds since a key was last used.",
    arguments="key",
    arity=3,
    flags=READONLY,
    keys=_KEY,
    group="generic",
    since="2.2.3",
    tips=NONDETERMINISTIC,
)
def object_idletime(ctx: Context, args: list[bytes]) -> bytes:
    """OBJECT IDLETIME key."""
    if ctx.db.peek(args[2]) is None:
        return ctx.null
    if ctx.engine.config.memory.uses_lfu:
        raise CommandError(_NO_IDLE_TIME)
    return integer(ctx.engine.access_log.idle_seconds(ctx.db, args[2]))


@command(
    "OBJECT|FREQ",
    summary="Return the logarithmic access counter of a key.",
    arguments="key",
    arity=3,
    flags=READONLY,
    keys=_KEY,
    group="generic",
    since="4.0.0",
    tips=NONDETERMINISTIC,
)
def object_freq(ctx: Context, args: list[bytes]) -> bytes:
    """OBJECT FREQ key."""
    if ctx.db.peek(args[2]) is None:
        return ctx.null
    if not ctx.engine.config.memory.uses_lfu:
        raise CommandError(_NO_FREQUENCY)
    return integer(ctx.engine.access_log.frequency(ctx.db, args[2]))
