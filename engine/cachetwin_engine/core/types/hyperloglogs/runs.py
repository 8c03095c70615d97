"""The sparse form of a HyperLogLog: its registers as runs, one after the other.

- ``00xxxxxx``: 1 to 64 registers are zero;
- ``01xxxxxx yyyyyyyy``: 1 to 16,384 registers are zero;
- ``1vvvvvxx``: 1 to 4 registers hold the value 1 to 32.

Registers are updated in place and neighbouring runs joined as Valkey joins them, because the bytes depend on the order of
events.
"""

from bisect import bisect_right
from typing import Final

from cachetwin_engine.core.protocol.errors import CommandError

REGISTERS: Final = 16384
HEAD_BYTES: Final = 16
CORRUPTED: Final = b"INVALIDOBJ Corrupted HLL object detected"

_SPARSE_VALUE_MAX: Final = 32
_VALUE_RUN_MAX: Final = 4
_ZERO_RUN_MAX: Final = 64
_JOIN_STEPS: Final = 5  # a change splits one run into three at most, so only these can be joined
SAME: Final = 0
GREW: Final = 1
TOO_LARGE: Final = 2
_SHORT_RUNS: Final = [
    bytes([(head >> 2 & 31) + 1]) * ((head & 3) + 1) if head & 0x80 else bytes((head & 63) + 1) for head in range(256)
]  # by their one byte; 0x40 to 0x7F are the first of two
_LENGTHS: Final = bytes([(head & 3) + 1 if head & 0x80 else (head & 63) + 1 for head in range(256)])


def run_at(text: bytes | bytearray, at: int) -> tuple[int, int, int]:
    """A run: how many registers, their value, its bytes."""
    head = text[at]
    if head & 0x80:
        return (head & 3) + 1, (head >> 2 & 31) + 1, 1
    if head & 0x40:
        if at + 1 >= len(text):
            raise CommandError(CORRUPTED)
        return ((head & 63) << 8 | text[at + 1]) + 1, 0, 2
    return (head & 63) + 1, 0, 1


def zero_run(length: int) -> bytes:
    """The bytes of a run of ``length`` registers that are zero."""
    if length > _ZERO_RUN_MAX:
        return bytes([0x40 | (length - 1) >> 8, (length - 1) & 0xFF])
    return bytes([length - 1])


def _value_run(value: int, length: int) -> bytes:
    return bytes([0x80 | (value - 1) << 2 | (length - 1)])


def raise_sparse(data: bytearray, register: int, rank: int, sparse_bytes_max: int) -> int:
    """Let ``register`` be at least ``rank``: SAME, GREW, or TOO_LARGE without a change. Raises CommandError."""
    if rank > _SPARSE_VALUE_MAX:
        return TOO_LARGE
    at, previous, first, length, value, size = _find_run(data, register)
    if value >= rank:
        return SAME
    before, after = register - first, first + length - 1 - register
    pieces = _value_run(rank, 1)
    if before:
        pieces = (_value_run(value, before) if value else zero_run(before)) + pieces
    if after:
        pieces += _value_run(value, after) if value else zero_run(after)
    if len(pieces) > size and len(data) + len(pieces) - size > sparse_bytes_max:
        return TOO_LARGE
    data[at : at + size] = pieces
    _join(data, previous if previous >= 0 else HEAD_BYTES)
    return GREW


