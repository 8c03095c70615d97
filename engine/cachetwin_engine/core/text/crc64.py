"""CRC-64 as dumps carry it: the Jones polynomial, reflected, starting from 0 (crc64.c)."""

from typing import Final

from mypy_extensions import i64

_MASK: Final = (1 << 64) - 1
_BEYOND: Final = 1 << 64
_POLYNOMIAL: Final = 0x95AC9329AC4BC9B5  # 0xad93d23594c935a9 with its bits reversed


def _table() -> list[i64]:
    """Entries as signed integers, so that compiled code needs no big ones."""
    entries: list[i64] = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ _POLYNOMIAL if value & 1 else value >> 1
        entries.append(value - (1 << 64) if value >> 63 else value)
    return entries


_CRC64: Final[list[i64]] = _table()
_LOW_56: Final = (1 << 56) - 1


def crc64(data: bytes, before: int = 0) -> int:
    """The check sum of ``data`` behind what has the sum ``before``; of ``123456789`` it is 0xe9c6d914c4b8d9ca."""
    crc: i64 = before - _BEYOND if before >> 63 else before
    low: i64 = _LOW_56
    for at in range(len(data)):
        byte: i64 = data[at]
        crc = _CRC64[(crc ^ byte) & 0xFF] ^ (crc >> 8 & low)
    return int(crc) & _MASK
