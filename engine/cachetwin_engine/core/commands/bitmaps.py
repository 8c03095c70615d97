"""Bitmaps: strings as arrays of bits, the most significant bit of each byte first.

Long runs of bits are counted, searched and combined by machine words (``bit_words``).
"""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_GENERIC, NOTIFY_STRING
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import ONE, ZERO, array, integer
from cachetwin_engine.core.registry.command_table import (
    DENYOOM,
    FAST,
    KEY_ACCESS_UPDATE,
    KEY_READ,
    READONLY,
    WRITE,
    KeySpec,
    command,
)
from cachetwin_engine.core.text.numbers import integer_or_none, parse_int
from cachetwin_engine.core.types.bit_words import AND, OR, XOR, combined, count_bits, find_other, inverted
from cachetwin_engine.core.types.string import RawString, size_of_string, string_for_edit, string_of

_NOT_AN_OFFSET: Final = b"ERR bit offset is not an integer or out of range"
_NOT_A_BIT: Final = b"ERR bit is not an integer or out of range"
_NOT_A_TYPE: Final = b"ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
_WRAP: Final = 0
_SATURATE: Final = 1
_FAIL: Final = 2
_OVERFLOWS: Final[dict[bytes, int]] = {b"WRAP": _WRAP, b"SAT": _SATURATE, b"FAIL": _FAIL}
_OPERATIONS: Final[dict[bytes, int]] = {b"AND": AND, b"OR": OR, b"XOR": XOR}
_CHUNK_BYTES: Final = 64 * 1024  # of a string that is edited in place, copied at a time
_UNITS: Final = ("7.0.0", "Added the `BYTE|BIT` option.")


def _bit_offset(ctx: Context, text: bytes, width: int) -> int:
    """A bit offset; ``#n`` counts in fields of ``width`` bits, and 0 forbids that form. Raises CommandError."""
    in_fields = width > 0 and text[:1] == b"#"
    offset = integer_or_none(text[1:] if in_fields else text)
    if offset is not None and in_fields:
        offset *= width
    if offset is None or offset < 0 or offset >> 3 >= ctx.engine.config.clients.proto_max_bulk_len:
        raise CommandError(_NOT_AN_OFFSET)
    return offset


# -- single bits --------------------------------------------------------------------------------------------------------


@command(
    "SETBIT",
    summary="Set or clear a bit and return its previous value.",
    arguments="key offset value:integer",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=KEY_ACCESS_UPDATE,
    group="bitmap",
    since="2.2.0",
)
def setbit(ctx: Context, args: list[bytes]) -> bytes:
    """SETBIT key offset value."""
    key = args[1]
    offset = _bit_offset(ctx, args[2], 0)
    if args[3] not in {b"0", b"1"}:
        raise CommandError(_NOT_A_BIT)
    current = ctx.db.find_for_write(key)
    size = size_of_string(current)
    raw = string_for_edit(ctx.db, key, current)
    at = offset >> 3
    grows = at >= size
    if grows:
        raw.data.extend(bytes(at + 1 - size))
    mask = 0x80 >> (offset & 7)
    was = raw.data[at] & mask != 0
    on = args[3] == b"1"
    if on != was:
        raw.data[at] ^= mask
    if on != was or grows:
        ctx.key_changed(key, NOTIFY_STRING, b"setbit")
    return ONE if was else ZERO


@command(
    "GETBIT",
    summary="Return a bit of a string; 0 beyond its end.",
    arguments="key offset",
    arity=3,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="bitmap",
    since="2.2.0",
)
def getbit(ctx: Context, args: list[bytes]) -> bytes:
    """GETBIT key offset."""
    offset = _bit_offset(ctx, args[2], 0)
    value = ctx.db.find(args[1])
    at = offset >> 3
    if at >= size_of_string(value):
        return ZERO
    return ONE if _byte(value, at) & (0x80 >> (offset & 7)) else ZERO


def _byte(value: object, at: int) -> int:
    """A byte of a string value."""
    if isinstance(value, RawString):
        return value.data[at]
    text = string_of(value)
    return 0 if text is None else text[at]


# -- ranges -------------------------------------------------------------------------------------------------------------


class _BitRange:
    """A range of bits; both ends are included."""

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end


def _range(size: int, start: int, end: int, in_bits: bool) -> _BitRange | None:
    """The range that a client gave, clipped to a string of ``size`` bytes; None if it is empty."""
    total = size * 8 if in_bits else size
    start = max(start + total, 0) if start < 0 else start
    end = max(end + total, 0) if end < 0 else end
    end = min(end, total - 1)
    if start > end:
        return None
    return _BitRange(start, end) if in_bits else _BitRange(start * 8, end * 8 + 7)


