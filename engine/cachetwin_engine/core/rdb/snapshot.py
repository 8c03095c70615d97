"""All the data at one moment as an RDB file, made in slices while clients are served.

Nothing is copied when a snapshot begins. Keys are written one after the other, a slice at a time (``KeyWalk``); before
a key that is not written yet is changed or deleted, it is written as it is (``Database.note_size`` leads to
``key_changes``). So the file holds what was there when the snapshot began, whenever a key's turn came, and new keys are
not in it. A large value is written in steps (``LongEntry``), or to its end when it is about to change; other keys that
change meanwhile are written behind it. Commands that flush or swap databases finish the snapshot first.
"""

from typing import Final

from cachetwin_engine.core.keyspace.database import Database
from cachetwin_engine.core.memory.access_log import AccessLog
from cachetwin_engine.core.state.engine_state import EngineState
from cachetwin_engine.core.text.crc64 import crc64

from . import kinds
from .key_walk import KeyWalk
from .long_entry import LongEntry, is_long
from .writer import RdbWriter

_KEYS_PER_LOOK: Final = 32  # written between two looks at the clock
_PIECE_BYTES: Final = 64 * 1024
_FOREIGN_FROM: Final = 12  # from here on the versions of Redis and Valkey differ, and Valkey's name is in front


