"""Serialised values as DUMP gives them: RDB format, the RDB version (2 bytes), a CRC-64 of all of it (8 bytes)."""

from cachetwin_engine.core.state.engine_state import EngineState
from cachetwin_engine.core.text.crc64 import crc64

from .writer import RdbWriter


def payload_of(engine: EngineState, value: object) -> bytes:
    """The payload of ``value``."""
    writer = RdbWriter(engine.profile.rdb_version, engine.config.boolean("rdbcompression"))
    writer.value(value)
    body = writer.data() + engine.profile.rdb_version.to_bytes(2, "little")
    return body + crc64(body).to_bytes(8, "little")
