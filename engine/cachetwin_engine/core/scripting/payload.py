"""The payload of FUNCTION DUMP and FUNCTION RESTORE: the code of each library as in an RDB file."""

from typing import TYPE_CHECKING, Final

from cachetwin_engine.core.rdb.packed import BadData
from cachetwin_engine.core.rdb.reader import RdbReader
from cachetwin_engine.core.rdb.writer import RdbWriter
from cachetwin_engine.core.text.crc64 import crc64

if TYPE_CHECKING:
    from cachetwin_engine.core.config.config import Config

_FUNCTION: Final = 245  # RDB_OPCODE_FUNCTION2 (rdb.h)


def payload_of(codes: list[bytes], rdb_version: int) -> bytes:
    """The codes, the RDB version (2 bytes) and the check sum (8 bytes), both little endian."""
    writer = RdbWriter(rdb_version, compresses=True)
    for code in codes:
        writer.kind(_FUNCTION)
        writer.string(code)
    data = writer.data() + rdb_version.to_bytes(2, "little")
    return data + crc64(data).to_bytes(8, "little")


def code_of_payload(payload: bytes, rdb_version: int, config: "Config") -> list[bytes] | None:
    """The codes in ``payload``; None if it is damaged or newer than ``rdb_version``."""
    if len(payload) < 10 or int.from_bytes(payload[-10:-8], "little") > rdb_version:
        return None
    if crc64(payload[:-8]) != int.from_bytes(payload[-8:], "little"):
        return None
    reader = RdbReader(payload[:-10], config)
    codes: list[bytes] = []
    try:
        while reader.at < len(reader.data):
            if reader.byte() != _FUNCTION:
                return None
            codes.append(reader.string())
    except BadData:
        return None
    return codes
