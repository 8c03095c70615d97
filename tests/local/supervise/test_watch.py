"""A run that watches its app (docs/how-to/watch.md): what is saved answers, what does not run leaves what ran before."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.local.supervise.test_reconcile import answers_as
from tests.local.supervise.test_supervisor import SERVICE, Run, cachetwin, eventually, tiny
from tests.local.supervise.tiny_app import DOCKERFILE

from cachetwin_local.supervise.control.client import ask

APP = """
import json, os, pathlib, shutil
out = pathlib.Path(os.environ["CDK_OUTDIR"])
shutil.copytree("web", out / "asset", dirs_exist_ok=True)
asset = {"source": str(pathlib.Path("web").resolve()), "staged": str(out / "asset"), "bundled": False}
with open(os.environ["CACHETWIN_ASSETS"], "a") as file:
    file.write(json.dumps(asset) + "\\n")
(out / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": {}}))
"""
SERVICE_NAME = "Tiny/Service"
WAIT_S = 60.0


@contextmanager
def watched(folder: Path, address: str) -> Iterator[Run]:
    (folder / "web").mkdir()
    (folder / "web" / "Dockerfile").write_text(DOCKERFILE)
    (folder / "web" / "service.py").write_text(SERVICE)
    (folder / "app.py").write_text(APP)
    with tiny(folder, address) as run:
        run.wait_for("ready in")
        assert eventually(lambda: state_of_watch(folder)[0] == "ready", WAIT_S)
        yield run


def state_of_watch(folder: Path) -> tuple[str, str]:
    state = json.loads((folder / ".cachetwin" / "state.json").read_text())
    status: Any = next(ask(state["control_socket"], {"op": "status"}, deadline_s=30))
    found = [one for one in status["resources"] if one["name"] == "watch"]
    return (found[0]["state"], found[0]["detail"]) if found else ("", "")


def save(folder: Path, greeting: str) -> None:
    code = SERVICE.replace("f\"{os.environ['NAME']}", f'f"{greeting}')
    (folder / "web" / "service.py").write_text(code)


def test_a_saved_file_answers_in_seconds_without_a_synthesis(tmp_path: Path, address: str) -> None:
    with watched(tmp_path, address) as run:
        before = run.state()["children"]
        began = time.monotonic()
        save(tmp_path, "hello")
        assert eventually(lambda: answers_as(address, "hello"), WAIT_S)
        assert time.monotonic() - began < 10  # some 0.5 s on a quiet machine; the aim is 2 s
        assert not (tmp_path / "cdk.out" / "asset" / "hello").exists()
        assert (tmp_path / "cdk.out" / "asset" / "service.py").read_text() == SERVICE
        assert run.state()["children"]["Tiny/Frontend/traffic"] == before["Tiny/Frontend/traffic"]
        (tmp_path / "web" / "Dockerfile").write_text(DOCKERFILE + "ENV NAME=unused\n")
        save(tmp_path, "again")
        assert eventually(lambda: answers_as(address, "again"), WAIT_S)


def test_code_that_does_not_run_leaves_what_ran_before(tmp_path: Path, address: str) -> None:
    with watched(tmp_path, address) as run:
        save(tmp_path, "hello")
        assert eventually(lambda: answers_as(address, "hello"), WAIT_S)
        before = run.state()["children"]
        (tmp_path / "web" / "service.py").write_text("def broken(:")
        assert eventually(lambda: state_of_watch(tmp_path)[0] == "failed", WAIT_S)
        assert "service.py:1: invalid syntax; what ran before goes on" in state_of_watch(tmp_path)[1]
        assert run.state()["children"] == before
        assert cachetwin(tmp_path, "status").returncode == 1
        (tmp_path / "web" / "service.py").write_text("raise SystemExit('no start')")
        assert eventually(lambda: "exited with code 1 while starting" in state_of_watch(tmp_path)[1], WAIT_S)
        assert eventually(lambda: answers_as(address, "hello"), WAIT_S)
        assert "no start" in cachetwin(tmp_path, "logs", "watch").stdout
        save(tmp_path, "mended")
        assert eventually(lambda: answers_as(address, "mended"), WAIT_S)
        assert eventually(lambda: cachetwin(tmp_path, "status").returncode == 0, WAIT_S)


def test_a_changed_app_is_applied_and_one_that_fails_changes_nothing(tmp_path: Path, address: str) -> None:
    with watched(tmp_path, address) as run:
        before = run.state()["children"]
        (tmp_path / "app.py").write_text("raise SystemExit('a bucket needs a name')")
        assert eventually(lambda: state_of_watch(tmp_path)[0] == "failed", WAIT_S)
        assert "a bucket needs a name" in cachetwin(tmp_path, "logs", "watch").stdout
        assert run.state()["children"] == before
        (tmp_path / "name").write_text("changed")
        (tmp_path / "app.py").write_text(APP + "\n")
        assert eventually(lambda: answers_as(address, "changed"), WAIT_S)
        assert f"started {SERVICE_NAME}" in cachetwin(tmp_path, "logs", "watch").stdout


def test_what_the_image_leaves_out_stays_out_of_a_reloaded_task(tmp_path: Path, address: str) -> None:
    with watched(tmp_path, address):
        (tmp_path / "web" / "node_modules").mkdir()
        (tmp_path / "web" / "node_modules" / "library.js").write_text("x")
        (tmp_path / "web" / "new.py").write_text("x = 1")
        save(tmp_path, "hello")
        assert eventually(lambda: answers_as(address, "hello"), WAIT_S)
        (task,) = (tmp_path / ".cachetwin" / "tasks").rglob("new.py")
        assert not (task.parent / "node_modules").exists()
