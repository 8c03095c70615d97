"""HyperLogLog: how many different elements there were, within 0.81 %, in 12 KiB at most.

A string in Valkey's own layout, byte for byte, so that what is dumped here can be restored there. 16 bytes of head:
``HYLL``, the encoding, three zeros, and the last count (64 bits, little endian, the highest bit set when it is out of
date). Then 16,384 registers. Dense: 6 bits each, the lowest bits first. Sparse: runs, one after the other:

- ``00xxxxxx``: 1 to 64 registers are zero;
- ``01xxxxxx yyyyyyyy``: 1 to 16,384 registers are zero;
- ``1vvvvvxx``: 1 to 4 registers hold the value 1 to 32.

Registers are updated in the sparse form in place and neighbouring runs joined as Valkey joins them, because the bytes
depend on the order of events. The estimate is Ertl's (arXiv:1702.01284, section 4). The hash is MurmurHash64A.
"""

from binascii import a2b_base64, b2a_base64
from bisect import bisect_right
from collections.abc import Callable
from math import sqrt
from typing import Final

from cachetwin_engine.core.protocol.errors import CommandError

REGISTERS: Final = 16384
HEAD_BYTES: Final = 16
DENSE: Final = 0
SPARSE: Final = 1
DENSE_BYTES: Final = HEAD_BYTES + REGISTERS * 6 // 8
NOT_A_HYPERLOGLOG: Final = b"WRONGTYPE Key is not a valid HyperLogLog string value."
CORRUPTED: Final = b"INVALIDOBJ Corrupted HLL object detected"

_INDEX_BITS: Final = 14
_RANK_MAX: Final = 64 - _INDEX_BITS + 1
_ALPHA: Final = 0.721347520444481703680  # 1 / (2 ln 2)
_SEED: Final = 0xADC83B19
_MULTIPLIER: Final = 0xC6A4A7935BD1E995
_MASK: Final = (1 << 64) - 1
_SPARSE_VALUE_MAX: Final = 32
_VALUE_RUN_MAX: Final = 4
_ZERO_RUN_MAX: Final = 64
_JOIN_STEPS: Final = 5  # a change splits one run into three at most, so only these can be joined
_STALE: Final = 0x80
_DECODED_FROM: Final = 4  # elements at once from which it pays to take the sparse form apart
_SAME: Final = 0
_GREW: Final = 1
_TOO_LARGE: Final = 2
_DIGITS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_VALUES_OF_DIGITS: Final = bytes.maketrans(_DIGITS, bytes(range(64)))
_DIGITS_OF_VALUES: Final = bytes.maketrans(bytes(range(64)), _DIGITS)
_HIGHEST_BITS: Final = int.from_bytes(b"\x80" * REGISTERS, "little")
_SHORT_RUNS: Final = [
    bytes([(head >> 2 & 31) + 1]) * ((head & 3) + 1) if head & 0x80 else bytes((head & 63) + 1) for head in range(256)
]  # by their one byte; 0x40 to 0x7F are the first of two
_LENGTHS: Final = bytes([(head & 3) + 1 if head & 0x80 else (head & 63) + 1 for head in range(256)])


def new_sparse() -> bytearray:
    """A HyperLogLog that has seen nothing; its count, 0, is up to date."""
    data = bytearray(b"HYLL" + bytes([SPARSE]) + bytes(11))
    data += _zero_run(REGISTERS)
    return data


def check(text: bytes | bytearray) -> None:
    """Is it one of ours? Raises CommandError. What follows the head is checked where it is read."""
    if len(text) < HEAD_BYTES or text[:4] != b"HYLL" or text[4] > SPARSE:
        raise CommandError(NOT_A_HYPERLOGLOG)
    if text[4] == DENSE and len(text) != DENSE_BYTES:
        raise CommandError(NOT_A_HYPERLOGLOG)


def invalidate(data: bytearray) -> None:
    """The count must be worked out anew."""
    data[15] |= _STALE


