"""Members with a score each in one ``bytes``, in the order of (score, member): a few of them, as ``blob`` explains.

An entry is the length of the member, the length of the score, the member, the score. A whole number up to 2**53 is a
signed big-endian integer of as few bytes as will do (so never eight), any other score an IEEE double, big-endian too.
Doubles are taken apart by hand: compiled, that costs a fifth of ``struct``.
"""

import struct
from typing import Final

from mypy_extensions import i64

from cachetwin_engine.core.types.blob import BYTES_MAX, ELEMENT_MAX, ENTRIES_MAX, LENGTHS

_WHOLE_MAX: Final = float(2**53)
_DOUBLE: Final = struct.Struct(">d")
_DOUBLE_BYTES: Final = 8
_INFINITE_EXPONENT: Final = 0x7FF
_HIDDEN_BIT: Final = 1 << 52
_POWERS: Final[list[float]] = [2.0 ** (max(exponent, 1) - 1075) for exponent in range(_INFINITE_EXPONENT)]
"""What the fraction of a double counts, by its exponent."""


def entry_of(member: bytes, score: float) -> bytes:
    """An entry."""
    text = score_bytes(score)
    return LENGTHS[len(member)] + LENGTHS[len(text)] + member + text


def score_bytes(score: float) -> bytes:
    """A score, which is not NaN; -0 becomes 0."""
    if not -_WHOLE_MAX < score < _WHOLE_MAX:
        return _DOUBLE.pack(score)
    whole = int(score)
    if whole != score:
        return _DOUBLE.pack(score)
    value: i64 = whole
    if -128 <= value < 128:
        return LENGTHS[value & 255]
    size = 2
    bound: i64 = 1 << 15
    while not -bound <= value < bound:
        bound <<= 8
        size += 1
    return whole.to_bytes(size, "big", signed=True)


def score_at(data: bytes, at: i64) -> float:
    """The score in the entry at ``at``."""
    length: i64 = data[at]
    size: i64 = data[at + 1]
    at += 2 + length
    value: i64 = data[at]
    if size < _DOUBLE_BYTES:
        if value >= 128:
            value -= 256
        for place in range(at + 1, at + size):
            value = (value << 8) | data[place]
        return float(value)
    second: i64 = data[at + 1]
    exponent = (value & 127) << 4 | second >> 4
    fraction: i64 = second & 15
    for place in range(at + 2, at + size):
        fraction = (fraction << 8) | data[place]
    if exponent == _INFINITE_EXPONENT:
        size_of_it = float("inf")
    else:
        size_of_it = float(fraction if exponent == 0 else fraction | _HIDDEN_BIT) * _POWERS[exponent]
    return -size_of_it if value >= 128 else size_of_it


def behind_entry(data: bytes, at: i64) -> i64:
    """Where the entry at ``at`` ends."""
    length: i64 = data[at]
    size: i64 = data[at + 1]
    return at + 2 + length + size


def member_in(data: bytes, at: i64) -> bytes:
    """The member of the entry at ``at``."""
    length: i64 = data[at]
    return data[at + 2 : at + 2 + length]


def find_member(data: bytes, member: bytes) -> i64:
    """Where the entry of ``member`` begins, or -1 - the number of members."""
    size: i64 = len(member)
    last: i64 = member[size - 1] if size else 0
    end: i64 = len(data)
    passed: i64 = 0
    at: i64 = 0
    while at < end:
        length: i64 = data[at]
        if length == size:
            if size == 0:
                return at
            final: i64 = data[at + 1 + size]
            if final == last and data[at + 2 : at + 2 + size] == member:
                return at
        score_size: i64 = data[at + 1]
        at += 2 + length + score_size
        passed += 1
    return -1 - passed


def place_for(data: bytes, member: bytes, score: float) -> i64:
    """Where an entry of ``member`` and ``score`` belongs: before the first that is not less."""
    end: i64 = len(data)
    at: i64 = 0
    while at < end:
        other = score_at(data, at)
        if other >= score and (other > score or member_in(data, at) >= member):
            break
        at = behind_entry(data, at)
    return at


def place_of_rank(data: bytes, rank: i64) -> i64:
    """Where the entry of ``rank`` begins, or the end."""
    at: i64 = 0
    for _ in range(rank):
        at = behind_entry(data, at)
    return at


def entries_before(data: bytes, stop: i64) -> i64:
    """Entries that begin before ``stop``."""
    count: i64 = 0
    at: i64 = 0
    while at < stop:
        at = behind_entry(data, at)
        count += 1
    return count


def fits_entry(data: bytes, count: i64, member: bytes) -> bool:
    """Whether a blob of ``count`` entries has room for one of ``member``, or for another score of it."""
    size: i64 = len(member)
    return count < ENTRIES_MAX and size <= ELEMENT_MAX and len(data) + size + _DOUBLE_BYTES + 2 <= BYTES_MAX
