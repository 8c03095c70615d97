"""The logs of a run: each actor's lines go to a file of its own, to one of all in their order, to memory, and to followers.

Generated secrets are masked first. A file that reaches 5 MB is renamed to ``.1``, one generation; a follower that reads
too slowly loses its oldest lines and never delays the supervisor.
"""

import asyncio
import contextlib
import json
import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from cachetwin_local.supervise.process.private_file import make_private_directory

__all__ = ["ORDER_FILE", "LogLine", "Logs", "lines_in_order", "name_matches"]

ORDER_FILE = "order.jsonl"

_FILE_BYTES_MAX = 5_000_000
_TAIL_LINES = 400
_FOLLOWER_LINES_MAX = 10_000
_CHECK_S = 1.0  # how often a file is compared with its path
_RETRY_S = 5.0  # how long a file that could not be written is left alone


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line and the name of the actor it came from."""

    name: str
    line: str


class Logs:
    """The logs under `directory`, one file an actor, named by `name` with slashes as dots.

    A file that cannot be written is reported once, in memory and to `on_error`; its lines are in memory only until it
    can be written again. Nothing here raises or waits because of a file.
    """

    def __init__(self, directory: Path, on_error: Callable[[str], None] = lambda _line: None) -> None:
        self._directory = make_private_directory(directory)
        self._on_error = on_error
        self._files: dict[str, _LogFile] = {}
        self._order = _LogFile(self._directory / ORDER_FILE)
        self._tails: dict[str, deque[str]] = {}
        self._recent: deque[LogLine] = deque(maxlen=4 * _TAIL_LINES)
        self._followers: set[asyncio.Queue[LogLine]] = set()
        self._masked: re.Pattern[str] | None = None

    def mask(self, values: Iterable[str]) -> None:
        """Mask these values in every later line."""
        longest_first = sorted(values, key=len, reverse=True)
        self._masked = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def write(self, name: str, line: str) -> None:
        """Record one line of the actor `name`."""
        if self._masked is not None:
            line = self._masked.sub("********", line)
        self._record(name, line)
        file = self._files.setdefault(name, _LogFile(self.path(name)))
        error = file.write(line)
        self._order.write(json.dumps([name, line]))
        if error is not None:
            text = f"[cachetwin] the log file {file.path} cannot be written ({error}): its lines are kept in memory"
            self._record(name, text)
            with contextlib.suppress(OSError):
                self._on_error(text)

    def _record(self, name: str, line: str) -> None:
        self._tails.setdefault(name, deque(maxlen=_TAIL_LINES)).append(line)
        entry = LogLine(name, line)
        self._recent.append(entry)
        for queue in self._followers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(entry)

    def tail(self, name: str, count: int = 12) -> list[str]:
        """The last lines of one actor."""
        return list(self._tails.get(name, ()))[-count:]

    def recent(self, names: frozenset[str], count: int) -> list[LogLine]:
        """The last lines of the actors that match `names` (all without any), in the order of their arrival."""
        return [entry for entry in self._recent if name_matches(entry.name, names)][-count:]

    @contextlib.contextmanager
    def follow(self) -> Iterator[asyncio.Queue[LogLine]]:
        """A queue that receives every line from now on."""
        queue: asyncio.Queue[LogLine] = asyncio.Queue(_FOLLOWER_LINES_MAX)
        self._followers.add(queue)
        try:
            yield queue
        finally:
            self._followers.discard(queue)

    def close(self) -> None:
        """Close the files."""
        self._order.close()
        while self._files:
            self._files.popitem()[1].close()

    def path(self, name: str) -> Path:
        """The file of the actor `name`."""
        return self._directory / f"{name.replace('/', '.')}.log"


class _LogFile:
    """One file, opened when it is first written and again when it was deleted, moved or could not be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: FileIO | None = None
        self._checked_s = 0.0
        self._failed_s: float | None = None

    def write(self, line: str) -> OSError | None:
        """Append a line. Returns the error at the first failure, None at the following ones."""
        now_s = time.monotonic()
        if self._failed_s is not None and now_s - self._failed_s < _RETRY_S:
            return None
        try:
            self._append(line.encode("utf-8", "replace") + b"\n", now_s)
        except OSError as error:
            first, self._failed_s = self._failed_s is None, now_s
            self.close()
            return error if first else None
        self._failed_s = None
        return None

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None

    def _append(self, data: bytes, now_s: float) -> None:
        if now_s - self._checked_s > _CHECK_S:
            self._checked_s = now_s
            if self._file is not None and not self._is_in_place(self._file):
                self.close()
        if self._file is None:
            make_private_directory(self.path.parent)
            self.path.touch(0o600)
            self._file = self.path.open("ab", buffering=0)
        self._file.write(data)
        if self._file.tell() > _FILE_BYTES_MAX:
            self.close()
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))

    def _is_in_place(self, file: FileIO) -> bool:
        """Whether the path still names the open file."""
        try:
            return os.path.samestat(os.fstat(file.fileno()), self.path.stat())
        except OSError:
            return False


def lines_in_order(directory: Path) -> list[LogLine]:
    """The lines that were written to the logs under `directory` before, of all actors."""
    found = []
    for file in (directory / f"{ORDER_FILE}.1", directory / ORDER_FILE):
        with contextlib.suppress(OSError):
            for text in file.read_text(encoding="utf-8", errors="replace").splitlines():
                with contextlib.suppress(ValueError):  # a line that was cut off when the supervisor was killed
                    name, line = json.loads(text)
                    found.append(LogLine(str(name), str(line)))
    return found


def name_matches(name: str, names: frozenset[str]) -> bool:
    """Whether the log `name` is one of `names` or of a part of it, in any case; the stack's name may be left out.

    ``Shop/Web``, ``Web`` and ``web/2`` match ``Shop/Web/2``, ``We`` does not. Every log matches where there are no names.
    """
    own = name.lower()
    without_stack = own.partition("/")[2]
    return not names or any(
        f"{one}/".startswith(f"{wanted.lower()}/") for wanted in names for one in (own, without_stack) if one
    )