class Snapshot:
    """A file that is being made. ``take`` what is ready after each ``work``, until it is ``done``."""

    def __init__(
        self,
        engine: EngineState,
        access_log: AccessLog,
        checksum: bool,
        with_data: bool = True,
    ) -> None:
        self._engine = engine
        self._access_log = access_log
        self._writer = RdbWriter(engine.profile.rdb_version, engine.config.boolean("rdbcompression"))
        self._checksum = checksum
        self._slices = True  # whether large values are written in steps
        self._crc = 0
        self._ready: list[bytes] = []
        self.done = False
        self._rests_until_us = 0
        self.keys_total = 0
        self.keys_written = 0
        self._walks: dict[int, KeyWalk] = {}  # by database
        self._databases: list[Database] = []  # whose walk has not begun, the next one last
        self._current: Database | None = None
        self._long_keys: list[bytes] = []  # of the current database: taken, and not begun
        self._long: LongEntry | None = None  # of the current database
        self._behind = RdbWriter(self._writer.version, self._writer.compresses)  # what comes after it
        self._lfu = access_log.lfu
        self._lru = engine.config.memory.maxmemory_policy.endswith(b"-lru")
        if with_data:
            for db in reversed(engine.databases):
                if len(db.values):
                    self._walks[db.index] = KeyWalk(db)
                    self._databases.append(db)
                    self.keys_total += len(db.values)

    def write_head(self, notes: list[tuple[bytes, bytes]], library_codes: list[bytes]) -> None:
        """What stands before the data: the version, ``notes``, and libraries of functions."""
        writer = self._writer
        version = self._engine.profile.rdb_version
        writer.raw(b"VALKEY%03d" % version if version >= _FOREIGN_FROM else b"REDIS%04d" % version)
        for name, value in notes:
            writer.kind(kinds.NOTE)
            writer.string(name)
            writer.string(value)
        for code in library_codes:
            writer.kind(kinds.FUNCTION)
            writer.string(code)

    def work(self, until_us: int) -> None:
        """Continue until the clock reaches ``until_us`` (at least a few keys), or to the end."""
        delay_us = self._engine.config.integer("rdb-key-save-delay")
        while not self.done:
            db = self._current
            if db is None:
                if delay_us > 0 and not self._databases and self._engine.clock() < self._rests_until_us:
                    break
                self._next_database()
                continue
            walk = self._walks[db.index]
            if self._long is not None:
                self._write_more()
            elif self._long_keys:
                self._begin_long(db, self._long_keys.pop())
            else:
                if delay_us > 0 and walk.has_more() and not self._may_go_on(delay_us):
                    break
                for key in walk.take(1 if delay_us > 0 else _KEYS_PER_LOOK):
                    if self._slices and is_long(db.values.peek(key)):
                        self._long_keys.append(key)
                    else:
                        self._write_key(db, key)
            if not walk.has_more() and self._long is None and not self._long_keys:
                self._current = None
            if self._engine.clock() >= until_us:
                break
        self._gather()

    def _may_go_on(self, delay_us: int) -> bool:
        """Whether ``rdb-key-save-delay``, an aid for tests, asks to wait after the last key."""
        now_us = self._engine.clock()
        if now_us < self._rests_until_us:
            return False
        self._rests_until_us = now_us + delay_us
        return True

    def finish(self) -> None:
        """Continue to the end."""
        while not self.done:
            self.end_rest()
            self.work(self._engine.clock() + 1_000_000)

    def end_rest(self) -> None:
        """Let the next ``work`` continue, whatever ``rdb-key-save-delay`` says."""
        self._rests_until_us = 0

    def take(self) -> bytes:
        """What has become ready since the last call."""
        ready = self._ready
        self._ready = []
        return ready[0] if len(ready) == 1 else b"".join(ready)

    def key_changes(self, db: Database, key: bytes) -> None:
        """``key`` is about to be changed or deleted."""
        walk = self._walks.get(db.index)
        if walk is None:
            return
        if self._current is db and self._long is not None and self._long.key == key:
            while not self._write_more():
                pass
            return
        if self._current is db and key in self._long_keys:
            self._long_keys.remove(key)
        elif not walk.exclude(key):
            return
        if self._long is not None:
            self._write_behind(db, key)
        elif self._current is not db:
            self._open(db)  # a file may return to a database
            self._write_key(db, key)
            if self._current is not None:
                self._open(self._current)
        else:
            self._write_key(db, key)

    # -- large values -------------------------------------------------------------------------------------------------

    def _begin_long(self, db: Database, key: bytes) -> None:
        self._put_head(db, key, db.expiry_of(key))
        self._long = LongEntry(self._writer, key, db.values.peek(key))

    def _write_more(self) -> bool:
        """A step of the large value, and at its end what had to wait for it. True at the end."""
        ended = self._long is None or self._long.work()
        if ended:
            self._long = None
            self.keys_written += 1
            behind = self._behind.flushed()
            if behind:
                self._writer.raw(behind)
                if self._current is not None:
                    self._open(self._current)
        if self._writer.size() >= _PIECE_BYTES:
            self._gather()
        return ended

    def _write_behind(self, db: Database, key: bytes) -> None:
        """Write a key that changes while the large value is not complete."""
        writer = self._writer
        self._writer = self._behind
        self._open(db)
        self._put(db, key, db.values.peek(key), db.expiry_of(key))
        self._writer = writer
        self.keys_written += 1

    # -- the parts of a file ------------------------------------------------------------------------------------------

    def _next_database(self) -> None:
        if not self._databases:
            self._write_end()
            self.done = True
            return
        db = self._databases.pop()
        self._current = db
        self._open(db)
        self._write_sizes(db)

    def _write_end(self) -> None:
        self._writer.kind(kinds.END)
        self._gather()
        crc = self._crc if self._checksum else 0
        self._ready.append(crc.to_bytes(8, "little"))

    def _write_sizes(self, db: Database) -> None:
        self._writer.kind(kinds.SIZES)
        self._writer.length(len(db.values))
        self._writer.length(db.values.expiring)

    def _open(self, db: Database) -> None:
        self._writer.kind(kinds.DATABASE)
        self._writer.length(db.index)

    def _write_key(self, db: Database, key: bytes) -> None:
        value = db.values.peek(key)
        self._put(db, key, value, db.expiry_of(key))
        self.keys_written += 1
        if self._writer.size() >= _PIECE_BYTES:
            self._gather()

    def _put(self, db: Database, key: bytes, value: object, at_ms: int) -> None:
        self._put_head(db, key, at_ms)
        self._writer.entry(key, value)

    def _put_head(self, db: Database, key: bytes, at_ms: int) -> None:
        """What stands before the kind of a value."""
        writer = self._writer
        if at_ms >= 0:
            writer.kind(kinds.ENDS_AT_MS)
            writer.time_ms(at_ms)
        if self._lru:
            writer.kind(kinds.IDLE_SECONDS)
            writer.length(self._access_log.idle_ms(db, key) // 1000)
        elif self._lfu:
            writer.kind(kinds.FREQUENCY)
            writer.kind(self._access_log.frequency(db, key))

    def _gather(self) -> None:
        data = self._writer.flushed()
        if data:
            if self._checksum:
                self._crc = crc64(data, self._crc)
            self._ready.append(data)


def notes_of(
    engine: EngineState, used_memory: int, replication: list[tuple[bytes, bytes]], is_log_base: bool = False
) -> list[tuple[bytes, bytes]]:
    """The notes at the head of a file: version, time, memory, and ``replication`` if a replica may resume from it.

    ``is_log_base``: the file is the base of an append-only file.
    """
    profile = engine.profile
    name = b"redis-ver" if profile.names_redis_in_files else b"valkey-ver"
    return [
        (name, profile.version.encode()),
        (b"redis-bits", b"64"),
        (b"ctime", b"%d" % (engine.now_ms // 1000)),
        (b"used-mem", b"%d" % used_memory),
        *replication,
        (b"aof-base" if profile.has_multi_part_aof else b"aof-preamble", b"1" if is_log_base else b"0"),
    ]
