"""Whether the files of some folders have changed since they were last looked at.

The time of a look is bounded by the number of files; the more there are, the rarer is the look.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

__all__ = ["Changes", "snapshot"]

_INTERVAL_S: Final = 0.1
_SOON_S: Final = 0.02
_SOON_COST: Final = 3  # an event waits for a look, so that it runs the code as it is
_INLINE_S: Final = 0.002  # a look that takes less is not worth a thread
_COST: Final = 30  # a look may take one 30th of the time
_FILES_MAX: Final = 5000
_IGNORED: Final = frozenset({"__pycache__", "node_modules", ".git", ".venv", "cdk.out", ".cachetwin"})


def snapshot(folders: Sequence[Path]) -> dict[str, tuple[int, int]]:
    """The size and the time of change of each file below the folders, at most of the first 5,000."""
    found: dict[str, tuple[int, int]] = {}
    pending = [str(folder) for folder in folders]
    while pending and len(found) < _FILES_MAX:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.name in _IGNORED:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    elif (status := _stat(entry)) is not None:
                        found[entry.path] = status.st_size, status.st_mtime_ns
        except OSError:
            continue  # a folder that was removed meanwhile: the next look sees it gone
    return found


def _stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    """None for a file that was removed meanwhile, and a link to nothing (an editor's lock)."""
    try:
        return entry.stat()
    except OSError:
        return None


class Changes:
    """The changes below some folders. `look` is cheap to call often: it looks again after 20 ms at the earliest."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._before: dict[str, tuple[int, int]] | None = None
        self._looked_s = 0.0
        self._cost_s = 0.0
        self._lock = asyncio.Lock()

    async def look(self) -> bool:
        """Whether something has changed since the last call."""
        if not self._folders or time.monotonic() - self._looked_s < max(_SOON_S, _SOON_COST * self._cost_s):
            return False
        async with self._lock:
            began_s = time.monotonic()
            inline = self._before is not None and self._cost_s < _INLINE_S
            now = snapshot(self._folders) if inline else await asyncio.to_thread(snapshot, self._folders)
            self._looked_s = time.monotonic()
            self._cost_s = self._looked_s - began_s
            before, self._before = self._before, now
            return before is not None and before != now

    async def watch(self, changed: Callable[[], Awaitable[None]]) -> None:
        """Call `changed` after each change, until cancelled."""
        while self._folders:
            if await self.look():
                await changed()
            await asyncio.sleep(max(_INTERVAL_S, _COST * self._cost_s))
        await asyncio.Event().wait()
