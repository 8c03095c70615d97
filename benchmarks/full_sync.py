"""A replica that takes all the data: two of ours beside two real Valkeys, from REPLICAOF to the working link.

    python -m benchmarks.full_sync --valkey "COMMAND OF A VALKEY"
    python -m benchmarks.full_sync --engine-path build/compiled/lib --data keys --rounds 1

The data are 100 MB of random values, of compressible ones, or a million keys of some 30 bytes. CPU is the processor time of
primary and replica together; ``stall`` is the longest time that the primary let a client wait for its PING meanwhile.
"""

import argparse
import os
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.compare_servers import Contender, Server, add_servers, contenders, cpu_seconds
from benchmarks.memory_per_key import BATCH, Connection, encoded

SYNC_SECONDS_MAX = 180.0
POLL_SECONDS = 0.01
TEXT = b'{"id": 1234567, "name": "a name", "tags": ["red", "green", "blue"], "at": "2026-11-28T12:00:00Z"}'


@dataclass(frozen=True, slots=True)
class Data:
    """What the primary holds: the number of keys, and the value of each."""

    keys: int
    value: Callable[[int], bytes]


DATA = {
    "random": Data(100_000, lambda number: os.urandom(1000)),
    "text": Data(100_000, lambda number: TEXT * 10 + b"%d" % number),
    "keys": Data(1_000_000, lambda number: b"value:%010d" % number),
    "large": Data(10, lambda number: os.urandom(10_000_000)),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One synchronisation."""

    seconds: float
    cpu_primary: float
    cpu_replica: float
    stall_ms: float


class Probe:
    """A client that sends PING after PING and remembers the longest wait."""

    def __init__(self, port: int) -> None:
        self.longest = 0.0
        self._connection = Connection(port)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ends.is_set():
            began = time.monotonic()
            self._connection.call(b"PING\r\n", 1)
            self.longest = max(self.longest, time.monotonic() - began)
            time.sleep(0.0005)

    def end(self) -> float:
        """Stop, and tell the longest wait in seconds."""
        self._ends.set()
        self._thread.join()
        self._connection.close()
        return self.longest


def fill(connection: Connection, data: Data) -> None:
    """Send the data."""
    batch = BATCH if len(data.value(0)) < 100_000 else 1
    for begin in range(0, data.keys, batch):
        numbers = range(begin, min(begin + batch, data.keys))
        connection.call(
            b"".join(encoded([b"SET", b"key:%07d" % number, data.value(number)]) for number in numbers), len(numbers)
        )


def info(connection: Connection, section: bytes) -> bytes:
    """A section of INFO."""
    return connection.call(encoded([b"INFO", section]), 1)[0]


def synchronise(primary: Server, replica: Server, client: Connection) -> Figure:
    """Let the replica follow; raises SystemExit when it takes too long."""
    probe = Probe(primary.port)
    before = cpu_seconds(primary.process), cpu_seconds(replica.process)
    began = time.monotonic()
    client.call(encoded([b"REPLICAOF", b"127.0.0.1", b"%d" % primary.port]), 1)
    while b"master_link_status:up" not in info(client, b"replication"):
        if time.monotonic() - began > SYNC_SECONDS_MAX:
            raise SystemExit(f"{replica.name} did not synchronise within {SYNC_SECONDS_MAX:.0f} s")
        time.sleep(POLL_SECONDS)
    seconds = time.monotonic() - began
    after = cpu_seconds(primary.process), cpu_seconds(replica.process)
    return Figure(seconds, after[0] - before[0], after[1] - before[1], 1000 * probe.end())


def measure(contender: Contender, data: Data, rounds: int) -> list[Figure]:
    """Some synchronisations of fresh replicas with one primary."""
    figures = []
    with contender.running() as (primary, _):
        source = Connection(primary.port)
        source.call(encoded([b"CONFIG", b"SET", b"repl-diskless-sync-delay", b"0"]), 1)
        fill(source, data)
        for _ in range(rounds):
            with contender.running() as (replica, _):
                client = Connection(replica.port)
                client.call(encoded([b"CONFIG", b"SET", b"rdb-del-sync-files", b"yes"]), 1)  # or the next one loads it
                figures.append(synchronise(primary, replica, client))
                client.close()
        source.close()
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_servers(parser)
    parser.add_argument("--data", nargs="*", choices=list(DATA), default=list(DATA), help="what is copied (all)")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"{'data':<8} {'servers':<20} {'seconds':>8} {'CPU primary':>12} {'CPU replica':>12} {'stall ms':>9}")
    for name in options.data:
        for contender in contenders(options):
            figures = measure(contender, DATA[name], options.rounds)
            columns = zip(*((f.seconds, f.cpu_primary, f.cpu_replica, f.stall_ms) for f in figures), strict=True)
            seconds, primary, replica, stall = (statistics.median(column) for column in columns)
            print(
                f"{name:<8} {contender.name:<20} {seconds:>8.2f} {primary:>12.2f} {replica:>12.2f} {stall:>9.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
