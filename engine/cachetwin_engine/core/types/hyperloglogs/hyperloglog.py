"""HyperLogLog: how many different elements there were, within 0.81 %, in 12 KiB at most.

A string in Valkey's own layout, byte for byte, so that what is dumped here can be restored there. 16 bytes of head:
``HYLL``, the encoding, three zeros, and the last count (64 bits, little endian, the highest bit set when it is out of
date). Then 16,384 registers. Dense: 6 bits each, the lowest bits first. Sparse: see ``hyperloglog_runs``.

The estimate is Ertl's (arXiv:1702.01284, section 4). The hash is MurmurHash64A.
"""

from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from math import sqrt
from typing import Final

from cachetwin_engine.core import BUILD
from cachetwin_engine.core.protocol.errors import CommandError

from .register_words import highest, histogram, packed, unpacked
from .runs import (
    GREW,
    HEAD_BYTES,
    REGISTERS,
    TOO_LARGE,
    Runs,
    raise_sparse,
    run_at,
    sparse_registers,
    zero_run,
)

DENSE: Final = 0
SPARSE: Final = 1
DENSE_BYTES: Final = HEAD_BYTES + REGISTERS * 6 // 8
NOT_A_HYPERLOGLOG: Final = b"WRONGTYPE Key is not a valid HyperLogLog string value."

_INDEX_BITS: Final = 14
_RANK_MAX: Final = 64 - _INDEX_BITS + 1
_ALPHA: Final = 0.721347520444481703680  # 1 / (2 ln 2)
_SEED: Final = 0xADC83B19
_MULTIPLIER: Final = 0xC6A4A7935BD1E995
_MASK: Final = (1 << 64) - 1
_STALE: Final = 0x80
_DECODED_FROM: Final = 4  # elements at once from which it pays to take the sparse form apart
_DIGITS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_VALUES_OF_DIGITS: Final = bytes.maketrans(_DIGITS, bytes(range(64)))
_DIGITS_OF_VALUES: Final = bytes.maketrans(bytes(range(64)), _DIGITS)
_HIGHEST_BITS: Final = int.from_bytes(b"\x80" * REGISTERS, "little")


def new_sparse() -> bytearray:
    """A HyperLogLog that has seen nothing; its count, 0, is up to date."""
    data = bytearray(b"HYLL" + bytes([SPARSE]) + bytes(11))
    data += zero_run(REGISTERS)
    return data


def check(text: bytes | bytearray) -> None:
    """Raise CommandError unless the head is a HyperLogLog's. What follows it is checked where it is read."""
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
    runs = Runs(data) if data[4] == SPARSE and len(elements) >= _DECODED_FROM else None
    if runs is not None and runs.are_whole:
        while at < len(elements):
            register, rank = place_and_rank(elements[at])
            done = runs.raise_register(register, rank, sparse_bytes_max)
            if done == TOO_LARGE:
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
        done = raise_sparse(data, register, rank, sparse_bytes_max)
        if done != TOO_LARGE:
            if done == GREW:
                invalidate(data)
            return done == GREW
        to_dense(data)
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
    if text[4] == DENSE and BUILD == "compiled":
        return unpacked(bytes(text), HEAD_BYTES, REGISTERS)
    if text[4] == DENSE:  # Base64 cuts bits the other way round, so it is given the bytes in reverse
        digits = b2a_base64(bytes(text[:15:-1]), newline=False)
        return digits.translate(_VALUES_OF_DIGITS)[::-1]
    return sparse_registers(text)


def dense_of(registers: bytes) -> bytes:
    """The dense form of registers, without head."""
    if BUILD == "compiled":
        return packed(registers)
    return a2b_base64(registers[::-1].translate(_DIGITS_OF_VALUES))[::-1]


def highest_of(first: bytes, second: bytes) -> bytes:
    """For each register the higher value. Interpreted, all are compared at once, as the bytes of two long numbers.

    Values are below 128, so 128 more than the first less the second has its highest bit set where the first is not less.
    """
    if BUILD == "compiled":
        return highest(first, second)
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


# -- the estimate -------------------------------------------------------------------------------------------------------


def estimate(registers: bytes) -> int:
    """How many different elements made these registers."""
    counts = histogram(registers) if BUILD == "compiled" else _counts(registers)
    z = REGISTERS * _tau((REGISTERS - counts[_RANK_MAX]) / REGISTERS)
    for rank in range(_RANK_MAX - 1, 0, -1):
        z = (z + counts[rank]) * 0.5
    z += REGISTERS * _sigma(counts[0] / REGISTERS)
    return int(_ALPHA * REGISTERS * REGISTERS / z + 0.5)


def _counts(registers: bytes) -> list[int]:
    """How many registers have each of the values 0 to 63."""
    counts = [0] * 64
    left = REGISTERS
    for rank in range(64):
        counts[rank] = registers.count(rank)
        left -= counts[rank]
        if not left:
            break
    return counts


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
        length, value, size = run_at(text, at)
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
