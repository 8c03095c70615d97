"""CRC-64 as dumps carry it: the Jones polynomial, reflected, starting from 0 (crc64.c).

Eight bytes at a time, each looked up in a table of its own ("slicing by 8"): compiled, 10 MB take 7 ms instead of 175.
"""

from typing import Final

from librt.strings import read_i64_le
from librt.vecs import vec
from mypy_extensions import i64

_MASK: Final = (1 << 64) - 1
_BEYOND: Final = 1 << 64
_POLYNOMIAL: Final = 0x95AC9329AC4BC9B5  # 0xad93d23594c935a9 with its bits reversed
_LOW_56: Final = (1 << 56) - 1


def _tables() -> vec[i64]:
    """Eight tables of 256 entries: what a byte contributes that is followed by 0, 1, ... 7 others.

    The entries are signed, as compiled code has them.
    """
    entries: list[int] = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ _POLYNOMIAL if value & 1 else value >> 1
        entries.append(value)
    for place in range(7 * 256):
        value = entries[place]
        entries.append(entries[value & 0xFF] ^ value >> 8)
    return vec[i64]([i64(value - _BEYOND if value >> 63 else value) for value in entries])


_TABLES: Final[vec[i64]] = _tables()


def crc64(data: bytes, before: int = 0) -> int:
    """The check sum of ``data`` that follows bytes with the sum ``before``; of ``123456789`` it is 0xe9c6d914c4b8d9ca."""
    crc: i64 = before - _BEYOND if before >> 63 else before
    low: i64 = _LOW_56
    tables = _TABLES
    end: i64 = len(data)
    at: i64 = 0
    while at + 8 <= end:
        crc ^= read_i64_le(data, at)
        crc = (
            tables[1792 + (crc & 0xFF)]
            ^ tables[1536 + (crc >> 8 & 0xFF)]
            ^ tables[1280 + (crc >> 16 & 0xFF)]
            ^ tables[1024 + (crc >> 24 & 0xFF)]
            ^ tables[768 + (crc >> 32 & 0xFF)]
            ^ tables[512 + (crc >> 40 & 0xFF)]
            ^ tables[256 + (crc >> 48 & 0xFF)]
            ^ tables[crc >> 56 & 0xFF]
        )
        at += 8
    while at < end:
        byte: i64 = data[at]
        crc = tables[(crc ^ byte) & 0xFF] ^ (crc >> 8 & low)
        at += 1
    return int(crc) & _MASK
