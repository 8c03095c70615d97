"""The web app in a copy of its own, up in the background while a benchmark runs."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cachetwin_local.supervise.control_socket import ask

ROOT = Path(__file__).parents[1]
COMMAND_S_MAX = 300
STATUS_S_MAX = 20


@dataclass(frozen=True)
class App:
    """An app that is up: its folder, and where its load balancer answers."""

    folder: Path
    url: str

    def cachetwin(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run one command of the runner in the app's folder."""
        return _cachetwin(self.folder, *words)

    def status(self) -> dict[str, Any]:
        """What the supervisor says when it is asked for its status."""
        state = json.loads((self.folder / ".cachetwin" / "state.json").read_text())
        found: dict[str, Any] = next(ask(state["control_socket"], {"op": "status"}, deadline_s=STATUS_S_MAX))
        return found


def _cachetwin(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "TERM": "dumb"}
    command = [sys.executable, "-m", "cachetwin_local", *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=COMMAND_S_MAX, check=False
    )


@contextlib.contextmanager
def running_web_app() -> Iterator[App]:
    """The app of this repository's cdk.json, without data of earlier runs; down when it is left."""
    folder = Path(tempfile.mkdtemp(prefix="web-app-"))
    try:
        for name in ("stacks", "constructs"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "cdk.json", folder)
        up = _cachetwin(folder, "up", "-d")
        if up.returncode != 0:
            sys.exit(f"the app did not come up:\n{up.stderr}")
        try:
            status = json.loads(_cachetwin(folder, "status", "--json").stdout)
            endpoints = [str(row["endpoint"]) for row in status["endpoints"]]
            yield App(folder, next(one for one in endpoints if one.startswith("http")).rstrip("/"))
        finally:
            _cachetwin(folder, "down")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
