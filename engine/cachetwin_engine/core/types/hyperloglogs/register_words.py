"""Registers of HyperLogLogs by machine words: eight of 6 bits are 48 bits packed, and eight bytes unpacked.

For the compiled build; each loop handles eight registers at a time. Values are below 64, so the two highest bits of each
byte are free.
"""

from typing import Final

from librt.strings import BytesWriter, read_i64_le, write_i64_le
from librt.vecs import vec
from mypy_extensions import i64

_PACKED_BYTES: Final = 6  # of eight registers
_HALVES: Final = 0x0000000000FFFFFF
_QUARTERS: Final = 0x00000FFF00000FFF
_EIGHTHS: Final = 0x003F003F003F003F
_HIGHEST_BITS: Final = 0x4040404040404040
_LOWEST_BITS: Final = 0x0101010101010101


def unpacked(text: bytes, begin: i64, registers: i64) -> bytes:
    """The registers that are packed in ``text`` from ``begin`` on, a byte each; their number is divisible by eight."""
    padded = text + b"\0\0"  # the last word has 48 bits
    halves: i64 = _HALVES
    quarters: i64 = _QUARTERS
    eighths: i64 = _EIGHTHS
    out = BytesWriter()
    at: i64 = begin
    end: i64 = begin + registers * _PACKED_BYTES // 8
    while at < end:
        word: i64 = read_i64_le(padded, at)
        word = (word & halves) | ((word >> 24 & halves) << 32)
        word = (word & quarters) | ((word >> 12 & quarters) << 16)
        word = (word & eighths) | ((word >> 6 & eighths) << 8)
        write_i64_le(out, word)
        at += _PACKED_BYTES
    return out.getvalue()


def packed(registers: bytes) -> bytes:
    """The registers with 6 bits each; their number is divisible by 32, which are four words of 48 bits."""
    out = BytesWriter()
    size: i64 = len(registers)
    at: i64 = 0
    while at < size:
        a: i64 = _packed_word(read_i64_le(registers, at))
        b: i64 = _packed_word(read_i64_le(registers, at + 8))
        c: i64 = _packed_word(read_i64_le(registers, at + 16))
        d: i64 = _packed_word(read_i64_le(registers, at + 24))
        write_i64_le(out, _signed(a | (b & 0xFFFF) << 48))
        write_i64_le(out, _signed(b >> 16 | (c & 0xFFFFFFFF) << 32))
        write_i64_le(out, _signed(c >> 32 | d << 16))
        at += 32
    return out.getvalue()


def _packed_word(word: i64) -> i64:
    word = (word & _EIGHTHS) | (word >> 8 & _EIGHTHS) << 6
    word = (word & _QUARTERS) | (word >> 16 & _QUARTERS) << 12
    return (word & _HALVES) | (word >> 32 & _HALVES) << 24


def _signed(word: i64) -> i64:
    """``word`` as a signed one: compiled it is, interpreted it may have become larger."""
    return word - (1 << 64) if word > 0x7FFFFFFFFFFFFFFF else word


def highest(one: bytes, other: bytes) -> bytes:
    """For each register the higher value of two equally long texts of unpacked ones."""
    high: i64 = _HIGHEST_BITS
    low: i64 = _LOWEST_BITS
    out = BytesWriter()
    size: i64 = len(one)
    at: i64 = 0
    while at < size:
        a: i64 = read_i64_le(one, at)
        b: i64 = read_i64_le(other, at)
        not_less: i64 = (((a | high) - b) >> 6 & low) * 63  # 64 more than a less b keeps its highest bit where a >= b
        write_i64_le(out, (a & not_less) | (b & ~not_less))
        at += 8
    return out.getvalue()


def histogram(registers: bytes) -> list[int]:
    """How many of the unpacked registers have each of the values 0 to 63."""
    counts = vec[i64]([0] * 64)
    at: i64 = 0
    size: i64 = len(registers)
    while at < size:
        value: i64 = registers[at]
        counts[value] += 1
        at += 1
    return list(counts)
