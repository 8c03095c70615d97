"""What FUNCTION DUMP gives and FUNCTION RESTORE takes: the code of each library as an RDB file would hold it."""

from typing import Final

from ..crc64 import crc64

_FUNCTION: Final = 245  # RDB_OPCODE_FUNCTION2 (rdb.h)


def payload_of(codes: list[bytes], rdb_version: int) -> bytes:
    """The codes, the RDB version (2 bytes) and the check sum (8 bytes), both little endian."""
    parts = []
    for code in codes:
        parts.append(bytes([_FUNCTION]) + _length(len(code)) + code)
    data = b"".join(parts) + rdb_version.to_bytes(2, "little")
    return data + crc64(data).to_bytes(8, "little")


def code_of_payload(payload: bytes, rdb_version: int) -> list[bytes] | None:
    """The codes in ``payload``; None if it is damaged or newer than ``rdb_version``."""
    if len(payload) < 10 or int.from_bytes(payload[-10:-8], "little") > rdb_version:
        return None
    if crc64(payload[:-8]) != int.from_bytes(payload[-8:], "little"):
        return None
    end = len(payload) - 10
    codes: list[bytes] = []
    at = 0
    while at < end:
        if payload[at] != _FUNCTION:
            return None
        size, at = _length_at(payload, at + 1)
        if size < 0 or at + size > end:
            return None
        codes.append(payload[at : at + size])
        at += size
    return codes


def _length(size: int) -> bytes:
    if size < 1 << 6:
        return bytes([size])
    if size < 1 << 14:
        return bytes([0x40 | size >> 8, size & 0xFF])
    return b"\x80" + size.to_bytes(4, "big")


def _length_at(data: bytes, at: int) -> tuple[int, int]:
    """A length and the place after it; -1 for one that is no plain string's."""
    kind = data[at] >> 6
    if kind == 0:
        return data[at] & 0x3F, at + 1
    if kind == 1:
        return (data[at] & 0x3F) << 8 | data[at + 1], at + 2
    if data[at] == 0x80:
        return int.from_bytes(data[at + 1 : at + 5], "big"), at + 5
    return -1, at