def _in_bits(args: list[bytes], at: int) -> bool:
    """Whether ``args[at]`` is BIT; BYTE is the default. Raises CommandError."""
    if at >= len(args):
        return False
    word = args[at].upper()
    if word not in {b"BYTE", b"BIT"}:
        raise syntax_error()
    return word == b"BIT"


def _outside(bits: _BitRange, at: int) -> int:
    """The bits of the byte at ``at`` that are not in the range, as a mask."""
    mask = 0
    if at == bits.start >> 3:
        mask = 0xFF >> (bits.start & 7) ^ 0xFF
    if at == bits.end >> 3:
        mask |= 0xFF >> ((bits.end & 7) + 1)
    return mask


def _count(value: object, bits: _BitRange) -> int:
    """The number of set bits in a range of a string value."""
    first, last = bits.start >> 3, bits.end >> 3
    total = -(_byte(value, first) & _outside(bits, first)).bit_count()
    if last != first:
        total -= (_byte(value, last) & _outside(bits, last)).bit_count()
    if isinstance(value, RawString):
        for at in range(first, last + 1, _CHUNK_BYTES):
            chunk = bytes(value.data[at : min(at + _CHUNK_BYTES, last + 1)])
            total += count_bits(chunk, 0, len(chunk))
        return total
    text = string_of(value)
    return 0 if text is None else total + count_bits(text, first, last + 1)


def _find(value: object, bits: _BitRange, wanted: int) -> int:
    """The place of the first bit in a range of a string value that is ``wanted``, or -1."""
    last = bits.end >> 3
    neutral = 0 if wanted else 0xFF
    at = bits.start >> 3
    found = _neutralised(value, bits, at, neutral)
    if found == neutral and at < last:
        at = _find_other(value, at + 1, last, neutral)
        found = _neutralised(value, bits, at, neutral)
    return -1 if found == neutral else at * 8 + 8 - (found ^ neutral).bit_length()


def _neutralised(value: object, bits: _BitRange, at: int, neutral: int) -> int:
    """The byte at ``at`` with the bits outside of the range as in ``neutral``."""
    mask = _outside(bits, at)
    return _byte(value, at) & ~mask | neutral & mask


def _find_other(value: object, begin: int, end: int, byte: int) -> int:
    """``find_other`` in a string value."""
    if not isinstance(value, RawString):
        text = string_of(value)
        return end if text is None else find_other(text, begin, end, byte)
    for at in range(begin, end, _CHUNK_BYTES):
        chunk = bytes(value.data[at : min(at + _CHUNK_BYTES, end)])
        place = find_other(chunk, 0, len(chunk), byte)
        if place < len(chunk):
            return at + place
    return end


def _answers_before_parsing(ctx: Context, key: bytes) -> bool:
    """Whether the key is missing and the version replies before it parses the range. Raises CommandError."""
    if ctx.engine.profile.parses_bit_ranges_first:
        return False
    return string_of(ctx.db.peek(key)) is None


@command(
    "BITCOUNT",
    summary="Count the bits that are set in a string, or in a part of it.",
    arguments="key [range=(start:integer [end-unit-block=(end:integer [unit=<BYTE | BIT>@7.0.0])])]",
    arity=-2,
    flags=READONLY,
    keys=KEY_READ,
    group="bitmap",
    since="2.6.0",
    complexity="O(N)",
    history=[_UNITS, ("8.0.0", "`end` made optional; when called without argument the command reports the last BYTE.")],
)
def bitcount(ctx: Context, args: list[bytes]) -> bytes:
    """BITCOUNT key [start [end [BYTE | BIT]]]."""
    start, end, in_bits = 0, -1, False
    if _answers_before_parsing(ctx, args[1]):
        return ZERO
    if len(args) > 5 or (len(args) == 3 and not ctx.engine.profile.has_open_bitcount):
        raise syntax_error()
    if len(args) > 2:
        start = parse_int(args[2])
        if ctx.engine.profile.parses_bit_ranges_first:
            _in_bits(args, 4)  # an error in the unit comes before an error in the end
        end = parse_int(args[3]) if len(args) > 3 else -1
        if start < 0 and end < 0 and start > end and not ctx.engine.profile.parses_bit_ranges_first:
            return ZERO  # before the unit is parsed
        in_bits = _in_bits(args, 4)
    value = ctx.db.find(args[1])
    size = size_of_string(value)
    bits = None if start < 0 and end < 0 and start > end else _range(size, start, end, in_bits)
    return ZERO if bits is None else integer(_count(value, bits))


