"""Strings: get, set, count."""

from ..command_table import DENYOOM, FAST, KEY_ACCESS_UPDATE, KEY_READ, READONLY, WRITE, command
from ..context import Context
from ..errors import OVERFLOW, CommandError, syntax_error
from ..notifications import NOTIFY_STRING
from ..numbers import INT64_MAX, INT64_MIN, parse_int
from ..replies import OK, bulk, integer
from ..types.string import read_string, string_of


@command("GET", arity=2, flags=READONLY | FAST, group="string", since="1.0.0", keys=KEY_READ, summary="Get a string.")
def get(ctx: Context, args: list[bytes]) -> bytes:
    """GET key."""
    value = read_string(ctx.db, args[1])
    return ctx.null if value is None else bulk(value)


@command("SET", arity=-3, flags=WRITE | DENYOOM, group="string", since="1.0.0", keys=KEY_ACCESS_UPDATE, summary="Set a string.")  # fmt: skip
def set_(ctx: Context, args: list[bytes]) -> bytes:
    """SET key value."""
    if len(args) > 3:
        raise syntax_error()
    key = args[1]
    ctx.db.put(key, args[2])
    ctx.key_changed(key, NOTIFY_STRING, b"set")
    return OK


@command("INCR", arity=2, flags=WRITE | DENYOOM | FAST, group="string", since="1.0.0", keys=KEY_ACCESS_UPDATE, summary="Add one to the integer in a string.")  # fmt: skip
def incr(ctx: Context, args: list[bytes]) -> bytes:
    """INCR key."""
    return _add(ctx, args[1], 1)


def _add(ctx: Context, key: bytes, delta: int) -> bytes:
    value = string_of(ctx.db.find_for_write(key))
    total = (0 if value is None else parse_int(value)) + delta
    if not INT64_MIN <= total <= INT64_MAX:
        raise CommandError(OVERFLOW)
    text = b"%d" % total
    if value is None:
        ctx.db.put(key, text)
    else:
        ctx.db.replace(key, text)
    ctx.key_changed(key, NOTIFY_STRING, b"incrby")
    return integer(total)
