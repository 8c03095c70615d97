"""Watches the files that an app is made of, and lets what changed run.

A change in a service's folder is told to what runs it (`supervise.reload`), without a synthesis. Any other change makes
the app be synthesised and applied. What fails is shown, and what ran before goes on; the next change is the next try.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import watchfiles

from cachetwin_local.errors import UserError
from cachetwin_local.project import Project
from cachetwin_local.settings import FILE_NAME
from cachetwin_local.supervise.events import State
from cachetwin_local.supervise.reload import FolderChange
from cachetwin_local.synth import needs_synth, synthesise, synthesised_assets
from cachetwin_local.synth.sources import source_roots, walk
from cachetwin_local.watch.changes import Changes, Patterns, sort_changes
from cachetwin_local.watch.snapshot import Snapshot

__all__ = ["AppWatch"]

_QUIET_MS = 50  # a burst is over when nothing has changed for this long ...
_BURST_MAX_MS = 1000  # ... or when it has lasted so long
_LOOK_MS = 5000  # without a notification: some file systems give none, and one may come before the watch is set up
_POLL_S = 1.0  # where no folder can be watched
_SHOWN_FILES = 3
_OWN_WRITES_MAX = 2


class WatchedRun(Protocol):
    """What runs, as the watch sees it: the supervisor."""

    def reloadable_assets(self) -> frozenset[str]:
        """The names in the assembly of the folders that `reload` takes."""

    async def reload(self, changes: Sequence[FolderChange]) -> list[str]:
        """Run the changed files. Returns sentences. Raises UserError when they do not run."""

    async def would_lose(self) -> list[str]:
        """The resources whose data `apply_change` would lose. Raises UserError when the app cannot be planned."""

    async def apply_change(self) -> str:
        """Apply what was synthesised. Returns a sentence. Raises UserError when something fails."""

    def log_watch(self, text: str) -> None:
        """Log lines."""

    def report_watch(self, state: State, detail: str) -> None:
        """Publish the state of the watch."""


class AppWatch:
    """Watches for one run. `find_project` reads cdk.json anew; `context` is what the command line gave the app.

    A change that would lose data is not applied, unless it `may_lose_data`.
    """

    def __init__(
        self, find_project: Callable[[], Project], context: Mapping[str, str], *, may_lose_data: bool = False
    ) -> None:
        self._may_lose_data = may_lose_data
        self._find_project = find_project
        self._context = context
        self._project = find_project()
        self._made_by_app: dict[Path, int] = {}
        self._folders: frozenset[Path] = frozenset()
        self._ended = threading.Event()

    async def watch(self, run: WatchedRun) -> None:
        """Watch until cancelled."""
        self._ended.clear()
        try:
            await self._watch(run)
        finally:
            self._ended.set()  # a synthesis runs in a thread, which a cancellation does not reach

    async def _watch(self, run: WatchedRun) -> None:
        before = await asyncio.to_thread(self._take, None)
        late = self._synthesises and await asyncio.to_thread(needs_synth, self._project, self._context)
        run.log_watch(f"watching {len(before.files)} files in {len(self._folders)} folders")
        run.report_watch("ready", f"{len(before.files)} files")
        if late:
            await self._take_in(run, Changes((), (self._project.root,)), before)
        async for _ in self._notifications(run):
            after = await asyncio.to_thread(self._take, before)
            changed = before.differing(after) - self._given_up()
            before = after
            if changed:
                assets = synthesised_assets(self._project) if self._synthesises else ()
                patterns = Patterns.of(self._project.root, self._project.settings.get("watch"))
                changes = sort_changes(changed, assets, run.reloadable_assets(), patterns)
                await self._take_in(run, changes, before)

    @property
    def _synthesises(self) -> bool:
        return self._project.template is None and self._project.synthesised_folder is None

    async def _take_in(self, run: WatchedRun, changes: Changes, before: Snapshot) -> None:
        """Have the changed files run; `before` are the files as they were when this began."""
        files = [*changes.app, *(path for folder in changes.folders for path in folder.files)]
        if not files:
            return
        run.log_watch(f"changed: {self._names(files)}")
        errors = []
        if changes.app:
            try:
                await self._apply(run, changes.app, before)
            except UserError as error:
                errors.append(str(error))
        if changes.folders and (errors or not changes.app):  # what was applied has the folders as they are now
            try:
                for line in await run.reload(changes.folders):
                    run.log_watch(line)
            except UserError as error:
                errors.append(str(error))
        for text in errors:
            run.log_watch(text)
        if errors:
            run.report_watch(
                "failed", f"the last change does not run: {_headline(errors[0])}; see `cachetwin logs watch`"
            )
        else:
            run.report_watch("ready", f"{self._names(files)} runs")

    async def _apply(self, run: WatchedRun, changed: Iterable[Path], before: Snapshot) -> None:
        self._project = await asyncio.to_thread(self._find_project)
        if self._synthesises and any(path.name != FILE_NAME for path in changed):
            run.log_watch(f"synthesising: {self._project.app}")
            try:
                await asyncio.to_thread(synthesise, self._project, self._context, cancelled=self._ended.is_set)
            finally:
                await asyncio.to_thread(self._count_own_writes, run, before)
        lost = [] if self._may_lose_data else await run.would_lose()
        if lost:
            raise UserError(
                f"the data of {', '.join(lost)} would be lost, so nothing is applied; `cachetwin apply` asks and does it"
            )
        run.log_watch(await run.apply_change())

    def _count_own_writes(self, run: WatchedRun, before: Snapshot) -> None:
        """Count the files that changed while the app ran: it may have written them itself, and would run for ever."""
        known = self._given_up()
        written = before.differing(self._take(before))
        self._made_by_app = {path: self._made_by_app.get(path, 0) + 1 for path in written}
        new = self._given_up() - known
        if new:
            run.log_watch(f"{self._names(new)} changes whenever the app runs: not watched")

    def _given_up(self) -> frozenset[Path]:
        return frozenset(path for path, times in self._made_by_app.items() if times > _OWN_WRITES_MAX)

    def _take(self, before: Snapshot | None) -> Snapshot:
        project = self._project
        folders: set[Path] = {project.root}
        files = {project.root / FILE_NAME}
        if project.template is not None:
            folders.add(project.template.parent)
            files.add(project.template)
        elif project.synthesised_folder is not None:
            folders.add(project.synthesised_folder)
            files.add(project.synthesised_folder / "manifest.json")
        else:
            for root in source_roots(project, synthesised_assets(project)):
                for folder, inside in walk(root, project):
                    folders.add(folder)
                    files.update(inside)
        self._folders = frozenset(folders)
        return Snapshot.take(files, before)

    async def _notifications(self, run: WatchedRun) -> AsyncGenerator[None]:
        """One for each burst of changes, and one whenever other folders are watched than before."""
        while True:
            folders = self._folders
            try:
                async with contextlib.aclosing(_events(folders)) as events:
                    yield
                    async for _ in events:
                        yield
                        if self._folders != folders:
                            break
            except FileNotFoundError:  # a folder that went meanwhile
                yield
            except (OSError, RuntimeError) as error:  # too many watches, a system without them
                run.log_watch(f"the system does not tell of changes ({error}): looking every {_POLL_S:g} s")
                while True:
                    await asyncio.sleep(_POLL_S)
                    yield

    def _names(self, files: Iterable[Path]) -> str:
        root = self._project.root
        names = [
            "the app" if path == root else str(path.relative_to(root) if path.is_relative_to(root) else path)
            for path in files
        ]
        more = f" and {len(names) - _SHOWN_FILES} more" if len(names) > _SHOWN_FILES else ""
        return ", ".join(names[:_SHOWN_FILES]) + more


def _headline(error: str) -> str:
    """The first line, without what introduces the lines below it."""
    first, *more = error.splitlines()
    return first.rpartition("; ")[0] or first if more and first.endswith(":") else first


async def _events(folders: Iterable[Path]) -> AsyncGenerator[None]:
    async for _ in watchfiles.awatch(
        *(folder for folder in folders if folder.is_dir()),
        watch_filter=None,
        debounce=_BURST_MAX_MS,
        step=_QUIET_MS,
        rust_timeout=_LOOK_MS,
        yield_on_timeout=True,
        recursive=False,
        ignore_permission_denied=True,
    ):
        yield None