def cached_count(text: bytes | bytearray) -> int:
    """The last count, -1 when it is out of date."""
    return -1 if text[15] & _STALE else int.from_bytes(text[8:16], "little")


def store_count(data: bytearray, count: int) -> None:
    """Remember the count."""
    data[8:16] = count.to_bytes(8, "little")


# -- hashing ------------------------------------------------------------------------------------------------------------


def hashed(element: bytes) -> int:
    """MurmurHash64A of ``element``."""
    size = len(element)
    h = (_SEED ^ (size * _MULTIPLIER)) & _MASK
    whole = size & ~7
    for at in range(0, whole, 8):
        k = int.from_bytes(element[at : at + 8], "little") * _MULTIPLIER & _MASK
        k = (k ^ (k >> 47)) * _MULTIPLIER & _MASK
        h = (h ^ k) * _MULTIPLIER & _MASK
    if whole < size:
        h = (h ^ int.from_bytes(element[whole:], "little")) * _MULTIPLIER & _MASK
    h = (h ^ (h >> 47)) * _MULTIPLIER & _MASK
    return h ^ (h >> 47)


def place_and_rank(element: bytes) -> tuple[int, int]:
    """The register that ``element`` goes to, and one more than the zeros its hash goes on with."""
    h = hashed(element)
    rest = (h >> _INDEX_BITS) | 1 << (64 - _INDEX_BITS)
    return h & (REGISTERS - 1), (rest & -rest).bit_length()


# -- registers ----------------------------------------------------------------------------------------------------------


def add(data: bytearray, element: bytes, sparse_bytes_max: int) -> bool:
    """Note ``element``; True if a register grew. May turn ``data`` from sparse to dense. Raises CommandError."""
    register, rank = place_and_rank(element)
    return raise_register(data, register, rank, sparse_bytes_max)


def add_all(data: bytearray, elements: list[bytes], sparse_bytes_max: int) -> int:
    """Note ``elements`` one after the other, as ``add`` does; how many made a register grow. Raises CommandError."""
    count = 0
    at = 0
    runs = _Runs(data) if data[4] == SPARSE and len(elements) >= _DECODED_FROM else None
    if runs is not None and runs.are_whole:
        while at < len(elements):
            register, rank = place_and_rank(elements[at])
            done = runs.raise_register(register, rank, sparse_bytes_max)
            if done == _TOO_LARGE:
                break
            count += done
            at += 1
        if count:
            data[HEAD_BYTES:] = runs.encoded()
            invalidate(data)
    for element in elements[at:]:
        if add(data, element, sparse_bytes_max):
            count += 1
    return count


def raise_register(data: bytearray, register: int, rank: int, sparse_bytes_max: int) -> bool:
    """Let ``register`` be at least ``rank``; True if it was less. Raises CommandError."""
    if data[4] == SPARSE:
        return _raise_sparse(data, register, rank, sparse_bytes_max)
    at = HEAD_BYTES + register * 6 // 8
    shift = register * 6 % 8
    window = data[at] | (data[at + 1] << 8 if at + 1 < len(data) else 0)
    if window >> shift & 63 >= rank:
        return False
    window = window & ~(63 << shift) | rank << shift
    data[at] = window & 0xFF
    if at + 1 < len(data):
        data[at + 1] = window >> 8 & 0xFF
    return True


def registers_of(text: bytes | bytearray) -> bytes:
    """All registers, a byte each. Raises CommandError."""
    if text[4] == DENSE:  # Base64 cuts bits the other way round, so it is given the bytes in reverse
        digits = b2a_base64(bytes(text[:15:-1]), newline=False)
        return digits.translate(_VALUES_OF_DIGITS)[::-1]
    runs: list[bytes] = []
    count = 0
    at = HEAD_BYTES
    end = len(text)
    while at < end and count < REGISTERS:
        head = text[at]
        if head & 0xC0 == 0x40:
            length, _, size = _run_at(text, at)
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


def dense_of(registers: bytes) -> bytes:
    """The dense form of registers, without head."""
    return a2b_base64(registers[::-1].translate(_DIGITS_OF_VALUES))[::-1]


