"""How used memory divides into data and what is not data, as MEMORY STATS and INFO memory show it (object.c)."""

from typing import Final

from cachetwin_engine.core.state.engine_state import EngineState

from .account import STARTUP_BYTES

ENTRY_BYTES: Final = 32  # size of a hash table entry as object.c counts it


class MemoryOverhead:
    """The parts of ``used`` bytes, which the engine's account counted."""

    def __init__(self, engine: EngineState, used: int) -> None:
        self.startup = STARTUP_BYTES
        self.keys = 0
        self.tables: list[tuple[int, int, int]] = []
        """Of databases that are not empty: number, bytes of the table of keys, of that of times to live."""
        self.total = STARTUP_BYTES + engine.buffer_bytes
        for db in engine.databases:
            if len(db):
                main, expires = len(db) * ENTRY_BYTES, db.values.expiring * ENTRY_BYTES
                self.keys += len(db)
                self.tables.append((db.index, main, expires))
                self.total += main + expires
        self.total = min(self.total, used)
        self.data = used - self.total
        self.data_percent = 100 * self.data / max(1, used - STARTUP_BYTES)
        self.bytes_per_key = self.data // self.keys if self.keys else 0
