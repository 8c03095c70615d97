"""Loading an RDB file into an engine, in place of what its databases hold."""

from typing import Final

from cachetwin_engine.core.admin.flush_swap import FlushSwap
from cachetwin_engine.core.keyspace.database import Database, KeyspaceObserver
from cachetwin_engine.core.keyspace.slots import SlotKeys
from cachetwin_engine.core.memory.access_log import AccessLog
from cachetwin_engine.core.memory.account import MemoryAccount
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.state.engine_state import EngineState
from cachetwin_engine.core.state.script_library import ScriptLibrary
from cachetwin_engine.core.text.crc64 import crc64
from cachetwin_engine.core.types.hashes.hash import HashValue

from . import kinds
from .packed import BadData, EmptyValue
from .reader import RdbReader

_HEAD_BYTES: Final = 9
_OLDEST: Final = 1
_REDIS_NEWEST: Final = 11  # the last version of Redis whose format Valkey shares
_CHECKSUM_FROM: Final = 5
_CHECKSUM_BYTES: Final = 8
_SUM_BYTES: Final = 64 * 1024  # counted between two looks at the clock
_STEPS_PER_LOOK: Final = 32
_EMPTY_LOGGED_MAX: Final = 10
_KEYS_PER_CLOSE: Final = 1024  # loaded before the tables are closed
_KEY_SHOWN_MAX: Final = 64


class Loaded:
    """What a file had."""

    def __init__(self) -> None:
        self.keys = 0
        self.empty = 0  # collections without elements, left out
        self.expired: list[tuple[int, bytes]] = []  # database and key of what was left out because it had expired
        self.notes: dict[bytes, bytes] = {}


class Loader:
    """What a file goes into: the parts of one engine that take its data."""

    def __init__(
        self,
        engine: EngineState,
        account: MemoryAccount,
        access_log: AccessLog,
        flush_swap: FlushSwap,
        scripts: ScriptLibrary,
    ) -> None:
        self.engine = engine
        self.account = account
        self.access_log = access_log
        self.flush_swap = flush_swap
        self.scripts = scripts
        self.skips_checksums = False  # DEBUG SET-SKIP-CHECKSUM-VALIDATION