class Runs:
    """The sparse form taken apart, for many changes in a row: what a register belongs to is found by bisection."""

    def __init__(self, data: bytearray) -> None:
        self._starts: list[int] = []  # the first register of each run
        self._values: list[int] = []  # 0 to 32
        self._sizes: list[int] = []  # in bytes
        at = HEAD_BYTES
        first = 0
        while at < len(data) and first < REGISTERS:
            length, value, size = run_at(data, at)
            self._starts.append(first)
            self._values.append(value)
            self._sizes.append(size)
            first += length
            at += size
        self._size = at
        self._starts.append(REGISTERS)
        self.are_whole = first == REGISTERS and at == len(data)
        """Whether they cover every register, with nothing behind them; otherwise only ``raise_sparse`` reads the bytes."""

    def raise_register(self, register: int, rank: int, sparse_bytes_max: int) -> int:
        """As ``raise_sparse`` does: SAME, GREW, or TOO_LARGE without a change."""
        if rank > _SPARSE_VALUE_MAX:
            return TOO_LARGE
        starts, values, sizes = self._starts, self._values, self._sizes
        place = bisect_right(starts, register) - 1
        value, size = values[place], sizes[place]
        if value >= rank:
            return SAME
        first, end = starts[place], starts[place + 1]
        new_starts, new_values, new_sizes = [register], [rank], [1]
        if first < register:
            new_starts.insert(0, first)
            new_values.insert(0, value)
            new_sizes.insert(0, _size_of_run(value, register - first))
        if register + 1 < end:
            new_starts.append(register + 1)
            new_values.append(value)
            new_sizes.append(_size_of_run(value, end - register - 1))
        grown = sum(new_sizes) - size
        if grown > 0 and self._size + grown > sparse_bytes_max:
            return TOO_LARGE
        starts[place : place + 1] = new_starts
        values[place : place + 1] = new_values
        sizes[place : place + 1] = new_sizes
        self._size += grown
        self._join(max(place - 1, 0))
        return GREW

    def _join(self, place: int) -> None:
        """As ``_join`` of the encoded form does."""
        starts, values, sizes = self._starts, self._values, self._sizes
        for _ in range(_JOIN_STEPS):
            if place + 1 >= len(values):
                return
            value = values[place]
            if value and values[place + 1] == value and starts[place + 2] - starts[place] <= _VALUE_RUN_MAX:
                starts.pop(place + 1)
                values.pop(place + 1)
                sizes.pop(place + 1)
                self._size -= 1
                continue
            place += 1

    def encoded(self) -> bytes:
        """The runs as bytes."""
        parts: list[bytes] = []
        for place, value in enumerate(self._values):
            length = self._starts[place + 1] - self._starts[place]
            if value:
                parts.append(_value_run(value, length))
            elif self._sizes[place] == 1:
                parts.append(bytes([length - 1]))
            else:
                parts.append(bytes([0x40 | (length - 1) >> 8, (length - 1) & 0xFF]))
        return b"".join(parts)


def _size_of_run(value: int, length: int) -> int:
    return 1 if value or length <= _ZERO_RUN_MAX else 2


def _find_run(data: bytearray, register: int) -> tuple[int, int, int, int, int, int]:
    """The run that covers ``register``: its place, that of the one before (-1: none), its first register, the run."""
    at = HEAD_BYTES
    previous = -1
    first = 0
    end = len(data)
    while at < end:
        head = data[at]
        if head & 0xC0 == 0x40:
            length, _, size = run_at(data, at)
        else:
            length = _LENGTHS[head]
            size = 1
        if register < first + length:
            value = (head >> 2 & 31) + 1 if head & 0x80 else 0
            return at, previous, first, length, value, size
        previous = at
        at += size
        first += length
    raise CommandError(CORRUPTED)


def _join(data: bytearray, at: int) -> None:
    """Make one of neighbouring runs of the same value, near ``at``."""
    for _ in range(_JOIN_STEPS):
        if at >= len(data):
            return
        length, value, size = run_at(data, at)
        if value and at + 1 < len(data) and data[at + 1] & 0x80:
            next_length, next_value, _ = run_at(data, at + 1)
            if next_value == value and length + next_length <= _VALUE_RUN_MAX:
                data[at : at + 2] = _value_run(value, length + next_length)
                continue  # what follows may join too
        at += size


def sparse_registers(text: bytes | bytearray) -> bytes:
    """All registers, a byte each. Raises CommandError."""
    runs: list[bytes] = []
    count = 0
    at = HEAD_BYTES
    end = len(text)
    while at < end and count < REGISTERS:
        head = text[at]
        if head & 0xC0 == 0x40:
            length, _, size = run_at(text, at)
            runs.append(bytes(length))
            count += length
            at += size
        else:
            runs.append(_SHORT_RUNS[head])
            count += _LENGTHS[head]
            at += 1
    if count != REGISTERS or at != end:
        raise CommandError(CORRUPTED)
    return b"".join(runs)
