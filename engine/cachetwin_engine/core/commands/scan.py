"""KEYS and SCAN, and what SCAN shares with HSCAN, SSCAN, ZSCAN and CLUSTERSCAN."""

from typing import Final

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.keyspace.slots import SLOT_COUNT
from cachetwin_engine.core.protocol.errors import INVALID_CURSOR, CommandError, not_an_integer, syntax_error
from cachetwin_engine.core.protocol.replies import array, bulk, bulk_array
from cachetwin_engine.core.registry.command_table import READONLY, command
from cachetwin_engine.core.text.glob import glob_match
from cachetwin_engine.core.text.numbers import integer_or_none

from .keys import type_name

CURSOR_END: Final = 2**64
_LONE: Final[dict[bytes, bytes]] = {
    b"NOVALUES": b"HSCAN",
    b"NOSCORES": b"ZSCAN",
}  # options without a value, since Valkey 8
_TYPES = {b"string", b"list", b"set", b"zset", b"hash", b"stream"}


@command(
    "KEYS",
    summary="List all keys that match a pattern.",
    arguments="pattern",
    arity=2,
    flags=READONLY,
    group="generic",
    since="1.0.0",
    complexity="O(N) where N is the number of keys of the database.",
    categories=[b"dangerous"],
    tips=[b"request_policy:all_shards", b"nondeterministic_output_order"],
)
def keys(ctx: Context, args: list[bytes]) -> bytes:
    """KEYS pattern."""
    pattern = args[1]
    found = ctx.db.values.keys()
    if pattern != b"*":
        found = [key for key in found if glob_match(pattern, key)]
    if ctx.db.values.expiring and not (ctx.engine.keeps_expired and ctx.engine.sees_expired()):
        found = [key for key in found if not ctx.db.is_expired(key)]
    return bulk_array(found)


class ScanOptions:
    """The cursor and the options of SCAN, HSCAN, SSCAN and ZSCAN."""

    def __init__(self, cursor: int) -> None:
        self.cursor = cursor
        self.count = 10
        self.pattern: bytes | None = None  # None: all
        self.type: bytes | None = None
        self.no_values = False
        self.no_scores = False
        self.slot = -1  # of CLUSTERSCAN only

    def wants(self, name: bytes) -> bool:
        """Whether ``name`` matches the pattern."""
        return self.pattern is None or glob_match(self.pattern, name)


def scan_options(ctx: Context, args: list[bytes], at: int, takes: bytes = b"") -> ScanOptions:
    """The cursor at ``args[at]`` and the options after it. Raises CommandError.

    ``takes`` is the option that the command has besides MATCH and COUNT: TYPE, NOVALUES or NOSCORES.
    """
    options = ScanOptions(scan_cursor(args[at]))
    read_scan_options(ctx, options, args, at + 1, takes)
    return options


def scan_cursor(text: bytes) -> int:
    """A cursor as a number. Raises CommandError."""
    cursor = cursor_or_none(text)
    if cursor is None:
        raise CommandError(INVALID_CURSOR)
    return cursor


def cursor_or_none(text: bytes) -> int | None:
    """A cursor as a number, or None if it is not an unsigned 64-bit integer."""
    cursor = int(text) if text.isdigit() and len(text) <= 20 else -1
    return cursor if 0 <= cursor < CURSOR_END else None


def read_scan_options(ctx: Context, options: ScanOptions, args: list[bytes], at: int, takes: bytes) -> None:
    """Read the options from ``args[at]`` on. A command that ``takes`` SLOT has TYPE as well. Raises CommandError."""
    profile = ctx.engine.profile
    while at < len(args):
        word = args[at].upper()
        if word in _LONE and profile.has_scan_without_values:
            if word != takes:
                raise CommandError(b"ERR " + word + b" option can only be used in " + _LONE[word])
            options.no_values = options.no_values or word == b"NOVALUES"
            options.no_scores = options.no_scores or word == b"NOSCORES"
            at += 1
            continue
        if at + 1 >= len(args):
            raise syntax_error()
        value = args[at + 1]
        if word == b"COUNT":
            count = integer_or_none(value)
            if count is None:
                raise not_an_integer()
            if count < 1:
                raise syntax_error()
            options.count = count
        elif word == b"MATCH":
            options.pattern = None if value == b"*" else value
        elif word == b"TYPE" and takes in {b"TYPE", b"SLOT"}:
            options.type = value.lower()
            if profile.checks_scan_types and options.type not in _TYPES:
                raise CommandError(b"ERR unknown type name '" + options.type + b"'")
        elif word == b"SLOT" and takes == b"SLOT":
            options.slot = _parse_slot(options, value)
        else:
            raise syntax_error()
        at += 2


def _parse_slot(options: ScanOptions, text: bytes) -> int:
    if options.slot >= 0:
        raise CommandError(b"ERR SLOT option can only be specified once")
    slot = integer_or_none(text)
    if slot is None or not 0 <= slot < SLOT_COUNT:
        raise CommandError(b"ERR Invalid or out of range slot")
    return slot


@command(
    "SCAN",
    summary="Iterate over the keys of the database; keys that stay throughout are returned.",
    arguments="cursor [MATCH pattern] [COUNT count] [TYPE type@6.0.0]",
    arity=-2,
    flags=READONLY,
    group="generic",
    since="2.8.0",
    complexity="O(1) for each call, O(N) for a complete iteration.",
    tips=[b"nondeterministic_output", b"request_policy:special", b"response_policy:special"],
    history=[("6.0.0", "Added the `TYPE` subcommand.")],
)
def scan(ctx: Context, args: list[bytes]) -> bytes:
    """SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]."""
    options = scan_options(ctx, args, 1, b"TYPE")
    cursor, candidates = ctx.db.values.scan(options.cursor, options.count)
    return array([bulk(b"%d" % cursor), bulk_array(wanted_keys(ctx, options, candidates))])


def wanted_keys(ctx: Context, options: ScanOptions, candidates: list[bytes]) -> list[bytes]:
    """The ``candidates`` that exist and pass MATCH and TYPE."""
    found: list[bytes] = []
    for key in candidates:
        if not options.wants(key):
            continue
        if options.type is not None and type_name(ctx.db.values.peek(key)) != options.type:
            continue  # before the check for expiry: a key that is filtered out is not deleted
        if ctx.db.peek(key) is not None:
            found.append(key)
    return found
