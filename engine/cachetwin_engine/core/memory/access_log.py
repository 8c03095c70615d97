"""When keys were last used, or how often: what LRU and LFU eviction, OBJECT IDLETIME and OBJECT FREQ go by.

It costs nothing before it is used: with no policy that needs it, the log is empty and off. The first OBJECT IDLETIME
(or a RESTORE with an idle time) turns it on. Until then all keys count as last used when the engine last
did anything with data: the true idle time may be longer, never shorter.

With LRU a key's entry is the Unix time in ms of its last use; uses within a tenth of a second share one integer object,
so an entry costs a slot in a dict. With LFU it is Valkey's: minutes since the epoch (16 bits) and a logarithmic counter
(8 bits) that grows with probability ``1 / ((counter - 5) * lfu-log-factor + 1)`` and falls by one every
``lfu-decay-time`` minutes.
"""

from typing import Final

from cachetwin_engine.core.keyspace.database import Database
from cachetwin_engine.core.state.engine_state import EngineState

LFU_START: Final = 5  # of a new key, so that it isn't the first to go (evict.c)
LFU_TOP: Final = 255
STAMP_MS: Final = 100
_MINUTES_MASK: Final = 0xFFFF


class AccessLog:
    """The clock and the rules of one engine; the entries are in ``Database.accessed``."""

    def __init__(self, engine: EngineState) -> None:
        self._engine = engine
        self.lfu = False
        self.unknown_since_ms = 0  # keys without an entry count as last used then
        self.activity = -1  # look-ups and changes when ``note_activity`` last saw the engine
        self._tick_ms = 0
        self._stamp: object = 0
        self._stamp_ms = 0

    def touch(self, db: Database, key: bytes) -> None:
        """``key`` is used now."""
        if self.lfu:
            old = _entry_of(db, key)
            counter = LFU_START if old < 0 else self._grown(self._decayed(old))
            new = self._minutes() << 8 | counter
            if new != old:
                db.accessed[key] = new
            return
        now_ms = self._engine.now_ms
        if now_ms - self._stamp_ms >= STAMP_MS or now_ms < self._stamp_ms:
            self._stamp_ms = now_ms
            self._stamp = now_ms
        db.accessed[key] = self._stamp

    def note_activity(self) -> None:
        """Ten times a second: remember when data was last looked at, to a tick."""
        engine = self._engine
        activity = engine.hits + engine.misses - engine.untouched + engine.dirty
        if activity != self.activity:
            self.activity = activity
            self.unknown_since_ms = max(self._tick_ms, engine.started_ms)
        self._tick_ms = engine.now_ms

    def configure(self) -> None:
        """Follow the policy: forget entries of the other kind, and turn the log on if the policy lives by it."""
        engine = self._engine
        policy = engine.config.memory.maxmemory_policy
        lfu = policy.endswith(b"-lfu")
        if lfu != self.lfu:
            self.lfu = lfu
            for db in engine.databases:
                db.accessed = {}
        if policy.endswith((b"-lru", b"-lfu")) and engine.config.memory.maxmemory > 0:
            self.turn_on()

    def turn_on(self) -> None:
        """From now on uses are noted."""
        if not self._engine.tracks_access:
            self.note_activity()
            self._engine.tracks_access = True

    def idle_ms(self, db: Database, key: bytes) -> int:
        """Since ``key`` was last used, as far as known."""
        stamp = _entry_of(db, key)
        return max(0, self._engine.now_ms - (stamp if stamp >= 0 else self.unknown_since_ms))

    def idle_seconds(self, db: Database, key: bytes) -> int:
        """OBJECT IDLETIME; the first one turns the log on."""
        self.turn_on()
        return self.idle_ms(db, key) // 1000

    def frequency(self, db: Database, key: bytes) -> int:
        """OBJECT FREQ: the counter with its decay up to now."""
        entry = _entry_of(db, key)
        return LFU_START if entry < 0 else self._decayed(entry)

    def set_idle_seconds(self, db: Database, key: bytes, seconds: int) -> None:
        """RESTORE IDLETIME. Means nothing under an LFU policy."""
        if not self.lfu:
            self.turn_on()
            db.accessed[key] = max(0, self._engine.now_ms - seconds * 1000)

    def set_frequency(self, db: Database, key: bytes, frequency: int) -> None:
        """RESTORE FREQ. Means nothing under another policy."""
        if self.lfu:
            db.accessed[key] = self._minutes() << 8 | frequency

    def _minutes(self) -> int:
        return (self._engine.now_ms // 60_000) & _MINUTES_MASK

    def _decayed(self, entry: int) -> int:
        counter = entry & LFU_TOP
        every = self._engine.config.memory.lfu_decay_time
        if every <= 0:
            return counter
        elapsed = (self._minutes() - (entry >> 8)) & _MINUTES_MASK
        return max(0, counter - elapsed // every)

    def _grown(self, counter: int) -> int:
        if counter >= LFU_TOP:
            return LFU_TOP
        above = max(0, counter - LFU_START)
        if self._engine.random.unit() * (above * self._engine.config.memory.lfu_log_factor + 1) < 1:
            return counter + 1
        return counter


def _entry_of(db: Database, key: bytes) -> int:
    """The entry of ``key``, -1 if there is none."""
    entry = db.accessed.get(key)
    return entry if isinstance(entry, int) else -1
