"""What a small key costs in memory: the engine beside real servers, a million keys of each type.

    python -m benchmarks.memory_per_key --engine-python VENV/bin/python
    python -m benchmarks.memory_per_key --valkey "chroot /srv/trixie valkey-server" --types string,hash -n 200000

``--elements 10,20,64`` measures collections of so many elements instead of three; with so many times fewer keys.

For every type each server is started anew, without persistence, and filled over one connection. ``resident`` is what
its process grew by, divided by the keys; ``used`` the same of ``used_memory`` in INFO. The engine's own ``used`` says
what the original would take (that is what ``maxmemory`` is held against), so its ratios compare what it has resident
with what the others say they use, and with what they have resident.

Keys are eleven bytes (``key:0000042``). A string has 16 bytes, a collection three short elements, a stream one entry.
"""

import argparse
import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from benchmarks.compare_servers import Contender, Server, add_servers, contenders

BATCH = 500  # commands in flight
SETTLE_SECONDS_MAX = 5.0
SETTLED_SECONDS = 0.5  # without growth
REPLY_SECONDS_MAX = 60.0

TYPES: dict[str, Callable[[int], list[bytes]]] = {
    "string": lambda n: [b"SET", b"key:%07d" % n, b"value:%010d" % n],
    "list": lambda n: [b"RPUSH", b"key:%07d" % n, b"a%d" % n, b"b", b"c"],
    "hash": lambda n: [b"HSET", b"key:%07d" % n, b"name", b"n%d" % n, b"age", b"42", b"city", b"x"],
    "intset": lambda n: [b"SADD", b"key:%07d" % n, b"%d" % (n % 1000), b"1001", b"1002"],
    "set": lambda n: [b"SADD", b"key:%07d" % n, b"a%d" % n, b"b", b"c"],
    "zset": lambda n: [b"ZADD", b"key:%07d" % n, b"1", b"a%d" % n, b"2", b"b", b"3", b"c"],
    "expiring": lambda n: [b"SET", b"key:%07d" % n, b"value:%010d" % n, b"EX", b"%d" % (100_000 + n % 1000)],
    "stream": lambda n: [b"XADD", b"key:%07d" % n, b"*", b"f", b"v%d" % n],
}

COLLECTIONS: dict[str, Callable[[int, int], list[bytes]]] = {  # by number of the key and count of elements
    "list": lambda n, count: [b"RPUSH", b"key:%07d" % n, *[b"element:%d" % at for at in range(count)]],
    "hash": lambda n, count: [
        b"HSET", b"key:%07d" % n, *[word for at in range(count) for word in (b"field:%d" % at, b"value:%d" % at)]
    ],
    "set": lambda n, count: [b"SADD", b"key:%07d" % n, *[b"member:%d" % at for at in range(count)]],
    "zset": lambda n, count: [
        b"ZADD", b"key:%07d" % n, *[word for at in range(count) for word in (b"%d.5" % at, b"member:%d" % at)]
    ],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figure:
    """Bytes per key of one type in one server."""

    server: str
    type: str
    resident: float
    used: float


def encoded(words: list[bytes]) -> bytes:
    """A command on the wire."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


class Connection:
    """A client that sends and waits."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=REPLY_SECONDS_MAX)
        self._replies = self._sock.makefile("rb")

    def close(self) -> None:
        """Hang up."""
        self._replies.close()
        self._sock.close()

    def call(self, data: bytes, replies: int) -> list[bytes]:
        """Send commands whose ``replies`` are lines or bulk strings. Raises SystemExit for an error."""
        self._sock.sendall(data)
        found = []
        for _ in range(replies):
            line = self._replies.readline()
            if line[:1] in {b"", b"-"}:
                raise SystemExit(f"a command failed: {line!r}")
            found.append(self._replies.read(int(line[1:]) + 2) if line[:1] == b"$" else line)
        return found

    def used_memory(self) -> int:
        """``used_memory`` of INFO."""
        for line in self.call(encoded([b"INFO", b"memory"]), 1)[0].split(b"\r\n"):
            if line.startswith(b"used_memory:"):
                return int(line[len(b"used_memory:") :])
        raise SystemExit("INFO memory says no used_memory")


def settled_bytes(server: Server) -> int:
    """What the process has resident, once it has stopped growing."""
    resident = int(server.process.memory_info().rss)
    since = started = time.monotonic()
    while time.monotonic() - since < SETTLED_SECONDS and time.monotonic() - started < SETTLE_SECONDS_MAX:
        time.sleep(0.05)
        now = int(server.process.memory_info().rss)
        if abs(now - resident) > resident // 1000:
            resident, since = now, time.monotonic()
    return resident


def measure(contender: Contender, type_name: str, keys: int, elements: int = 0) -> Figure:
    """Fill a fresh server with ``keys`` keys of one type; collections of so many ``elements``, unless that is 0."""
    command = TYPES[type_name]
    if elements:
        collection = COLLECTIONS[type_name]
        command = lambda n: collection(n, elements)  # noqa: E731
        type_name += f" of {elements}"
        keys = max(BATCH, keys * 3 // elements)
    with contender.running() as (server, _):
        connection = Connection(server.port)
        try:
            resident_before, used_before = settled_bytes(server), connection.used_memory()
            for begin in range(0, keys, BATCH):
                numbers = range(begin, min(begin + BATCH, keys))
                connection.call(b"".join(encoded(command(number)) for number in numbers), len(numbers))
            resident, used = settled_bytes(server), connection.used_memory()
        finally:
            connection.close()
    return Figure(contender.name, type_name, (resident - resident_before) / keys, (used - used_before) / keys)


def lines(figures: list[Figure]) -> Iterator[str]:
    """A line for each figure of one type; behind the engine's, its ratios to the others."""
    engine, *others = figures
    for figure in figures:
        line = f"{figure.type:<12} {figure.server:<20} {figure.resident:>9.0f} {figure.used:>9.0f}"
        if figure is engine:
            for other in others:
                line += (
                    f"   x {other.server}: {engine.resident / other.used:.2f} of used,"
                    f" {engine.resident / other.resident:.2f} of resident"
                )
        yield line


def types(text: str) -> list[str]:
    """``string,hash`` as a list. Raises ArgumentTypeError for a type that there is not."""
    names = text.split(",")
    unknown = [name for name in names if name not in TYPES]
    if unknown:
        raise argparse.ArgumentTypeError(f"must be of {', '.join(TYPES)}, got {', '.join(unknown)}")
    return names


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_servers(parser)
    parser.add_argument("-t", "--types", type=types, default=list(TYPES), help=f"of {','.join(TYPES)}")
    parser.add_argument("--elements", help="so many elements of each collection, for example 10,20,64")
    parser.add_argument("-n", "--keys", type=int, default=1_000_000, help="keys of each type")
    parser.add_argument("--json", action="store_true", help="print JSON to stdout, the table to stderr")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    options = arguments()
    out = sys.stderr if options.json else sys.stdout
    servers = contenders(options)
    print(f"{'type':<12} {'server':<20} {'resident':>9} {'used':>9}", file=out)
    figures: list[Figure] = []
    sizes = [int(size) for size in options.elements.split(",")] if options.elements else [0]
    names = [name for name in options.types if name in COLLECTIONS] if options.elements else options.types
    for type_name, elements in [(name, size) for name in names for size in sizes]:
        new = [measure(server, type_name, options.keys, elements) for server in servers]
        figures += new
        for line in lines(new):
            print(line, file=out, flush=True)
    if options.json:
        json.dump([asdict(figure) for figure in figures], sys.stdout, indent=1)
        print()


if __name__ == "__main__":
    main()