def highest_of(first: bytes, second: bytes) -> bytes:
    """For each register the higher value. All are compared at once, as the bytes of two long numbers.

    Values are below 128, so 128 more than the first less the second has its highest bit set where the first is not less.
    """
    a = int.from_bytes(first, "little")
    b = int.from_bytes(second, "little")
    not_less = (((a | _HIGHEST_BITS) - b & _HIGHEST_BITS) >> 7) * 255
    return (a & not_less | b & ~not_less).to_bytes(REGISTERS, "little")


def to_dense(data: bytearray) -> None:
    """Change the encoding in place. Raises CommandError."""
    if data[4] == DENSE:
        return
    data[HEAD_BYTES:] = dense_of(registers_of(data))
    data[4] = DENSE


def raise_registers(data: bytearray, wanted: bytes, sparse_bytes_max: int) -> None:
    """Let each register be at least as ``wanted`` has it. Raises CommandError."""
    if data[4] == DENSE:
        data[HEAD_BYTES:] = dense_of(highest_of(registers_of(data), wanted))
        return
    for register in range(REGISTERS):
        if wanted[register]:
            raise_register(data, register, wanted[register], sparse_bytes_max)


# -- the sparse form ----------------------------------------------------------------------------------------------------


def _run_at(text: bytes | bytearray, at: int) -> tuple[int, int, int]:
    """A run: how many registers, their value, its bytes."""
    head = text[at]
    if head & 0x80:
        return (head & 3) + 1, (head >> 2 & 31) + 1, 1
    if head & 0x40:
        if at + 1 >= len(text):
            raise CommandError(CORRUPTED)
        return ((head & 63) << 8 | text[at + 1]) + 1, 0, 2
    return (head & 63) + 1, 0, 1


def _zero_run(length: int) -> bytes:
    if length > _ZERO_RUN_MAX:
        return bytes([0x40 | (length - 1) >> 8, (length - 1) & 0xFF])
    return bytes([length - 1])


def _value_run(value: int, length: int) -> bytes:
    return bytes([0x80 | (value - 1) << 2 | (length - 1)])


def _raise_sparse(data: bytearray, register: int, rank: int, sparse_bytes_max: int) -> bool:
    if rank > _SPARSE_VALUE_MAX:
        to_dense(data)
        return raise_register(data, register, rank, sparse_bytes_max)
    at, previous, first, length, value, size = _find_run(data, register)
    if value >= rank:
        return False
    before, after = register - first, first + length - 1 - register
    pieces = _value_run(rank, 1)
    if before:
        pieces = (_value_run(value, before) if value else _zero_run(before)) + pieces
    if after:
        pieces += _value_run(value, after) if value else _zero_run(after)
    if len(pieces) > size and len(data) + len(pieces) - size > sparse_bytes_max:
        to_dense(data)
        return raise_register(data, register, rank, sparse_bytes_max)
    data[at : at + size] = pieces
    _join(data, previous if previous >= 0 else HEAD_BYTES)
    invalidate(data)
    return True


