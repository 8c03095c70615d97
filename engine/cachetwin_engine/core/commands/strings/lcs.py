"""LCS: the longest common subsequence of two strings, by dynamic programming.

Only one row of lengths is kept; the trace back needs one byte for each cell. Valkey keeps four bytes for each cell and
refuses tables beyond proto-max-bulk-len, so the same inputs are refused here.
"""

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64, u8

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.protocol.replies import array, bulk, integer
from cachetwin_engine.core.registry.command_table import READONLY, KeySpec, command
from cachetwin_engine.core.text.numbers import parse_int
from cachetwin_engine.core.types.string import RawString, string_of

_CELL_BYTES: Final = 4


class _Match:
    """A common run of both strings: its place in each, and its length."""

    def __init__(self, a: int, b: int, size: int) -> None:
        self.a = a
        self.b = b
        self.size = size


@command(
    "LCS",
    summary="Find the longest common subsequence of two strings.",
    arguments="key1 key2#0 [LEN] [IDX] [MINMATCHLEN min-match-len:integer] [WITHMATCHLEN]",
    arity=-3,
    flags=READONLY,
    keys=[KeySpec("RO", "access", last=1)],
    group="string",
    since="7.0.0",
    complexity="O(N*M) where N and M are the lengths of the two strings",
)
def lcs(ctx: Context, args: list[bytes]) -> bytes:
    """LCS key1 key2 [LEN] [IDX] [MINMATCHLEN n] [WITHMATCHLEN]."""
    texts = _texts(ctx, args)
    only_length = indexes = with_sizes = False
    size_min = 0
    options = ctx.options(args, 3)
    while word := options.next_word():
        if word == b"IDX":
            indexes = True
        elif word == b"LEN":
            only_length = True
        elif word == b"WITHMATCHLEN":
            with_sizes = True
        else:
            size_min = max(0, parse_int(options.value))
    if indexes and only_length:
        raise CommandError(b"ERR If you want both the length and indexes, please just use IDX.")
    a, b = texts
    if (len(a) + 1) * (len(b) + 1) * _CELL_BYTES > ctx.engine.config.clients.proto_max_bulk_len:
        raise CommandError(b"ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
    if only_length:
        return integer(_length(a, b))
    matches = _matches(a, b, _ways(a, b))
    if not indexes:
        return bulk(b"".join([a[match.a : match.a + match.size] for match in reversed(matches)]))
    found = [_match_reply(match, with_sizes) for match in matches if match.size >= size_min]
    length = sum([match.size for match in matches])
    return ctx.map_reply([bulk(b"matches"), array(found), bulk(b"len"), integer(length)])


def _texts(ctx: Context, args: list[bytes]) -> tuple[bytes, bytes]:
    values = [ctx.db.find(args[1]), ctx.db.find(args[2])]
    for value in values:
        if value is not None and not isinstance(value, bytes | RawString):
            raise CommandError(b"ERR The specified keys must contain string values")
    return string_of(values[0]) or b"", string_of(values[1]) or b""


def _length(a: bytes, b: bytes) -> int:
    """The length of the longest common subsequence."""
    rows: i64 = len(a)
    columns: i64 = len(b)
    lengths = vec[i64]([0] * (columns + 1))
    i: i64 = 0
    left: i64 = 0
    while i < rows:
        byte: i64 = a[i]
        diagonal: i64 = 0
        left = 0
        j: i64 = 0
        while j < columns:
            up: i64 = lengths[j]
            if byte == b[j]:
                left = diagonal + 1
            elif up > left:
                left = up
            lengths[j] = left
            diagonal = up
            j += 1
        i += 1
    return left


def _ways(a: bytes, b: bytes) -> vec[u8]:
    """For each cell 1 where the trace back goes up rather than left. The same loop as ``_length``, which is the faster."""
    rows: i64 = len(a)
    columns: i64 = len(b)
    lengths = vec[i64]([0] * (columns + 1))
    ways = vec[u8]([u8(0)] * (rows * columns))
    i: i64 = 0
    cell: i64 = 0
    while i < rows:
        byte: i64 = a[i]
        diagonal: i64 = 0
        left: i64 = 0
        j: i64 = 0
        while j < columns:
            up: i64 = lengths[j]
            if byte == b[j]:
                left = diagonal + 1
            elif up > left:
                left = up
                ways[cell] = 1
            lengths[j] = left
            diagonal = up
            cell += 1
            j += 1
        i += 1
    return ways


def _matches(a: bytes, b: bytes, ways: vec[u8]) -> list[_Match]:
    """The runs of the common subsequence, last first."""
    found: list[_Match] = []
    columns = len(b)
    i, j = len(a), columns
    while i > 0 and j > 0:
        if a[i - 1] == b[j - 1]:
            i -= 1
            j -= 1
            if found and found[-1].a == i + 1 and found[-1].b == j + 1:
                found[-1].a, found[-1].b, found[-1].size = i, j, found[-1].size + 1
            else:
                found.append(_Match(i, j, 1))
        elif ways[(i - 1) * columns + j - 1]:
            i -= 1
        else:
            j -= 1
    return found


def _match_reply(match: _Match, with_size: bool) -> bytes:
    ends = [
        array([integer(match.a), integer(match.a + match.size - 1)]),
        array([integer(match.b), integer(match.b + match.size - 1)]),
    ]
    return array([*ends, integer(match.size)] if with_size else ends)
