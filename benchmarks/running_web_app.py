"""The web app in a copy of its own, up in the background while a benchmark runs."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cachetwin_local.supervise.control.client import ask

ROOT = Path(__file__).parents[1]
COMMAND_S_MAX = 900  # a synthesis and the packages, on a machine that is busy otherwise
STATUS_S_MAX = 20


@dataclass(frozen=True)
class App:
    """An app that is up: its folder, and where its load balancer answers."""

    folder: Path
    environment: Mapping[str, str]
    url: str = ""

    def cachetwin(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run one command of the runner in the app's folder."""
        path = os.pathsep.join(part for part in sys.path if part)
        return subprocess.run(
            [sys.executable, "-m", "cachetwin_local", *words],
            cwd=self.folder,
            env={**os.environ, **self.environment, "PYTHONPATH": path, "TERM": "dumb"},
            capture_output=True,
            text=True,
            timeout=COMMAND_S_MAX,
            check=False,
        )

    def status(self) -> dict[str, Any]:
        """What the supervisor says when it is asked for its status."""
        state = json.loads((self.folder / ".cachetwin" / "state.json").read_text())
        found: dict[str, Any] = next(ask(state["control_socket"], {"op": "status"}, deadline_s=STATUS_S_MAX))
        return found


@contextlib.contextmanager
def web_app_folder() -> Iterator[Path]:
    """A folder with the app of this repository's cdk.json, without data of earlier runs."""
    folder = Path(tempfile.mkdtemp(prefix="web-app-"))
    try:
        for name in ("stacks", "constructs"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "cdk.json", folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running(folder: Path, environment: Mapping[str, str]) -> Iterator[App]:
    """The app of ``folder``, up in the background; down when it is left."""
    app = App(folder, environment)
    up = app.cachetwin("up", "-d")
    if up.returncode != 0:
        sys.exit(f"the app did not come up:\n{up.stderr}")
    try:
        endpoints = [str(row["endpoint"]) for row in json.loads(app.cachetwin("status", "--json").stdout)["endpoints"]]
        yield replace(app, url=next(one for one in endpoints if one.startswith("http")).rstrip("/"))
    finally:
        app.cachetwin("down")


@contextlib.contextmanager
def running_web_app() -> Iterator[App]:
    """The web app in a folder of its own, up in the background."""
    with web_app_folder() as folder, running(folder, {}) as app:
        yield app
