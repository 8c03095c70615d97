"""A supervisor under random faults: whatever happens to its children and its files, it ends up right.

``CACHETWIN_CHAOS_SECONDS=600 CACHETWIN_CHAOS_SEED=7 python -m pytest tests/local/supervise/test_chaos.py`` is the long
form.
"""

import json
import os
import random
import shutil
import threading
import time
import urllib.error
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
from tests.local.supervise.test_supervisor import Run, answers, cachetwin, eventually, get, gone, tiny

SECONDS = float(os.environ.get("CACHETWIN_CHAOS_SECONDS", "12"))
SEED = int(os.environ.get("CACHETWIN_CHAOS_SEED", "1"))


def kill_a_child(run: Run, choice: random.Random) -> None:
    children = run.children()
    if children:
        with suppress(psutil.NoSuchProcess):
            choice.choice(children).kill()


def suspend_a_child(run: Run, choice: random.Random) -> None:
    children = run.children()
    if children:
        with suppress(psutil.NoSuchProcess):
            child = choice.choice(children)
            child.suspend()
            time.sleep(choice.uniform(0, 1))
            child.resume()


def suspend_the_supervisor(run: Run, choice: random.Random) -> None:
    supervisor = psutil.Process(run.process.pid)
    supervisor.suspend()
    time.sleep(choice.uniform(0, 1))
    supervisor.resume()


def delete_the_logs(run: Run, _choice: random.Random) -> None:
    shutil.rmtree(run.folder / ".cachetwin" / "logs", ignore_errors=True)


def damage_the_state(run: Run, choice: random.Random) -> None:
    (run.folder / ".cachetwin" / "state.json").write_bytes(choice.randbytes(20))


def delete_the_state_or_the_lock(run: Run, choice: random.Random) -> None:
    (run.folder / ".cachetwin" / choice.choice(["state.json", "lock"])).unlink(missing_ok=True)


FAULTS: tuple[Callable[[Run, random.Random], None], ...] = (
    kill_a_child,
    suspend_a_child,
    suspend_the_supervisor,
    delete_the_logs,
    damage_the_state,
    delete_the_state_or_the_lock,
)


def test_after_random_faults_everything_answers_and_down_leaves_nothing(tmp_path: Path, address: str) -> None:
    choice = random.Random(SEED)  # noqa: S311  (the same faults at every run)
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        assert run.process.stderr is not None
        reader = threading.Thread(target=run.process.stderr.read, daemon=True)  # what it prints must go on being read
        reader.start()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            choice.choice(FAULTS)(run, choice)
            with suppress(urllib.error.URLError, OSError):
                get(address)
            time.sleep(choice.uniform(0, 0.3))
        assert eventually(lambda: answers(address), 90)  # the delay before a restart doubles up to a minute
        assert eventually(lambda: cachetwin(tmp_path, "status").returncode == 0, 60)
        status = json.loads(cachetwin(tmp_path, "status", "--json").stdout)
        assert {part["state"] for part in status["parts"]} == {"ready"}
        children = run.children()
        down = cachetwin(tmp_path, "down")
        assert down.returncode == 0, down.stderr
        assert run.process.wait(30) == 0
        assert gone(children)
        reader.join(10)
    assert cachetwin(tmp_path, "status").returncode == 3