class _Runs:
    """The sparse form taken apart, for many changes in a row: what a register belongs to is found by bisection."""

    def __init__(self, data: bytearray) -> None:
        self._starts: list[int] = []  # the first register of each run
        self._values: list[int] = []  # 0 to 32
        self._sizes: list[int] = []  # in bytes
        at = HEAD_BYTES
        first = 0
        while at < len(data) and first < REGISTERS:
            length, value, size = _run_at(data, at)
            self._starts.append(first)
            self._values.append(value)
            self._sizes.append(size)
            first += length
            at += size
        self._size = at
        self._starts.append(REGISTERS)
        self.are_whole = first == REGISTERS and at == len(data)
        """Do they cover every register, with nothing behind them? Else the bytes have to be searched as they are."""

    def raise_register(self, register: int, rank: int, sparse_bytes_max: int) -> int:
        """As ``_raise_sparse`` does: _SAME, _GREW, or _TOO_LARGE without a change."""
        if rank > _SPARSE_VALUE_MAX:
            return _TOO_LARGE
        starts, values, sizes = self._starts, self._values, self._sizes
        place = bisect_right(starts, register) - 1
        value, size = values[place], sizes[place]
        if value >= rank:
            return _SAME
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
            return _TOO_LARGE
        starts[place : place + 1] = new_starts
        values[place : place + 1] = new_values
        sizes[place : place + 1] = new_sizes
        self._size += grown
        self._join(max(place - 1, 0))
        return _GREW

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
            length, _, size = _run_at(data, at)
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
        length, value, size = _run_at(data, at)
        if value and at + 1 < len(data) and data[at + 1] & 0x80:
            next_length, next_value, _ = _run_at(data, at + 1)
            if next_value == value and length + next_length <= _VALUE_RUN_MAX:
                data[at : at + 2] = _value_run(value, length + next_length)
                continue  # what follows may join too
        at += size


# -- the estimate -------------------------------------------------------------------------------------------------------


def estimate(registers: bytes) -> int:
    """How many different elements made these registers."""
    counts = [0] * 64
    left = REGISTERS
    for rank in range(64):
        counts[rank] = registers.count(rank)
        left -= counts[rank]
        if not left:
            break
    z = REGISTERS * _tau((REGISTERS - counts[_RANK_MAX]) / REGISTERS)
    for rank in range(_RANK_MAX - 1, 0, -1):
        z = (z + counts[rank]) * 0.5
    z += REGISTERS * _sigma(counts[0] / REGISTERS)
    return int(_ALPHA * REGISTERS * REGISTERS / z + 0.5)


def _tau(x: float) -> float:
    if x in {0.0, 1.0}:
        return 0.0
    y = 1.0
    z = 1 - x
    while True:
        x = sqrt(x)
        before = z
        y *= 0.5
        z -= (1 - x) ** 2 * y
        if before == z:
            return z / 3


def _sigma(x: float) -> float:
    if x == 1.0:
        return float("inf")
    y = 1.0
    z = x
    while True:
        x *= x
        before = z
        z += x * y
        y += y
        if before == z:
            return z


# -- looking inside -----------------------------------------------------------------------------------------------------


def described(text: bytes) -> bytes:
    """The runs of a sparse one: ``z:n`` and ``Z:n`` for n zeros, ``v:x,n`` for n registers that hold x."""
    words: list[bytes] = []
    at = HEAD_BYTES
    while at < len(text):
        length, value, size = _run_at(text, at)
        if value:
            words.append(b"v:%d,%d" % (value, length))
        else:
            words.append(b"%s:%d" % (b"z" if size == 1 else b"Z", length))
        at += size
    return b" ".join(words)


def self_test(below: Callable[[int], int]) -> bytes:
    """Write registers at random and read them back, then count up to 10,000; what went wrong, or nothing.

    ``below(n)`` draws from 0 to n - 1. The error allowed is four times the standard one, 1.04 / sqrt(16384).
    """
    data = new_sparse()
    to_dense(data)
    expected = bytearray(REGISTERS)
    for register in range(REGISTERS):
        expected[register] = below(_RANK_MAX) + 1
        raise_register(data, register, expected[register], 0)
    if registers_of(data) != expected:
        return b"registers do not read back as they were written"
    sparse, dense = new_sparse(), new_sparse()
    to_dense(dense)
    seed = below(1 << 30) << 32
    for number in range(1, 10_001):
        element = (seed | number).to_bytes(8, "little")
        add(sparse, element, DENSE_BYTES)
        add(dense, element, 0)
        if number in {1, 10, 100, 1000, 10_000}:
            count = estimate(registers_of(dense))
            if registers_of(sparse) != registers_of(dense):
                return b"sparse and dense registers differ"
            if abs(count - number) > 4 * 1.04 / 128 * number + 1:
                return b"the estimate is %d for %d elements" % (count, number)
    return b""