class Loading:
    """Reads a file in slices. The engine keeps its data until ``adopt``."""

    def __init__(self, loader: Loader, data: bytes, drops_expired: bool, may_continue: bool = False) -> None:
        """``drops_expired``: leave expired keys out. A replica keeps them for its primary to delete. Raises BadData.

        ``may_continue``: something else may stand behind the file (``end``).
        """
        engine = loader.engine
        self._loader = loader
        self._engine = engine
        self._drops_expired = drops_expired
        self.result = Loaded()
        self.done = False
        quiet = KeyspaceObserver()
        quiet.tables_to_close = engine.tables_to_close  # the tables become the engine's
        self.databases = [Database(db.index, quiet) for db in engine.databases]
        self.libraries: list[bytes] = []
        end = len(data)
        self._wanted_sum = 0  # 0: the file has no check sum
        self._may_continue = may_continue
        self._has_sum = _version(data, engine) >= _CHECKSUM_FROM
        if self._has_sum:
            end -= _CHECKSUM_BYTES
            self._wanted_sum = 0 if may_continue else int.from_bytes(data[end:], "little")
            if end < _HEAD_BYTES:
                raise BadData("the file ends early")
        self._sum = 0
        self._summed = 0  # bytes that are in ``_sum``
        self._reader = RdbReader(data, engine.config)
        self._reader.at = _HEAD_BYTES
        self._end = end
        self.end = len(data)  # of the file, once it is ``done``
        self._db = self.databases[0]
        self._ends_at_ms = -1
        self._idle_seconds = -1
        self._frequency = -1

    def work(self, until_us: int) -> None:
        """Read on until the clock says ``until_us`` (at least a few keys), or to the end. Raises BadData.

        The checksum comes first: nothing of a damaged file is read.
        """
        while not self.done:
            if self._wanted_sum and not self._loader.skips_checksums and self._summed < self._end:
                stop = min(self._end, self._summed + _SUM_BYTES)
                self._sum = crc64(self._reader.data[self._summed : stop], self._sum)
                self._summed = stop
                if stop == self._end and self._sum != self._wanted_sum:
                    raise BadData("CRC error: the file's checksum is wrong")
            else:
                for _ in range(_STEPS_PER_LOOK):
                    if not self.done:
                        self._step()
            if self._engine.clock() >= until_us:
                return

    def finish(self) -> None:
        """Read to the end. Raises BadData."""
        while not self.done:
            self.work(self._engine.clock() + 1_000_000)

    def _step(self) -> None:
        """Read one key, or one note about the file."""
        reader = self._reader
        kind = reader.byte()
        if kind <= kinds.HASH_2:
            self._key(kind)
        elif kind == kinds.END:
            self._find_end()
            self.done = True
        elif kind == kinds.DATABASE:
            index = reader.length()
            if index >= len(self.databases):
                raise BadData("a database that this engine does not have: raise the parameter databases")
            self._db = self.databases[index]
        elif kind == kinds.SIZES:
            reader.length()
            reader.length()
        elif kind == kinds.SLOT_INFO:
            for _ in range(3):
                reader.length()
        elif kind == kinds.ENDS_AT_MS:
            self._ends_at_ms = reader.time_ms()
        elif kind == kinds.ENDS_AT_SECONDS:
            self._ends_at_ms = int.from_bytes(reader.take(4), "little", signed=True) * 1000
        elif kind == kinds.IDLE_SECONDS:
            self._idle_seconds = reader.length()
        elif kind == kinds.FREQUENCY:
            self._frequency = reader.byte()
        elif kind == kinds.NOTE:
            name = reader.string()
            self.result.notes[name] = reader.string()
        elif kind == kinds.FUNCTION:
            self.libraries.append(reader.string())
        elif kind in {kinds.MODULE_DATA, kinds.FUNCTION_BEFORE_RELEASE}:
            raise BadData("data of a module, or of a version that was never released")
        else:
            raise BadData("no such kind of value")

    def _find_end(self) -> None:
        """The end of the file. If something else may follow, the checksum is compared only here."""
        reader = self._reader
        end = reader.at
        if not self._may_continue:
            if end != self._end:
                raise BadData("more behind the end of the file")
            return
        if self._has_sum:
            if end > self._end:
                raise BadData("the file ends early")
            wanted = int.from_bytes(reader.data[end : end + _CHECKSUM_BYTES], "little")
            if wanted and not self._loader.skips_checksums and crc64(reader.data[:end], 0) != wanted:
                raise BadData("CRC error: the file's checksum is wrong")
            end += _CHECKSUM_BYTES
        self.end = end

    def _key(self, kind: int) -> None:
        reader = self._reader
        key = reader.string()
        value: object = None
        try:
            value = reader.value(kind)
        except EmptyValue:
            self._skip_empty(key)
            return
        at_ms = self._ends_at_ms
        self._ends_at_ms = -1
        idle_seconds, frequency = self._idle_seconds, self._frequency
        self._idle_seconds = self._frequency = -1
        engine = self._engine
        db = self._db
        if self._drops_expired and (0 <= at_ms < engine.now_ms or _is_emptied(value, engine.now_ms)):
            self.result.expired.append((db.index, key))
            return
        if not db.load(key, value):
            raise BadData("a key twice")
        if at_ms >= 0:
            db.expire_at(key, at_ms)
        if idle_seconds >= 0:
            self._loader.access_log.set_idle_seconds(db, key, idle_seconds)
        if frequency >= 0:
            self._loader.access_log.set_frequency(db, key, frequency)
        self.result.keys += 1
        if self.result.keys % _KEYS_PER_CLOSE == 0:
            engine.close_tables()

    def _skip_empty(self, key: bytes) -> None:
        """Leave out a collection without elements, which old versions could save."""
        self.result.empty += 1
        self._ends_at_ms = self._idle_seconds = self._frequency = -1
        if self.result.empty <= _EMPTY_LOGGED_MAX and self._engine.config.get("hide-user-data-from-log") == "no":
            shown = key[:_KEY_SHOWN_MAX].decode(errors="backslashreplace")
            self._engine.host.log(f"skipping empty key: {shown}")

    def adopt(self) -> Loaded:
        """Replace the engine's data by what was read. Raises BadData for functions that don't compile."""
        engine = self._engine
        try:
            self._loader.scripts.replace_libraries(self.libraries)
        except CommandError as problem:
            raise _bad_library(problem) from None
        self._loader.flush_swap.flush(engine.databases)
        for db in engine.databases:
            db.swap(self.databases[db.index])
            if db.by_slot is not None:
                db.by_slot = SlotKeys(db.values.keys())
            for key in db.blocked:
                if db.values.has(key):
                    engine.key_ready(db, key)
        self._loader.account.count_again(engine)
        return self.result

    def merge(self) -> Loaded:
        """Add what was read to the engine's data; keys that both have are replaced. Raises BadData."""
        try:
            for code in self.libraries:
                self._loader.scripts.add_library(code)
        except CommandError as problem:
            raise _bad_library(problem) from None
        for db in self._engine.databases:
            read = self.databases[db.index]
            for key, value in read.values.items():
                db.put(key, value)
                at_ms = read.expiry_of(key)
                if at_ms >= 0:
                    db.expire_at(key, at_ms)
        return self.result


def _bad_library(problem: CommandError) -> BadData:
    return BadData("a library of functions: " + problem.line.decode(errors="replace"))


def _version(data: bytes, engine: EngineState) -> int:
    """The version in the head of a file. Raises BadData for one that can't be read."""
    if len(data) < _HEAD_BYTES or not (data.startswith((b"REDIS", b"VALKEY"))):
        raise BadData("not an RDB file")
    digits = data[5:9] if data.startswith(b"REDIS") else data[6:9]
    if not digits.isdigit():
        raise BadData("not an RDB file")
    version = int(digits)
    newest = engine.profile.rdb_version
    relaxed = engine.config.get("rdb-version-check") == "relaxed"
    if version < _OLDEST or (version > newest and not relaxed):
        raise BadData(f"the file has RDB version {version}, this engine reads up to {newest}")
    if data.startswith(b"REDIS") and version > _REDIS_NEWEST and not relaxed:
        raise BadData(f"a file of Redis with RDB version {version}, which Valkey does not read")
    return version


def _is_emptied(value: object, now_ms: int) -> bool:
    """Remove the expired fields of a hash; True if none is left."""
    if not isinstance(value, HashValue) or not value.volatile:
        return False
    value.remove_expired(now_ms, value.length())
    return value.length() == 0