@command(
    "BITPOS",
    summary="Find the first bit that is set, or clear, in a string or in a part of it.",
    arguments="key bit:integer [range=(start:integer [end-unit-block=(end:integer [unit=<BYTE | BIT>@7.0.0])])]",
    arity=-3,
    flags=READONLY,
    keys=KEY_READ,
    group="bitmap",
    since="2.8.7",
    complexity="O(N)",
    history=[_UNITS],
)
def bitpos(ctx: Context, args: list[bytes]) -> bytes:
    """BITPOS key bit [start [end [BYTE | BIT]]]."""
    wanted = parse_int(args[2])
    if wanted not in {0, 1}:
        raise CommandError(b"ERR The bit argument must be 1 or 0.")
    if _answers_before_parsing(ctx, args[1]):
        return integer(-1 if wanted else 0)
    if len(args) > 6:
        raise syntax_error()
    start = parse_int(args[3]) if len(args) > 3 else 0
    in_bits = _in_bits(args, 5)
    end = parse_int(args[4]) if len(args) > 4 else -1
    value = ctx.db.find(args[1])
    size = size_of_string(value)
    if value is None:
        return integer(-1 if wanted else 0)
    bits = _range(size, start, end, in_bits)
    if bits is None:
        return integer(-1)
    place = _find(value, bits, wanted)
    if place < 0 and not wanted and len(args) < 5:
        return integer(size * 8)  # without an end, the string counts as followed by zeros
    return integer(place)


# -- whole strings ------------------------------------------------------------------------------------------------------


@command(
    "BITOP",
    summary="Combine strings bit by bit and store the result; shorter strings are padded with zeros.",
    arguments="operation=<AND | OR | XOR | NOT> destkey:key key...",
    arity=-4,
    flags=WRITE | DENYOOM,
    keys=[KeySpec("OW", "update", index=2), KeySpec("RO", "access", index=3, last=-1)],
    group="bitmap",
    since="2.6.0",
    complexity="O(N)",
)
def bitop(ctx: Context, args: list[bytes]) -> bytes:
    """BITOP AND | OR | XOR | NOT destkey key [key ...]."""
    operation, destination = args[1].upper(), args[2]
    if operation not in _OPERATIONS and operation != b"NOT":
        raise syntax_error()
    if operation == b"NOT" and len(args) != 4:
        raise CommandError(b"ERR BITOP NOT must be called with a single source key.")
    texts = [string_of(ctx.db.find(args[at])) or b"" for at in range(3, len(args))]
    size = max([len(text) for text in texts])
    if size == 0:
        if ctx.db.delete(destination):
            ctx.key_changed(destination, NOTIFY_GENERIC, b"del")
        return ZERO
    ctx.db.put(destination, RawString(bytearray(_combined(operation, texts))))
    ctx.key_changed(destination, NOTIFY_STRING, b"set")
    return integer(size)


def _combined(operation: bytes, texts: list[bytes]) -> bytes:
    if operation == b"NOT":
        return inverted(texts[0])
    total = texts[0]
    for at in range(1, len(texts)):
        total = combined(_OPERATIONS[operation], total, texts[at])
    return total


# -- fields -------------------------------------------------------------------------------------------------------------


class _FieldOperation:
    """One operation of BITFIELD. ``kind`` is the first letter of GET, SET or INCRBY."""

    def __init__(self, kind: int, signed: bool, width: int, offset: int, operand: int, overflow: int) -> None:
        self.kind = kind
        self.signed = signed
        self.width = width
        self.offset = offset
        self.operand = operand
        self.overflow = overflow

    def is_get(self) -> bool:
        """Whether the operation only reads."""
        return self.kind == 71


_BITFIELD_ARGUMENTS: Final = (
    "key [operation=<GET get-block=(encoding offset) | write=([OVERFLOW overflow-block=<WRAP | SAT | FAIL>] "
    "write-operation=<SET set-block=(encoding offset value:integer) "
    "| INCRBY incrby-block=(encoding offset increment:integer)>)>...]"
)


@command(
    "BITFIELD",
    summary="Read, write and increment integers of any width inside a string.",
    arguments=_BITFIELD_ARGUMENTS,
    arity=-2,
    flags=WRITE | DENYOOM,
    keys=[
        KeySpec(
            "RW", "access update", variable=True, notes="This command allows both access and modification of the key"
        )
    ],
    group="bitmap",
    since="3.2.0",
    complexity="O(1) for each operation.",
)
def bitfield(ctx: Context, args: list[bytes]) -> bytes:
    """BITFIELD key [GET type offset] [OVERFLOW how] [SET type offset value] [INCRBY type offset increment] ..."""
    operations = _field_operations(ctx, args)
    top = -1
    for operation in operations:
        if not operation.is_get():
            top = max(top, (operation.offset + operation.width - 1) >> 3)
    if top < 0:
        return _get_fields(ctx, args[1], operations)
    key = args[1]
    current = ctx.db.find_for_write(key)
    size = size_of_string(current)
    raw = string_for_edit(ctx.db, key, current)
    changes = 0
    if top >= size:
        raw.data.extend(bytes(top + 1 - size))
        changes = 1
    parts: list[bytes] = []
    written = 0
    for operation in operations:
        old = _field(bytes(raw.data[operation.offset >> 3 : (operation.offset >> 3) + 9]), operation)
        if operation.is_get():
            parts.append(integer(old))
            continue
        new = _bounded(operation.operand + (old if operation.kind == 73 else 0), operation)
        if new is None:
            parts.append(ctx.null)
            continue
        parts.append(integer(new if operation.kind == 73 else old))
        written += 1
        if new != old:
            _write_field(raw.data, operation, new)
            changes = 1
    if changes:
        ctx.key_changed(key, NOTIFY_STRING, b"setbit", max(written, 1))
    return array(parts)


