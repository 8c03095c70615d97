"""The watch over an app's files, with real files: what editors do to save one, bursts, errors, files that do not count."""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from cachetwin_local.errors import UserError
from cachetwin_local.project import Source, find_project
from cachetwin_local.supervise.events import State
from cachetwin_local.supervise.reload import FolderChange
from cachetwin_local.synth import synthesise
from cachetwin_local.watch import AppWatch

APP = """
import json, os, pathlib, sys
out = pathlib.Path(os.environ["CDK_OUTDIR"])
out.mkdir(exist_ok=True)
asset = {"source": str(pathlib.Path("web").resolve()), "staged": str(out / "asset.web"), "bundled": False}
with open(os.environ["CACHETWIN_ASSETS"], "a") as file:
    file.write(json.dumps(asset) + "\\n")
(out / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": {}}))
"""
DEADLINE_S = 30.0


class FakeRun:
    """What the watch asked for, in order."""

    def __init__(self) -> None:
        self.done: list[object] = []
        self.lines: list[str] = []
        self.states: list[tuple[State, str]] = []
        self.refuse: str | None = None
        self.lost: list[str] = []

    def reloadable_assets(self) -> frozenset[str]:
        return frozenset({"asset.web"})

    async def reload(self, changes: Sequence[FolderChange]) -> list[str]:
        self.done.append({path.name for change in changes for path in change.files})
        if self.refuse:
            raise UserError(self.refuse)
        return ["web: started"]

    async def would_lose(self) -> list[str]:
        return self.lost

    async def apply_change(self) -> str:
        self.done.append("applied")
        return "nothing changed"

    def log_watch(self, text: str) -> None:
        self.lines += text.splitlines()

    def report_watch(self, state: State, detail: str) -> None:
        self.states.append((state, detail))

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                await asyncio.sleep(0.02)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "web" / "static").mkdir(parents=True)
    (tmp_path / "web" / "page.html").write_text("first")
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "cdk.json").write_text(json.dumps({"app": "python app.py"}))
    return tmp_path


def watched(folder: Path, scenario: Callable[[FakeRun], Awaitable[None]], *, synthesised: bool = True) -> FakeRun:
    """Run `scenario` while the folder is watched."""
    run = FakeRun()
    if synthesised:
        synthesise(find_project(folder), {})

    async def main() -> None:
        task = asyncio.create_task(AppWatch(lambda: find_project(folder), {}).watch(run))
        try:
            await run.until(lambda: run.states or task.done())
            await scenario(run)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    return run


def plainly(path: Path, text: str) -> None:
    path.write_text(text)


def by_rename(path: Path, text: str) -> None:
    temporary = path.with_name(".page.html.swx1")
    temporary.write_text(text)
    temporary.replace(path)


def as_vim_does(path: Path, text: str) -> None:
    (path.parent / "4913").touch()
    (path.parent / "4913").unlink()
    path.replace(path.with_name(f"{path.name}~"))
    path.write_text(text)
    path.with_name(f"{path.name}~").unlink()


def with_a_backup(path: Path, text: str) -> None:
    shutil.copy(path, path.with_name(f"{path.name}~"))
    path.write_text(text)


def in_two_writes(path: Path, text: str) -> None:
    with path.open("w") as file:
        for character in text:
            file.write(character)
            file.flush()


@pytest.mark.parametrize("save", [plainly, by_rename, as_vim_does, with_a_backup, in_two_writes])
def test_a_saved_file_of_a_service_is_told_without_a_synthesis(app: Path, save: Callable[[Path, str], None]) -> None:
    async def scenario(run: FakeRun) -> None:
        save(app / "web" / "page.html", "second")
        await run.until(lambda: run.states[-1][1] == "web/page.html runs")

    assert {str(one) for one in watched(app, scenario).done} == {"{'page.html'}"}


def test_a_change_that_would_lose_data_is_not_applied(app: Path) -> None:
    async def scenario(run: FakeRun) -> None:
        run.lost = ["Shop/Cache"]
        (app / "app.py").write_text(APP + "\n")
        await run.until(lambda: run.states[-1][0] == "failed")
        assert run.done == []
        assert "the data of Shop/Cache would be lost, so nothing is applied; `cachetwin apply` asks" in "".join(
            run.lines
        )
        run.lost = []
        (app / "app.py").write_text(APP)
        await run.until(lambda: run.states[-1][0] == "ready")
        assert run.done == ["applied"]

    watched(app, scenario)


