"""Cluster slots: CRC16 (XMODEM: polynomial 0x1021, from 0) of the key, or of its hash tag, modulo 16384."""

from typing import Final

SLOT_COUNT: Final = 16384


def _table() -> list[int]:
    entries: list[int] = []
    for byte in range(256):
        value = byte << 8
        for _ in range(8):
            value = (value << 1) ^ 0x1021 if value & 0x8000 else value << 1
        entries.append(value & 0xFFFF)
    return entries


_CRC16: Final[list[int]] = _table()


def slot_of(key: bytes) -> int:
    """The slot of ``key``; if it has a non-empty part in braces, only the first such part counts."""
    opening = key.find(b"{")
    if opening >= 0:
        closing = key.find(b"}", opening + 1)
        if closing > opening + 1:
            key = key[opening + 1 : closing]
    crc = 0
    for byte in key:
        crc = ((crc << 8) & 0xFFFF) ^ _CRC16[(crc >> 8) ^ byte]
    return crc % SLOT_COUNT
