"""The logs of a run: each actor's lines go to a file of its own, to memory, and to followers.

Generated secrets are masked first. A file that reaches 5 MB is renamed to ``.1``, one generation; a follower that reads
too slowly loses its oldest lines and never delays the supervisor.
"""

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from cachetwin_local.supervise.process.private_file import make_private_directory

__all__ = ["LogLine", "Logs", "name_matches"]

_FILE_BYTES_MAX = 5_000_000
_TAIL_LINES = 400
_FOLLOWER_LINES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line and the name of the actor it came from."""

    name: str
    line: str


class Logs:
    """The logs under `directory`, one file an actor, named by `name` with slashes as dots."""

    def __init__(self, directory: Path) -> None:
        self._directory = make_private_directory(directory)
        self._files: dict[str, FileIO] = {}
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
        self._tails.setdefault(name, deque(maxlen=_TAIL_LINES)).append(line)
        entry = LogLine(name, line)
        self._recent.append(entry)
        self._append(name, line)
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
        while self._files:
            self._files.popitem()[1].close()

    def path(self, name: str) -> Path:
        """The file of the actor `name`."""
        return self._directory / f"{name.replace('/', '.')}.log"

    def _append(self, name: str, line: str) -> None:
        file = self._files.get(name) or self._open(name)
        file.write(line.encode() + b"\n")
        if file.tell() > _FILE_BYTES_MAX:
            file.close()
            self.path(name).replace(self.path(name).with_suffix(".log.1"))
            self._open(name)

    def _open(self, name: str) -> FileIO:
        path = self.path(name)
        path.touch(0o600)
        self._files[name] = path.open("ab", buffering=0)
        return self._files[name]


def name_matches(name: str, names: frozenset[str]) -> bool:
    """Whether one of `names` is part of the actor's name, in any case. Every actor matches where there are no names."""
    return not names or any(part.lower() in name.lower() for part in names)
