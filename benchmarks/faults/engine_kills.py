"""Kill an engine at random moments under load, start it again, and count what of its acknowledged writes is there.

    python -m benchmarks.faults.engine_kills --kills 200 --policy always --seed 1
    python -m benchmarks.faults.engine_kills --kills 200 --policy save --server "valkey-server"

Each of eight clients counts up a key of its own. What a policy promises after the end of the process (not of the machine):
`always` every acknowledged write; `everysec` and `no` every write but those of the last two seconds, because a write waits
for a sync that is under way; `save` what was there when the last save that ended began. The log is rewritten and saves are
made meanwhile. Exit code: 0 when every promise was kept, 1 when one was not.
"""

import argparse
import dataclasses
import random
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

CLIENTS = 8
START_SECONDS_MAX = 60.0
POSTPONED_SECONDS_MAX = 2.5
POLICIES = ("always", "everysec", "no", "save")


@dataclasses.dataclass
class Outcome:
    """What one run found."""

    kills: int = 0
    acknowledged: int = 0
    lost: int = 0  # acknowledged writes that were not there
    broken: int = 0  # of those, the ones that the policy promises
    longest_start_s: float = 0.0


class Connection:
    """A client of one engine."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=START_SECONDS_MAX)
        self._replies = self._sock.makefile("rb")

    def __call__(self, *words: str) -> bytes:
        """The reply, of one line or a bulk string; empty when the connection is closed."""
        parts = [word.encode() for word in words]
        request = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
        self._sock.sendall(request)
        line = self._replies.readline()
        if line[:1] == b"$" and line != b"$-1\r\n":
            return self._replies.read(int(line[1:]) + 2)[:-2]
        return line

    def close(self) -> None:
        """Hang up."""
        self._replies.close()
        self._sock.close()


class Writer(threading.Thread):
    """Counts up a key until the engine is gone, and notes what was acknowledged and when."""

    def __init__(self, port: int, key: str, start: int) -> None:
        super().__init__(daemon=True)
        self.key = key
        self.acknowledged = start
        self.by_time: list[tuple[float, int]] = [(0.0, start)]
        self._connection = Connection(port)

    def run(self) -> None:
        """Until the connection breaks."""
        try:
            while (reply := self._connection("INCR", self.key)).startswith(b":"):
                self.acknowledged = int(reply[1:])
                self.by_time.append((time.monotonic(), self.acknowledged))
        except OSError:
            pass
        finally:
            self._connection.close()

    def acknowledged_before(self, moment: float) -> int:
        """The last count that was acknowledged before that moment."""
        return next(count for at, count in reversed(self.by_time) if at <= moment)


class Trial:
    """One engine with its folder, killed again and again."""

    def __init__(self, command: list[str], policy: str, folder: Path, chance: random.Random) -> None:
        self._policy = policy
        self._chance = chance
        self._port = _free_port()
        files = (
            ["--save", "3600 1"] if policy == "save" else ["--save", "", "--appendonly", "yes", "--appendfsync", policy]
        )
        self._command = [*command, "--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(folder), *files]
        self._process: subprocess.Popen[bytes] | None = None
        self.outcome = Outcome()

    def start(self) -> None:
        """Start the engine, and wait until it answers."""
        began = time.monotonic()
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            if self._process.poll() is not None:
                raise SystemExit(f"the engine did not start: exit code {self._process.returncode}")
            try:
                connection = Connection(self._port)
                ready = connection("PING") == b"+PONG\r\n"
                connection.close()
                if ready:
                    break
            except OSError:
                pass
            if time.monotonic() - began > START_SECONDS_MAX:
                raise SystemExit(f"the engine did not answer within {START_SECONDS_MAX:.0f} s")
            time.sleep(0.01)
        self.outcome.longest_start_s = max(self.outcome.longest_start_s, time.monotonic() - began)

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def round(self) -> None:
        """Write, kill, start again, compare."""
        counts = self._counts()
        before = sum(counts)
        writers = [Writer(self._port, f"counter:{number}", count) for number, count in enumerate(counts)]
        for writer in writers:
            writer.start()
        promised = self._disturb(writers)
        killed_at = time.monotonic()
        self.stop()
        for writer in writers:
            writer.join(START_SECONDS_MAX)
        self.start()
        self.outcome.kills += 1
        for number, (writer, found) in enumerate(zip(writers, self._counts(), strict=True)):
            if self._policy == "always":
                promise = writer.acknowledged
            elif self._policy == "save":
                promise = promised[number]
            else:
                promise = writer.acknowledged_before(killed_at - POSTPONED_SECONDS_MAX)
            self.outcome.lost += max(0, writer.acknowledged - found)
            self.outcome.broken += max(0, promise - found)
        self.outcome.acknowledged += sum(writer.acknowledged for writer in writers) - before

    def _disturb(self, writers: list[Writer]) -> list[int]:
        """Rewrite or save now and then; the counts that the last save that ended has."""
        promised = [writer.acknowledged for writer in writers]
        connection = Connection(self._port)
        until = time.monotonic() + self._chance.uniform(0.05, 1.0)
        saving: list[int] | None = None
        while time.monotonic() < until:
            if self._policy != "save":
                if self._chance.random() < 0.1:
                    connection("BGREWRITEAOF")
            elif saving is None:
                counts = [writer.acknowledged for writer in writers]
                if connection("BGSAVE").startswith(b"+"):
                    saving = counts
            elif b"rdb_bgsave_in_progress:0" in (info := connection("INFO", "persistence")):
                if b"rdb_last_bgsave_status:ok" in info:
                    promised = saving
                saving = None
            time.sleep(self._chance.uniform(0.001, 0.02))
        connection.close()
        return promised

    def _counts(self) -> list[int]:
        connection = Connection(self._port)
        replies = [connection("GET", f"counter:{number}") for number in range(CLIENTS)]
        connection.close()
        return [int(reply) if reply.isdigit() else 0 for reply in replies]


def run(command: list[str], policy: str, kills: int, seed: int) -> Outcome:
    """Kill an engine so many times."""
    with tempfile.TemporaryDirectory(prefix="engine-kills-") as folder:
        trial = Trial(command, policy, Path(folder), random.Random(seed))  # noqa: S311  (the same faults for a seed)
        try:
            trial.start()
            for _ in range(kills):
                trial.round()
        finally:
            trial.stop()
        return trial.outcome


def own_command() -> list[str]:
    """What starts the engine of this environment."""
    return [sys.executable, "-m", "cachetwin_engine"]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def main() -> int:
    """Run as the arguments say, and print one line for each policy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="how often (%(default)s)")
    parser.add_argument(
        "--policy", choices=POLICIES, action="append", help="may come repeatedly (always, everysec, save)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--server", default="", help="another server's command, in place of this environment's engine")
    given = parser.parse_args()
    command = shlex.split(given.server) or own_command()
    broken = 0
    for policy in given.policy or ["always", "everysec", "save"]:
        outcome = run(command, policy, given.kills, given.seed)
        broken += outcome.broken
        print(
            f"{policy}: {outcome.kills} kills, {outcome.acknowledged:,} writes acknowledged, {outcome.lost:,} not there, "
            f"{outcome.broken:,} of them against the promise; longest start {outcome.longest_start_s:.1f} s",
            flush=True,
        )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
