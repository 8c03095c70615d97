"""A supervisor under random faults: whatever happens to its children and its files, it ends up right.

``python -m benchmarks.faults.chaos --minutes 10`` is the long form, with the web app, a full disk and a clock that jumps.
"""

import json
import os
import random
import threading
import time
import urllib.error
from contextlib import suppress
from pathlib import Path

import psutil
from benchmarks.faults.runner_faults import FAULTS, Target
from tests.local.supervise.test_supervisor import answers, cachetwin, eventually, get, gone, tiny

SECONDS = float(os.environ.get("CACHETWIN_CHAOS_SECONDS", "12"))
SEED = int(os.environ.get("CACHETWIN_CHAOS_SEED", "1"))


def test_after_random_faults_everything_answers_and_down_leaves_nothing(tmp_path: Path, address: str) -> None:
    choice = random.Random(SEED)  # noqa: S311  (the same faults at every run)
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        assert run.process.stderr is not None
        reader = threading.Thread(target=run.process.stderr.read, daemon=True)  # what it prints must go on being read
        reader.start()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            choice.choice(FAULTS)(Target(run.folder, psutil.Process(run.process.pid), hang_s_max=1), choice)
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
