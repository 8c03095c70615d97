"""CRC-64 as dumps carry it: the Jones polynomial, reflected, starting from 0 (crc64.c)."""

from typing import Final

_POLYNOMIAL: Final = 0x95AC9329AC4BC9B5  # 0xad93d23594c935a9 with its bits reversed


def _table() -> list[int]:
    entries: list[int] = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ _POLYNOMIAL if value & 1 else value >> 1
        entries.append(value)
    return entries


_CRC64: Final[list[int]] = _table()


def crc64(data: bytes) -> int:
    """The check sum of ``data``; of ``123456789`` it is 0xe9c6d914c4b8d9ca."""
    crc = 0
    for byte in data:
        crc = _CRC64[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc
