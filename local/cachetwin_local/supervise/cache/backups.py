"""The snapshots of a cache: taken by hand, by its window and at its end, as ElastiCache exports them.

A snapshot is an RDB file for each shard, ``name-0001.rdb``, readable by its owner only. It is written by a replica where
there is one, while clients go on. Those that nobody named a folder for are below ``snapshots`` in the project's folder.
"""

import asyncio
import datetime as dt
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.cache.shard.member import Member
from cachetwin_local.supervise.cache.shard.shard import Shard
from cachetwin_local.supervise.process.private_file import make_private_directory
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.project.service_events import SourceType
from cachetwin_local.topology.values import ReplicationGroup

__all__ = ["Backups", "next_beginning"]

_NAME: Final = re.compile(r"[a-z][a-z0-9.]*(-[a-z0-9]+)*")
_NAME_MAX: Final = 255
_POLL_S: Final = 0.02
_SAVE_S: Final = 600.0
_AUTOMATIC: Final = "automatic."


class Backups:
    """The snapshots of the cache `cache`, whose shards are `shards` (the list may change)."""

    def __init__(self, run_context: RunContext, cache: str, group: ReplicationGroup, shards: Sequence[Shard]) -> None:
        self._run_context = run_context
        self._cache = cache
        self.group = group
        self._shards = shards
        self._taking = asyncio.Lock()
        self._stopped = False

    @property
    def directory(self) -> Path:
        """Where the snapshots of this cache are."""
        return self._run_context.directory / "snapshots" / self.group.identity.physical_name

    async def take(self, name: str | None, folder: Path | None) -> list[Path]:
        """Take a snapshot, into `folder` or the project's own. Returns the files. Raises UserError."""
        name = name or f"{self.group.identity.physical_name}-{self._run_context.clock.now():%Y-%m-%d-%H-%M-%S}"
        if not _NAME.fullmatch(name) or len(name) > _NAME_MAX:
            raise UserError(f"name must be of lower-case letters, digits and single hyphens, got {name}")
        target = folder or self.directory / name
        if folder is None and target.exists():
            raise UserError(f"{self._cache} has a snapshot {name} already")
        return await self._take(name, target)

    def files(self, name: str) -> list[str]:
        """The files of a snapshot: one of this cache by its name, or a file or folder. Raises UserError."""
        own = self.directory / name
        path = own if own.is_dir() else Path(name)
        files = sorted(path.glob("*.rdb")) if path.is_dir() else [path] if path.is_file() else []
        if not files:
            known = ", ".join(sorted(one.name for one in self.directory.glob("*"))) or "none"
            raise UserError(f"snapshot must be one of this cache ({known}), a file or a folder, got {name}")
        return [str(file) for file in files]

    async def take_last(self) -> None:
        """The final snapshot, in the place of an earlier one. What goes wrong is an event."""
        name = self.group.backup.final_name
        with suppress(UserError, OSError):
            await self._take(name, self.directory / name)

    def schedule(self) -> None:
        """Take a snapshot when the window begins next, and so on daily; delete those that are too old."""
        clock = self._run_context.clock
        due = next_beginning(self.group.backup.window, clock.now())
        clock.at(int(due.timestamp() * 1000), self._automatic)

    def stop(self) -> None:
        """Take no more automatic snapshots."""
        self._stopped = True

    async def _automatic(self) -> None:
        if self._stopped or not self.group.backup.retention_days:
            return
        name = f"{_AUTOMATIC}{self.group.identity.physical_name}-{self._run_context.clock.now():%Y-%m-%d-%H-%M}"
        with suppress(UserError, OSError):  # an event says it
            await self._take(name, self.directory / name)
        self._prune()
        self.schedule()

    def _prune(self) -> None:
        taken = sorted(self.directory.glob(f"{_AUTOMATIC}*"))
        for old in taken[: -self.group.backup.retention_days]:
            shutil.rmtree(old, ignore_errors=True)

    async def _take(self, name: str, folder: Path) -> list[Path]:
        async with self._taking:
            try:
                if not folder.exists():
                    make_private_directory(folder)
                files = [folder / f"{name}-{number:04}.rdb" for number in range(1, len(self._shards) + 1)]
                async with asyncio.timeout(_SAVE_S):
                    await asyncio.gather(
                        *(self._save(shard, file) for shard, file in zip(self._shards, files, strict=True))
                    )
            except (OSError, UserError) as error:
                self._tell(f"Snapshot failed for snapshot with ID '{name}'")
                if not isinstance(error, UserError):
                    raise UserError(f"no snapshot in {folder}: {error or 'it took too long'}") from error
                raise
            self._tell(f"Snapshot succeeded for snapshot with ID '{name}'")
            return files

    async def _save(self, shard: Shard, file: Path) -> None:
        """Let a node write its data; another one if the first fails."""
        tried: set[Member] = set()
        while True:
            member = _writer(shard, tried)
            tried.add(member)
            try:
                await member.process.ask("save", path=str(file))
                while (answer := await member.process.ask("saving")).get("in_progress"):
                    await asyncio.sleep(_POLL_S)
            except OSError:
                if len(tried) >= len(shard.members):
                    raise
                continue
            if answer.get("error"):
                raise UserError(f"{file} cannot be written: {answer['error']}")
            return

    def _tell(self, message: str) -> None:
        identity = self.group.identity
        source: SourceType = "cache-cluster"
        name, kind = self._shards[0].primary.node.member_id, "replication group"
        if self.group.cluster_mode == "serverless":
            source, name, kind = "serverless-cache", identity.physical_name, "serverless cache"
        elif identity.type.endswith("CacheCluster"):
            kind = "cache cluster"
        message = f"{message} of {kind} with ID '{identity.physical_name}'"
        self._run_context.service_events.write(source, name, message, self._cache)
        self._run_context.logs.write(self._cache, f"[cachetwin] event of {name}: {message}")


def next_beginning(window: str, after: dt.datetime) -> dt.datetime:
    """When `window` (``05:00-06:00``, UTC) begins next."""
    hour, minute = map(int, window.partition("-")[0].split(":"))
    begins = after.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return begins if begins > after else begins + dt.timedelta(days=1)


def _writer(shard: Shard, tried: set[Member]) -> Member:
    """A replica that serves, or else the primary; one that was not tried if there is one."""
    serving = [member for member in shard.members if member.available and member not in tried]
    replicas = [member for member in serving if member is not shard.primary]
    return (replicas or serving or [shard.primary])[0]
