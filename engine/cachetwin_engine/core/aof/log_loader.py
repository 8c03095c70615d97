"""Loading the append-only file: at start, and for DEBUG LOADAOF.

Rules for a file that does not end with a whole command or transaction: if it is the last one and ``aof-load-truncated`` is
on, what is not whole is cut off and the engine starts; else it does not start. Anything else that is wrong with a file
keeps the engine from starting, and nothing is changed on disk.
"""

from typing import Final

from cachetwin_engine.core.rdb.loading import Loader, Loading
from cachetwin_engine.core.rdb.packed import BadData
from cachetwin_engine.core.registry.dispatch_flags import BLOCKED_BY_LOADING
from cachetwin_engine.core.state.client import Client
from cachetwin_engine.core.state.engine_state import EngineState

from .append_log import ON, AppendLog
from .manifest import Manifest, ManifestError
from .replay import BadLog, Replay
from .rewriter import LogRewriter

PIECE_BYTES: Final = 1024 * 1024
_MAGICS: Final = (b"REDIS", b"VALKEY")
_SHOWN_MAX: Final = 128


class LogError(Exception):
    """The log can't be loaded or begun; the text says why, and what to do."""


class LogLoader:
    """Loads the log of one engine."""

    def __init__(self, engine: EngineState, loader: Loader, log: AppendLog, rewriter: LogRewriter) -> None:
        self._engine = engine
        self._loader = loader
        self._log = log
        self._rewriter = rewriter

    def read_manifest(self) -> None:
        """Read the manifest, if there is one. Raises LogError."""
        engine = self._engine
        files = engine.host.log_files
        files.locate(engine.config.get("appenddirname") or "")
        manifest = Manifest((engine.config.get("appendfilename") or "").encode())
        try:
            if files.size(manifest.name()) >= 0:
                manifest.parse(files.read(manifest.name(), 0, -1))
        except ManifestError as problem:
            engine.host.log("*** FATAL AOF MANIFEST FILE ERROR ***")
            if problem.line:
                engine.host.log(f"Reading the manifest file, at line {problem.line}")
                engine.host.log(f">>> '{problem.text[:_SHOWN_MAX].decode(errors='backslashreplace')}'")
            raise LogError(f"the AOF manifest file can't be used: {problem.reason}") from None
        except OSError as failure:
            raise LogError(f"can't open the AOF manifest file for reading: {failure.strerror or failure}") from None
        self._log.manifest = manifest

    def start(self) -> bool:
        """``appendonly yes`` at start: load the files, and write to the last one. False if there were none.

        Raises LogError.
        """
        found = self.load()
        log = self._log
        engine = self._engine
        files = engine.host.log_files
        directory = engine.config.get("appenddirname") or ""
        problem = files.prepare(directory)
        if problem:
            raise LogError(f"Can't open or create append-only dir {directory}: {problem}")
        if log.manifest.is_empty():
            problem = self._rewriter.write_at_once()
            if problem:
                raise LogError(f"the base of the append-only file can't be written: {problem}")
        has_file = len(log.manifest.increments) > 0
        manifest = log.manifest.copy()
        name = manifest.increments[-1].name if has_file else manifest.add_increment()
        problem = log.open_file(name, fresh=False)
        if problem:
            raise LogError(f"Can't open the append-only file {name.decode()}: {problem}")
        if log.replace_manifest(manifest):
            raise LogError("the AOF manifest file can't be written")
        engine.host.log(f"{'Opening' if has_file else 'Creating'} AOF incr file {name.decode()} on server start")
        log.begin(ON)
        log.remove_history()
        return found

    def load(self) -> bool:
        """Replace the engine's data by what the files hold; False if there are none. Raises LogError."""
        self._import_old_file()
        manifest = self._log.manifest
        files = manifest.files()
        if not files:
            return False
        engine = self._engine
        sizes = [self._size(file.name) for file in files]
        if not sum(sizes):
            return False
        log, propagated = self._log, engine.wants_propagation
        engine.start_turn()
        engine.wants_propagation = False
        engine.blocked_by |= BLOCKED_BY_LOADING
        engine.choose_expiry()
        self._loader.flush_swap.flush(engine.databases)
        client = engine.open_session("", "")
        client.is_primary = True
        engine.mark_internal(client)
        begun_us = engine.clock()
        try:
            for at, file in enumerate(files):
                if sizes[at]:
                    kind = "base" if file is manifest.base else "incr"
                    self._load_file(client, file.name, sizes[at], kind, is_last=at == len(files) - 1)
        finally:
            engine.close_session(client)
            engine.actor = None
            engine.blocked_by &= ~BLOCKED_BY_LOADING
            engine.choose_expiry()
            engine.wants_propagation = propagated
        log.current_bytes = sum(sizes)
        log.base_bytes = sizes[0] if manifest.base is not None else 0
        engine.host.log(f"DB loaded from append only file: {(engine.clock() - begun_us) / 1_000_000:.3f} seconds")
        return True

    def _import_old_file(self) -> None:
        """A version before 7.0 left one file: it becomes the base. Raises LogError."""
        engine = self._engine
        files = engine.host.log_files
        manifest = self._log.manifest
        if not files.is_outside(manifest.stem):
            return
        base = manifest.base
        is_left = base is not None and not manifest.increments and base.name == manifest.stem
        if not manifest.is_empty() and not (is_left and files.size(manifest.stem) < 0):
            return
        upgraded = Manifest(manifest.stem)
        upgraded.adopt_base(manifest.stem)
        problem = files.prepare(engine.config.get("appenddirname") or "")
        if problem or self._log.replace_manifest(upgraded):
            raise LogError(f"the old AOF file can't be moved: {problem or 'no manifest can be written'}")
        problem = files.import_file(manifest.stem)
        if problem:
            raise LogError(f"Error trying to move the old AOF file {manifest.stem.decode()}: {problem}")
        engine.host.log(
            f"Successfully migrated an old-style AOF file ({manifest.stem.decode()}) into the AOF directory."
        )

    def _size(self, name: bytes) -> int:
        shown = name.decode(errors="backslashreplace")
        try:
            size = self._engine.host.log_files.size(name)
        except OSError as problem:
            raise LogError(f"Unable to obtain the AOF file {shown} length: {problem.strerror or problem}") from None
        if size < 0:
            raise LogError(f"The append log file {shown} doesn't exist: No such file or directory")
        return size

    def _load_file(self, client: Client, name: bytes, size: int, kind: str, is_last: bool) -> None:
        """Raises LogError."""
        engine = self._engine
        shown = name.decode(errors="backslashreplace")
        begun_us = engine.clock()
        try:
            truncated_at = self._run_file(client, name, shown)
        except BadLog as bad_log:  # names of their own: compiled, a name has the type of what it is given first
            raise LogError(
                f"Bad file format reading the append only file {shown}: make a backup of your AOF file, then use "
                f"valkey-check-aof --fix <filename.manifest> ({bad_log})"
            ) from None
        except BadData as bad_data:
            raise LogError(f"Error reading the RDB base file {shown}, AOF loading aborted: {bad_data}") from None
        except OSError as failure:
            raise LogError(f"Fatal error: can't open the append log file {shown} for reading: {failure}") from None
        if truncated_at >= 0:
            self._cut_off(name, shown, truncated_at, is_last)
        seconds = (engine.clock() - begun_us) / 1_000_000
        engine.host.log(f"DB loaded from {kind} file {shown}: {seconds:.3f} seconds")

    def _run_file(self, client: Client, name: bytes, shown: str) -> int:
        """Run a file; where it has to be cut off, or -1. Raises BadLog, BadData and OSError."""
        engine = self._engine
        files = engine.host.log_files
        offset = 0
        if files.read(name, 0, len(_MAGICS[1])).startswith(_MAGICS):
            engine.host.log("Reading RDB base file on AOF loading...")
            offset = self._adopt_base(files.read(name, 0, -1))
        client.caller.db = engine.databases[0]
        replay = Replay(engine, client)
        start = offset
        while piece := files.read(name, offset, PIECE_BYTES):
            offset += len(piece)
            engine.actor = client
            replay.feed(piece)
            engine.run_pending()
        return start + replay.valid_bytes if replay.is_truncated() else -1

    def _adopt_base(self, data: bytes) -> int:
        """Take over the data of an RDB file; where it ends."""
        loading = Loading(self._loader, data, drops_expired=False, may_continue=True)
        loading.finish()
        loading.adopt()
        return loading.end

    def _cut_off(self, name: bytes, shown: str, size: int, is_last: bool) -> None:
        """Cut off what is not whole. Raises LogError if that is not wanted or not possible."""
        engine = self._engine
        if engine.config.boolean("aof-load-truncated"):
            engine.host.log(f"!!! Warning: short read while loading the AOF file {shown}!!!")
            engine.host.log(f"!!! Truncating the AOF {shown} at offset {size} !!!")
            if not is_last:
                raise LogError("Fatal error: the truncated file is not the last file")
            problem = engine.host.log_files.truncate(name, size)
            if not problem:
                engine.host.log(f"AOF {shown} loaded anyway because aof-load-truncated is enabled")
                return
            raise LogError(f"Error truncating the AOF file {shown}: {problem}")
        raise LogError(
            f"Unexpected end of file reading the append only file {shown}. You can: 1) Make a backup of your AOF file, "
            "then use valkey-check-aof --fix <filename.manifest>. 2) Alternatively you can set the 'aof-load-truncated' "
            "configuration option to yes and restart the server."
        )
