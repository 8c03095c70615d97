"""Parts of strings: length, ranges, appending and overwriting in place."""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_STRING
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import OFFSET_OUT_OF_RANGE, STRING_TOO_LONG, CommandError
from cachetwin_engine.core.protocol.replies import EMPTY_BULK, bulk, integer
from cachetwin_engine.core.registry.command_table import (
    DENYOOM,
    FAST,
    KEY_INSERT,
    KEY_META,
    KEY_READ,
    KEY_UPDATE,
    READONLY,
    WRITE,
    command,
)
from cachetwin_engine.core.text.numbers import parse_int
from cachetwin_engine.core.types.string import RawString, size_of_string, string_for_edit, string_of

_SUBSTRING: Final = "O(N) where N is the number of bytes returned; a short piece of a long string is cheap."


@command(
    "STRLEN",
    summary="Return the length of a string in bytes.",
    arguments="key",
    arity=2,
    flags=READONLY | FAST,
    keys=KEY_META,
    group="string",
    since="2.2.0",
)
def strlen(ctx: Context, args: list[bytes]) -> bytes:
    """STRLEN key."""
    return integer(size_of_string(ctx.db.find(args[1])))


@command(
    "GETRANGE",
    summary="Get a part of a string; the end is included, and negative offsets count from the end.",
    arguments="key start:integer end:integer",
    arity=4,
    flags=READONLY,
    keys=KEY_READ,
    group="string",
    since="2.4.0",
    complexity=_SUBSTRING,
)
def getrange(ctx: Context, args: list[bytes]) -> bytes:
    """GETRANGE key start end."""
    start, end = parse_int(args[2]), parse_int(args[3])
    value = ctx.db.find(args[1])
    size = size_of_string(value)
    if size == 0 or (start < 0 and end < 0 and start > end):
        return EMPTY_BULK
    start = max(start + size, 0) if start < 0 else start
    end = max(end + size, 0) if end < 0 else min(end, size - 1)
    if start > end:
        return EMPTY_BULK
    if isinstance(value, RawString):
        return bulk(bytes(value.data[start : end + 1]))
    text = string_of(value)
    return EMPTY_BULK if text is None else bulk(text[start : end + 1])


@command(
    "SUBSTR",
    summary="Get a part of a string.",
    arguments="key start:integer end:integer",
    arity=4,
    flags=READONLY,
    keys=KEY_READ,
    group="string",
    since="1.0.0",
    deprecated="2.0.0|`GETRANGE`",
    complexity=_SUBSTRING,
)
def substr(ctx: Context, args: list[bytes]) -> bytes:
    """SUBSTR key start end."""
    return getrange(ctx, args)


def check_string_size(ctx: Context, size: int) -> None:
    """Check that a string is not longer than proto-max-bulk-len. Raises CommandError."""
    if size > ctx.engine.config.clients.proto_max_bulk_len:
        raise CommandError(STRING_TOO_LONG)


@command(
    "APPEND",
    summary="Append a value to a string.",
    arguments="key value",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_INSERT,
    group="string",
    since="2.0.0",
    complexity="O(1) amortised: the buffer grows by a share of its size.",
)
def append(ctx: Context, args: list[bytes]) -> bytes:
    """APPEND key value."""
    key, tail = args[1], args[2]
    current = ctx.db.find_for_write(key)
    if current is None:
        ctx.db.put(key, tail)
        size = len(tail)
    else:
        check_string_size(ctx, size_of_string(current) + len(tail))
        raw = string_for_edit(ctx.db, key, current)
        raw.data += tail
        size = len(raw.data)
    ctx.key_changed(key, NOTIFY_STRING, b"append")
    return integer(size)


@command(
    "SETRANGE",
    summary="Overwrite a part of a string; a string that is too short is padded with zero bytes.",
    arguments="key offset value",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=KEY_UPDATE,
    group="string",
    since="2.2.0",
    complexity="O(M) where M is the length of the value; the string is edited in place.",
)
def setrange(ctx: Context, args: list[bytes]) -> bytes:
    """SETRANGE key offset value."""
    key, value = args[1], args[3]
    offset = parse_int(args[2])
    if offset < 0:
        raise CommandError(OFFSET_OUT_OF_RANGE)
    current = ctx.db.find_for_write(key)
    size = size_of_string(current)
    if not value:
        return integer(size)
    check_string_size(ctx, offset + len(value))
    raw = string_for_edit(ctx.db, key, current)
    if size < offset + len(value):
        raw.data.extend(bytes(offset + len(value) - size))
    raw.data[offset : offset + len(value)] = value
    ctx.key_changed(key, NOTIFY_STRING, b"setrange")
    return integer(len(raw.data))
