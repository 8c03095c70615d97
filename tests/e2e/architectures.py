"""The reference architectures as somebody who has them checked out runs them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60  # a request, the end of a process; on a quiet machine each takes less than a second


def cachetwin(folder: Path, *words: str, deadline_s: float = 600) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "dumb"}
    command = [sys.executable, "-m", "cachetwin_local", *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=deadline_s, check=False
    )


def copy_of_the_app(folder: Path) -> Path:
    """The folder with the app alone: its stacks, the constructs they use and cdk.json."""
    for name in ("stacks", "constructs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "cdk.json", folder)
    return folder


@contextmanager
def up(folder: Path, *words: str) -> Iterator[dict[str, Any]]:
    """The app, up in the background until the end of the block; its status."""
    try:
        done = cachetwin(folder, "up", "-d", *words)
        assert done.returncode == 0, done.stderr
        yield status(folder)
    finally:
        cachetwin(folder, "down")


def status(folder: Path) -> dict[str, Any]:
    """What `cachetwin status --json` prints."""
    found: dict[str, Any] = json.loads(cachetwin(folder, "status", "--json").stdout)
    return found


def runs(pid: int) -> bool:
    """Whether `pid` runs; one that ended but that its parent has not waited for does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