@command(
    "BITFIELD_RO",
    summary="Read integers of any width inside a string.",
    arguments="key [GET... get-block=(encoding offset)...]",
    arity=-2,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="bitmap",
    since="6.0.0",
    complexity="O(1) for each operation.",
)
def bitfield_ro(ctx: Context, args: list[bytes]) -> bytes:
    """BITFIELD_RO key [GET type offset] ..."""
    operations = _field_operations(ctx, args)
    for operation in operations:
        if not operation.is_get():
            raise CommandError(b"ERR BITFIELD_RO only supports the GET subcommand")
    return _get_fields(ctx, args[1], operations)


def _field_operations(ctx: Context, args: list[bytes]) -> list[_FieldOperation]:
    operations: list[_FieldOperation] = []
    overflow = _WRAP
    at = 2
    while at < len(args):
        word = args[at].upper()
        left = len(args) - at - 1
        if word == b"OVERFLOW" and left >= 1:
            if args[at + 1].upper() not in _OVERFLOWS:
                raise CommandError(b"ERR Invalid OVERFLOW type specified")
            overflow = _OVERFLOWS[args[at + 1].upper()]
            at += 2
            continue
        if not ((word == b"GET" and left >= 2) or (word in {b"SET", b"INCRBY"} and left >= 3)):
            raise syntax_error()
        width = _field_width(args[at + 1])
        offset = _bit_offset(ctx, args[at + 2], width)
        operand = 0 if word == b"GET" else parse_int(args[at + 3])
        operations.append(_FieldOperation(word[0], args[at + 1][:1] == b"i", width, offset, operand, overflow))
        at += 3 if word == b"GET" else 4
    return operations


def _field_width(text: bytes) -> int:
    """The width in bits of a type such as ``i16``. Raises CommandError."""
    width = integer_or_none(text[1:])
    if text[:1] not in {b"i", b"u"} or width is None or not 1 <= width <= (64 if text[:1] == b"i" else 63):
        raise CommandError(_NOT_A_TYPE)
    return width


def _get_fields(ctx: Context, key: bytes, operations: list[_FieldOperation]) -> bytes:
    text = string_of(ctx.db.find(key)) or b""
    return array([integer(_field(text[o.offset >> 3 : (o.offset >> 3) + 9], o)) for o in operations])


def _field(window: bytes, operation: _FieldOperation) -> int:
    """The integer in a window of up to 9 bytes; missing bytes are zero."""
    bits = int.from_bytes(window.ljust(9, b"\x00"), "big")
    value = bits >> (72 - (operation.offset & 7) - operation.width) & ((1 << operation.width) - 1)
    if operation.signed and value >> (operation.width - 1):
        value -= 1 << operation.width
    return value


def _bounded(value: int, operation: _FieldOperation) -> int | None:
    """``value`` after overflow handling; None if it does not fit and OVERFLOW is FAIL."""
    low = -(1 << (operation.width - 1)) if operation.signed else 0
    high = (1 << (operation.width - 1 if operation.signed else operation.width)) - 1
    if low <= value <= high:
        return value
    if operation.overflow == _FAIL:
        return None
    if operation.overflow == _SATURATE:
        if not operation.signed and operation.kind == 83:
            return high  # a negative value for an unsigned field counts as an unsigned 64-bit integer
        return low if value < low else high
    value &= (1 << operation.width) - 1
    return value - (1 << operation.width) if operation.signed and value > high else value


def _write_field(data: bytearray, operation: _FieldOperation, value: int) -> None:
    first = operation.offset >> 3
    last = (operation.offset + operation.width - 1) >> 3
    shift = (last + 1) * 8 - operation.offset - operation.width
    mask = ((1 << operation.width) - 1) << shift
    bits = int.from_bytes(data[first : last + 1], "big")
    bits = bits & ~mask | (value & ((1 << operation.width) - 1)) << shift
    data[first : last + 1] = bits.to_bytes(last + 1 - first, "big")