def test_a_burst_of_files_is_told_at_once_and_new_folders_are_watched(app: Path) -> None:
    async def scenario(run: FakeRun) -> None:
        for number in range(100):
            (app / "web" / "static" / f"{number}.css").write_text("x")
        await run.until(lambda: told(run) == 100)
        assert len(run.done) <= 3
        (app / "web" / "new" / "deep").mkdir(parents=True)
        (app / "web" / "new" / "deep" / "first.css").write_text("x")
        await run.until(lambda: {"first.css"} in run.done)
        (app / "web" / "new" / "deep" / "second.css").write_text("x")
        await run.until(lambda: {"second.css"} in run.done)

    assert "applied" not in watched(app, scenario).done


def told(run: FakeRun) -> int:
    return len(set().union(*(one for one in run.done if isinstance(one, set))))


def test_what_does_not_count_is_not_told(app: Path) -> None:
    async def scenario(run: FakeRun) -> None:
        for name in ("node_modules", ".git", "__pycache__", "cdk.out"):
            (app / "web" / name).mkdir()
            (app / "web" / name / "file.py").write_text("x")
        (app / "web" / ".page.html.swp").write_text("x")
        (app / "web" / "static" / "debug.log").write_text("x")
        (app / "web" / "page.html").write_text("first")
        (app / "web" / "last.html").write_text("x")
        await run.until(lambda: run.done)
        assert run.done == [{"last.html"}]

    watched(app, scenario)


def test_a_changed_stack_is_synthesised_and_applied(app: Path) -> None:
    async def scenario(run: FakeRun) -> None:
        (app / "app.py").write_text(APP + "(out / 'seen').write_text('yes')\n")
        await run.until(lambda: "applied" in run.done)
        assert (app / "cdk.out" / "seen").read_text() == "yes"
        (app / "cachetwin.toml").write_text("leave-out = []")
        await run.until(lambda: len(run.done) == 2)

    run = watched(app, scenario)
    assert run.done == ["applied", "applied"]
    assert sum(line.startswith("synthesising") for line in run.lines) == 1


def test_what_changed_before_the_watch_began_is_synthesised(app: Path) -> None:
    async def scenario(run: FakeRun) -> None:
        await run.until(lambda: run.done)

    run = watched(app, scenario, synthesised=False)
    assert run.done == ["applied"]
    assert "changed: the app" in run.lines


def test_errors_are_shown_and_the_next_change_is_the_next_try(app: Path) -> None:
    async def scenario(run: FakeRun) -> None:
        (app / "app.py").write_text("raise SystemExit('a bucket needs a name')")
        await run.until(lambda: run.states[-1][0] == "failed")
        assert run.done == []
        assert any("a bucket needs a name" in line for line in run.lines)
        assert run.states[-1][1].startswith("the last change does not run: the app `python app.py` exited with code 1;")
        (app / "app.py").write_text(APP)
        await run.until(lambda: run.states[-1][0] == "ready")
        run.refuse = "page.html:1: bad; its last lines:\n  | x"
        (app / "web" / "page.html").write_text("bad")
        await run.until(lambda: run.states[-1][0] == "failed")
        assert run.states[-1][1] == "the last change does not run: page.html:1: bad; see `cachetwin logs watch`"
        run.refuse = None
        (app / "web" / "page.html").write_text("good")
        await run.until(lambda: run.states[-1][0] == "ready")

    watched(app, scenario)


def test_an_app_that_writes_its_own_files_does_not_run_for_ever(app: Path) -> None:
    async def scenario(run: FakeRun) -> None:
        (app / "app.py").write_text(APP + "open('made.txt', 'a').write('x')\n")
        await run.until(lambda: any("made.txt changes whenever the app runs" in line for line in run.lines))
        count = run.done.count("applied")
        (app / "web" / "page.html").write_text("second")
        await run.until(lambda: {"page.html"} in run.done)
        assert run.done.count("applied") == count

    watched(app, scenario)


def test_a_watched_template_is_applied_when_it_changes(tmp_path: Path) -> None:
    template = tmp_path / "template.json"
    template.write_text("{}")
    run = FakeRun()

    async def main() -> None:
        find = lambda: find_project(tmp_path, Source(template=template))  # noqa: E731
        task = asyncio.create_task(AppWatch(find, {}).watch(run))
        try:
            await run.until(lambda: run.states)
            template.write_text('{"Resources": {}}')
            await run.until(lambda: run.done)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    assert run.done == ["applied"]


def test_a_synthesis_under_way_ends_with_the_watch(app: Path) -> None:
    async def scenario(run: FakeRun) -> None:
        (app / "app.py").write_text("import time; time.sleep(300)")
        await run.until(lambda: any(line.startswith("synthesising") for line in run.lines))

    watched(app, scenario)
