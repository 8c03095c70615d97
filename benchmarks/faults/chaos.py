"""The runner under faults, with the web app in it.

    python -m benchmarks.faults.chaos --minutes 10 --seed 1

Brings the web app up in a copy of its own. Faults chosen by the seed follow one another while clients read and write:
processes of the app and the supervisor are killed, ended and stopped, files are deleted and damaged, descriptors are
used up and, where that can be had, the disk is full (as root: a file system in memory) and the time of day jumps (with a
C compiler: ``clock_shift.c``). At the end everything has to run and answer, no write may be lost and
no old value have been read, ``status`` has to say so, and ``down`` must leave no process. Exits with 1 otherwise.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
from benchmarks.running_web_app import App, running, web_app_folder
from benchmarks.web_app_traffic import Clients

from .runner_faults import FAULTS, Clock, Fault, Target, fill_the_disk, small_file_system

ROUND = 8
WELL_S_MAX = 150.0  # the runner waits up to a minute before it starts again what ends again and again
PAUSE_S_MAX = 2.0
ANSWER_S_MAX = 30.0
DISK = "500m"
SERVICE = "CachetwinWebApp/WebAppServiceD0931FB8"


@dataclass
class Chaos:
    """One run: what is done to ``app``, and every process that was seen below its supervisor."""

    app: App
    faults: list[Fault]
    choice: random.Random
    seen: set[psutil.Process] = field(default_factory=set)

    async def run(self, seconds: float) -> None:
        """Inflict faults for ``seconds``; after every few of them everything has to come back."""
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            for _ in range(ROUND):
                await asyncio.to_thread(self._inflict)
            began_s = time.monotonic()
            await asyncio.to_thread(self.wait_until_well)
            print(f"  everything runs again after {time.monotonic() - began_s:.1f} s")

    def _inflict(self) -> None:
        supervisor = self.supervisor()
        self.seen |= {supervisor, *supervisor.children(recursive=True)}
        fault = self.choice.choice(self.faults)
        print(f"{time.strftime('%H:%M:%S')} {fault.__name__.replace('_', ' ')}", flush=True)
        fault(Target(self.app.folder, supervisor), self.choice)
        time.sleep(self.choice.uniform(0, PAUSE_S_MAX))

    def supervisor(self) -> psutil.Process:
        """The supervisor that runs; state.json may be damaged, so `status` says which it is."""
        return psutil.Process(json.loads(self.app.cachetwin("status", "--json").stdout)["pid"])

    def kill_the_supervisor(self, target: Target, _choice: random.Random) -> None:
        """SIGKILL: its children end with it, and the next ``up`` starts from what it finds."""
        children = target.supervisor.children(recursive=True)
        target.supervisor.kill()
        _gone, alive = psutil.wait_procs(children, timeout=20)
        if alive:
            raise RuntimeError(f"these outlived the supervisor: {alive}")
        up = self.app.cachetwin("up", "-d")
        if up.returncode != 0:
            raise RuntimeError(f"up after a killed supervisor:\n{up.stderr}")

    def wait_until_well(self) -> None:
        """Wait until `status` says that all is well. Raises TimeoutError."""
        end_s = time.monotonic() + WELL_S_MAX
        while (status := self.app.cachetwin("status")).returncode != 0:
            if time.monotonic() > end_s:
                raise TimeoutError(f"not everything runs {WELL_S_MAX:g} s after a fault:\n{status.stdout}")
            time.sleep(0.5)


def everything_answers(app: App) -> None:
    """Ask for the page, products and the status of each part. Raises RuntimeError for one that is not right."""
    for path in ("/", "/readyz", "/api/products", "/api/products/7"):
        end_s = time.monotonic() + ANSWER_S_MAX
        while (answer := httpx.get(app.url + path, timeout=20)).status_code != 200:
            if time.monotonic() > end_s:
                raise RuntimeError(f"{path}: {answer.status_code} {answer.text}")
            time.sleep(0.2)
    states = {part["name"]: part["state"] for part in json.loads(app.cachetwin("status", "--json").stdout)["parts"]}
    if set(states.values()) != {"ready"}:
        raise RuntimeError(f"status: {states}")


def nothing_is_left(app: App, seen: set[psutil.Process]) -> None:
    """``down``, and look for its processes. Raises RuntimeError when one is left."""
    down = app.cachetwin("down")
    if down.returncode != 0:
        raise RuntimeError(f"down: {down.stderr}")
    _gone, alive = psutil.wait_procs(list(seen), timeout=20)
    own = [process for process in psutil.process_iter() if _belongs_to(process, app.folder)]
    if alive or own:
        raise RuntimeError(f"left after down: {[*alive, *own]}")
    if app.cachetwin("status").returncode != 3:
        raise RuntimeError("status after down does not say that nothing runs")


def _belongs_to(process: psutil.Process, folder: Path) -> bool:
    try:
        return any(str(folder) in word for word in process.cmdline())
    except psutil.Error:
        return False


async def run(app: App, faults: list[Fault], seconds: float, seed: int) -> bool:
    """Whether all went well."""
    chaos = Chaos(app, list(faults), random.Random(seed))  # noqa: S311  (the same faults at every run)
    chaos.faults.append(chaos.kill_the_supervisor)
    clients = Clients([app.url], seed)
    async with clients.asking() as witness:
        await chaos.run(seconds)
        await asyncio.to_thread(everything_answers, app)
    lost = await clients.lost_writes()
    print(
        f"{witness.write_count} writes, {len(lost)} lost; {len(witness.stale)} old values read; {dict(witness.statuses)}"
    )
    for line in (*lost, *witness.stale[:20]):
        print(line)
    nothing_is_left(app, chaos.seen)
    return not (lost or witness.stale)


def main() -> int:
    """Run and print; the exit status."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    faults, environment = list(FAULTS), dict[str, str]()
    with ExitStack() as stack:
        folder = stack.enter_context(web_app_folder())
        if os.geteuid() == 0 and sys.platform == "linux":
            stack.enter_context(small_file_system(folder / ".cachetwin", DISK))
            faults.append(fill_the_disk)
        else:
            print("the disk is never full: that needs root on Linux")
        if sys.platform == "linux" and shutil.which("cc"):
            clock = Clock(folder)
            faults.append(clock.step_the_clock)
            environment = clock.environment
            variables = ", ".join(f"{name} = {json.dumps(value)}" for name, value in environment.items())
            (folder / "cachetwin.toml").write_text(
                f"[services.{json.dumps(SERVICE)}]\nenvironment = {{ {variables} }}\n"
            )
        else:
            print("the time of day never jumps: that needs a C compiler on Linux")
        app = stack.enter_context(running(folder, environment))
        return 0 if asyncio.run(run(app, faults, given.minutes * 60, given.seed)) else 1


if __name__ == "__main__":
    sys.exit(main())
