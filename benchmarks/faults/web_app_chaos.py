"""The web app while its cache and its database are stopped, killed and started again.

    python -m benchmarks.faults.web_app_chaos --minutes 10 --seed 1

Brings the app up in a copy of its own. One fault after the other, chosen by the seed, is inflicted while clients read
and write (``web_app_traffic``): SIGSTOP for up to 12 s, SIGKILL and an orderly end, of a cache node or of the database.
After each, once the runner has started again what ended, the hit rate has to be back and writes have to succeed within
``--recovery-s``. Exits with 1 if one did not, if an old value was read, or if a write was lost.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil
from benchmarks.running_web_app import App, running_web_app
from benchmarks.web_app_traffic import Clients, Witness

HIT_RATE = 0.8
RECOVERY_S_MAX = 60.0
RESTART_S_MAX = 150.0  # the runner waits up to a minute before it starts again what ends again and again
PAUSE_S = (2.0, 6.0)
HANG_S = (0.3, 12.0)


@dataclass(frozen=True)
class Fault:
    """Something that is done to the cache or the database; ``inflict`` returns when it has been undone."""

    name: str
    inflict: Callable[[random.Random], Awaitable[None]]


@dataclass(frozen=True)
class Recovery:
    """How long the app took to be well again after a fault."""

    fault: str
    fault_s: float
    recovery_s: float


async def inflict(
    faults: Sequence[Fault], witness: Witness, seconds: float, seed: int, say: Callable[[str], None]
) -> list[Recovery]:
    """Inflict one fault after the other for ``seconds``; how long the app needed after each."""
    choice = random.Random(seed)  # noqa: S311  (the same faults at every run)
    recoveries: list[Recovery] = []
    await _recovered(witness, time.monotonic())
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        await asyncio.sleep(choice.uniform(*PAUSE_S))
        fault = choice.choice(faults)
        began_s = time.monotonic()
        await fault.inflict(choice)
        over_s = time.monotonic()
        recovery = Recovery(fault.name, over_s - began_s, await _recovered(witness, over_s))
        recoveries.append(recovery)
        say(f"{recovery.fault:24} {recovery.fault_s:5.1f} s, well again after {recovery.recovery_s:.1f} s")
    return recoveries


async def _recovered(witness: Witness, since_s: float) -> float:
    """Wait until the hit rate is back and each product has been written once more; the seconds since ``since_s``."""
    while time.monotonic() < since_s + RECOVERY_S_MAX:
        if witness.hit_rate() >= HIT_RATE and witness.wrote_since(since_s):
            break
        await asyncio.sleep(0.05)
    return time.monotonic() - since_s


def faults_of(app: App) -> list[Fault]:
    """What can be done to the stores of an app that the runner has brought up."""

    def child(word: str, choice: random.Random) -> psutil.Process:
        children = json.loads((app.folder / ".cachetwin" / "state.json").read_text())["children"]
        found = [entry["pid"] for name, entry in sorted(children.items()) if word in name and "relay" not in name]
        return psutil.Process(choice.choice(found))

    def family(process: psutil.Process) -> list[psutil.Process]:
        return [process, *process.children(recursive=True)]

    def hang(word: str) -> Callable[[random.Random], Awaitable[None]]:
        async def inflict_it(choice: random.Random) -> None:
            processes = family(child(word, choice))
            for process in processes:
                process.suspend()
            await asyncio.sleep(choice.uniform(*HANG_S))
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.resume()
            await _all_ready(app)

        return inflict_it

    def end(word: str, number: signal.Signals) -> Callable[[random.Random], Awaitable[None]]:
        async def inflict_it(choice: random.Random) -> None:
            child(word, choice).send_signal(number)
            await asyncio.sleep(1)
            await _all_ready(app)

        return inflict_it

    return [
        Fault("SIGSTOP of a cache node", hang("/WebAppCache")),
        Fault("SIGKILL of a cache node", end("/WebAppCache", signal.SIGKILL)),
        Fault("SIGTERM of a cache node", end("/WebAppCache", signal.SIGTERM)),
        Fault("SIGSTOP of the database", hang("/WebAppDatabase")),
        Fault("SIGKILL of the database", end("/WebAppDatabase", signal.SIGKILL)),
        # SIGTERM would let PostgreSQL wait for its clients to leave, and so end it with the next fault.
        Fault("SIGINT of the database", end("/WebAppDatabase", signal.SIGINT)),
    ]


async def _all_ready(app: App) -> None:
    """Wait until the runner says that everything runs."""
    end_s = time.monotonic() + RESTART_S_MAX
    while time.monotonic() < end_s:
        status = await asyncio.to_thread(app.status)
        if {part["state"] for part in status["parts"]} == {"ready"}:
            return
        await asyncio.sleep(0.2)
    raise TimeoutError(f"not everything runs {RESTART_S_MAX:g} s after a fault")


async def run(app: App, seconds: float, seed: int, recovery_s: float) -> bool:
    """Whether all went well."""
    clients = Clients([app.url], seed)
    async with clients.asking() as witness:
        recoveries = await inflict(faults_of(app), witness, seconds, seed, print)
    lost = await clients.lost_writes()
    slow = [recovery for recovery in recoveries if recovery.recovery_s > recovery_s]
    print(f"{len(recoveries)} faults, {len(slow)} of them with more than {recovery_s:g} s to be well again")
    print(
        f"{witness.write_count} writes, {len(lost)} lost; {len(witness.stale)} old values read; {dict(witness.statuses)}"
    )
    for line in (*lost, *witness.stale[:20]):
        print(line)
    return bool(recoveries) and not (slow or lost or witness.stale)


def main() -> int:
    """Run and print; the exit status."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--recovery-s", type=float, default=5.0)
    given = options.parse_args()
    with running_web_app() as app:
        return 0 if asyncio.run(run(app, given.minutes * 60, given.seed, given.recovery_s)) else 1


if __name__ == "__main__":
    sys.exit(main())
