"""How long does each long call let other clients wait? Beside real servers, at a million elements and 200 MB.

    python -m benchmarks.stalls --valkey "COMMAND OF A VALKEY"
    python -m benchmarks.stalls --engine-path build/compiled/lib --redis "" --only "HGETALL" --elements 100000

A case builds a value in an empty server and sends one call, while another client sends PING after PING. ``stall`` is the
longest wait of that client. ``CPU`` is the processor time of the server's main thread until it has answered the call and
everything after it has calmed down: what it would be at most on a machine with nothing else to do. Of some rounds the
least counts. A ratio above 3 is marked.
"""

import argparse
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.compare_servers import Server, add_servers, contenders
from benchmarks.full_sync import Probe
from benchmarks.memory_per_key import Connection, encoded

RATIO_MAX = 3.0
CALM_SECONDS = 0.2
CALM_SECONDS_MAX = 20.0
REPLY_SECONDS_MAX = 300.0
CLIENTS = 2000
CHUNK = 1000  # elements in one command that builds a collection

Words = list[bytes]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much a case builds."""

    elements: int
    string_bytes: int


@dataclass(frozen=True, slots=True)
class Case:
    """A call on a value that is called ``k``."""

    name: str
    build: str
    request: bytes
    keeps: bool = True  # the value is the same afterwards


def call(name: str, build: str, *words: bytes, keeps: bool = True) -> Case:
    """One command; ``words`` besides the name of the case."""
    return Case(name, build, encoded(list(words) or name.encode().split()), keeps=keeps)


CASES = [
    call("SET", "string", b"SET", b"k", b"VALUE"),
    call("GET", "string", b"GET", b"k"),
    call("BITCOUNT", "string", b"BITCOUNT", b"k"),
    call("BITPOS", "string", b"BITPOS", b"k", b"0"),
    call("BITOP NOT", "string", b"BITOP", b"NOT", b"to", b"k"),
    call("BITOP AND", "string", b"BITOP", b"AND", b"to", b"k", b"k"),
    call("APPEND", "string", b"APPEND", b"k", b"x"),
    call("SETRANGE", "string", b"SETRANGE", b"k", b"5", b"x"),
    call("SETBIT", "string", b"SETBIT", b"k", b"5", b"1"),
    call("GETRANGE 0 -1", "string", b"GETRANGE", b"k", b"0", b"-1"),
    call("COPY string", "string", b"COPY", b"k", b"to", b"REPLACE"),
    call("DUMP string", "string", b"DUMP", b"k"),
    call("UNLINK string", "string", b"UNLINK", b"k", keeps=False),
    call("HGETALL", "hash", b"HGETALL", b"k"),
    call("HKEYS", "hash", b"HKEYS", b"k"),
    call("HVALS", "hash", b"HVALS", b"k"),
    call("DUMP hash", "hash", b"DUMP", b"k"),
    call("COPY hash", "hash", b"COPY", b"k", b"to", b"REPLACE"),
    call("HRANDFIELD 100000", "hash", b"HRANDFIELD", b"k", b"100000"),
    call("MEMORY USAGE", "hash", b"MEMORY", b"USAGE", b"k", b"SAMPLES", b"0"),
    call("UNLINK hash", "hash", b"UNLINK", b"k", keeps=False),
    call("DEL hash", "hash", b"DEL", b"k", keeps=False),
    call("SMEMBERS", "set", b"SMEMBERS", b"k"),
    call("SUNIONSTORE", "set", b"SUNIONSTORE", b"to", b"k", b"k"),
    call("SINTER", "set", b"SINTER", b"k", b"k"),
    call("SDIFF", "set", b"SDIFF", b"k", b"none"),
    call("SINTERCARD", "set", b"SINTERCARD", b"2", b"k", b"k"),
    call("SRANDMEMBER", "set", b"SRANDMEMBER", b"k", b"100000"),
    call("SORT ALPHA", "set", b"SORT", b"k", b"ALPHA", b"LIMIT", b"0", b"10"),
    call("DUMP set", "set", b"DUMP", b"k"),
    call("SPOP", "set", b"SPOP", b"k", b"500000", keeps=False),
    call("UNLINK set", "set", b"UNLINK", b"k", keeps=False),
    call("ZRANGE", "zset", b"ZRANGE", b"k", b"0", b"-1"),
    call("ZRANGE WITHSCORES", "zset", b"ZRANGE", b"k", b"0", b"-1", b"WITHSCORES"),
    call("ZUNIONSTORE", "zset", b"ZUNIONSTORE", b"to", b"1", b"k"),
    call("ZRANGESTORE", "zset", b"ZRANGESTORE", b"to", b"k", b"0", b"-1"),
    call("DUMP zset", "zset", b"DUMP", b"k"),
    call("ZREMRANGEBYRANK", "zset", b"ZREMRANGEBYRANK", b"k", b"10", b"-10", keeps=False),
    call("ZPOPMIN", "zset", b"ZPOPMIN", b"k", b"500000", keeps=False),
    call("UNLINK zset", "zset", b"UNLINK", b"k", keeps=False),
    call("LRANGE", "list", b"LRANGE", b"k", b"0", b"-1"),
    call("LPOS", "list", b"LPOS", b"k", b"none"),
    call("LINDEX", "list", b"LINDEX", b"k", b"500000"),
    call("LREM", "list", b"LREM", b"k", b"0", b"none"),
    call("LINSERT", "list", b"LINSERT", b"k", b"BEFORE", b"m000500000", b"new"),
    call("DUMP list", "list", b"DUMP", b"k"),
    call("LTRIM", "list", b"LTRIM", b"k", b"10", b"-10", keeps=False),
    call("UNLINK list", "list", b"UNLINK", b"k", keeps=False),
    call("XRANGE", "stream", b"XRANGE", b"k", b"-", b"+"),
    call("DUMP stream", "stream", b"DUMP", b"k"),
    call("XTRIM", "stream", b"XTRIM", b"k", b"MAXLEN", b"10", keeps=False),
    call("UNLINK stream", "stream", b"UNLINK", b"k", keeps=False),
    call("KEYS", "keys", b"KEYS", b"*"),
    call("KEYS none", "keys", b"KEYS", b"*x*y"),
    call("DEBUG RELOAD", "keys", b"DEBUG", b"RELOAD"),
    call("SWAPDB", "keys", b"SWAPDB", b"0", b"1", keeps=False),
    call("FLUSHALL ASYNC", "keys", b"FLUSHALL", b"ASYNC", keeps=False),
    call("FLUSHALL SYNC", "keys", b"FLUSHALL", b"SYNC", keeps=False),
    call("expiry", "expiring", b"PING"),
    Case("EXEC of 100000", "nothing", b"MULTI\r\n" + encoded([b"SET", b"k", b"v"]) * 100_000 + b"EXEC\r\n"),
    call("CLIENT KILL", "clients", b"CLIENT", b"KILL", b"USER", b"doomed"),
    call("CLIENT LIST", "clients", b"CLIENT", b"LIST"),
]


def member(number: int) -> bytes:
    """A member, field or element."""
    return b"m%09d" % number


BUILDERS: dict[str, tuple[Words, Callable[[int], Words]]] = {
    "hash": ([b"HSET", b"k"], lambda number: [member(number), b"value"]),
    "set": ([b"SADD", b"k"], lambda number: [member(number)]),
    "list": ([b"RPUSH", b"k"], lambda number: [member(number)]),
    "zset": ([b"ZADD", b"k"], lambda number: [b"%d" % number, member(number)]),
    "keys": ([b"MSET"], lambda number: [member(number), b"value"]),
}


def large_value(sizes: Sizes) -> bytes:
    """A value whose compression takes a while, and whose bits are all set."""
    return b"\xff" * sizes.string_bytes


def build(connection: Connection, kind: str, sizes: Sizes) -> None:
    """An empty server, then the value of a case."""
    connection.call(encoded([b"FLUSHALL", b"SYNC"]), 1)
    if kind == "string":
        connection.call(encoded([b"SET", b"k", large_value(sizes)]), 1)
    elif kind == "stream":
        for begin in range(1, sizes.elements + 1, CHUNK):
            entries = [encoded([b"XADD", b"k", b"%d-1" % (begin + at), b"f", b"v"]) for at in range(CHUNK)]
            connection.call(b"".join(entries), CHUNK)
    elif kind == "expiring":
        at_ms = int(time.time() * 1000) + 1000 * max(10, sizes.elements // 30_000)
        for begin in range(0, sizes.elements, CHUNK):
            commands = [encoded([b"SET", member(begin + at), b"v", b"PXAT", b"%d" % at_ms]) for at in range(CHUNK)]
            connection.call(b"".join(commands), CHUNK)
        time.sleep(max(0.0, at_ms / 1000 - time.time() - 0.05))
    elif kind in BUILDERS:
        head, element = BUILDERS[kind]
        for begin in range(0, sizes.elements, CHUNK):
            words = [word for number in range(begin, min(begin + CHUNK, sizes.elements)) for word in element(number)]
            connection.call(encoded(head + words), 1)


def main_thread_seconds(server: Server) -> float:
    """Processor time of the main thread."""
    pid = server.process.pid
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9


def calm_down(server: Server) -> None:
    """Wait until the main thread has nothing more to do."""
    deadline = time.monotonic() + CALM_SECONDS_MAX
    busy = True
    while busy and time.monotonic() < deadline:
        before = main_thread_seconds(server)
        time.sleep(CALM_SECONDS)
        busy = main_thread_seconds(server) - before > CALM_SECONDS / 4


class Reader:
    """Sends a request and reads everything that comes, until a mark."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=REPLY_SECONDS_MAX)
        self._buffer = bytearray(1 << 20)

    def run(self, request: bytes) -> None:
        """Send ``request`` and wait for the answer of an ECHO behind it, or for the end of the connection."""
        mark = os.urandom(16).hex().encode()
        end = b"$32\r\n" + mark + b"\r\n"
        threading.Thread(
            target=self._sock.sendall, args=(request + encoded([b"ECHO", mark]),), daemon=True
        ).start()  # a server may answer before it has read everything
        tail = b""
        is_first = True
        while not tail.endswith(end):
            count = self._sock.recv_into(self._buffer)
            if count == 0:
                return
            if is_first and self._buffer[0] == ord("-"):
                raise SystemExit(f"{request[:60]!r} was answered with {bytes(self._buffer[:80])!r}")
            is_first = False
            tail = (tail + bytes(self._buffer[max(0, count - len(end)) : count]))[-len(end) :]

    def close(self) -> None:
        """Hang up."""
        self._sock.close()


def measure(server: Server, case: Case, sizes: Sizes, rounds: int) -> tuple[float, float]:
    """Milliseconds of the longest stall and of the main thread, the least of some rounds."""
    connection = Connection(server.port)
    request = case.request.replace(b"$5\r\nVALUE", b"$%d\r\n%b" % (sizes.string_bytes, large_value(sizes)))
    stalls, times = [], []
    for turn in range(rounds):
        if turn == 0 or not case.keeps:
            build(connection, case.build, sizes)
            calm_down(server)
        with ExitStack() as stack:
            if case.build == "clients":
                connection.call(encoded([b"ACL", b"SETUSER", b"doomed", b"on", b"nopass", b"+@all"]), 1)
                for _ in range(CLIENTS):
                    doomed = Connection(server.port)
                    stack.callback(doomed.close)
                    doomed.call(encoded([b"AUTH", b"doomed", b"any"]), 1)
                calm_down(server)
            reader, probe = Reader(server.port), Probe(server.port)
            before = main_thread_seconds(server)
            reader.run(request)
            if case.name == "expiry":
                while connection.call(b"DBSIZE\r\n", 1)[0] != b":0\r\n":
                    time.sleep(0.05)
            calm_down(server)
            times.append(main_thread_seconds(server) - before)
            stalls.append(probe.end())
            reader.close()
    connection.call(encoded([b"FLUSHALL", b"SYNC"]), 1)
    connection.close()
    return 1000 * min(stalls), 1000 * min(times)


def lines(case: Case, figures: dict[str, tuple[float, float]]) -> Iterator[str]:
    """The row of a case."""
    (_, (stall, cpu)), *others = figures.items()
    row = f"{case.name:<20} {stall:>9.1f} {cpu:>9.1f}"
    for other_stall, other_cpu in (figure for _, figure in others):
        ratio = stall / max(other_stall, 1.0)
        row += f" {other_stall:>9.1f} {other_cpu:>9.1f} {ratio:>7.1f}{'!' if ratio > RATIO_MAX else ' '}"
    yield row


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_servers(parser)
    parser.add_argument("--elements", type=int, default=1_000_000)
    parser.add_argument("--string-bytes", type=int, default=200_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", nargs="*", help="only these cases, such as HGETALL 'DUMP hash'")
    options = parser.parse_args()
    sizes = Sizes(options.elements, options.string_bytes)
    candidates = contenders(options)
    for candidate in candidates:
        candidate.command += ["--enable-debug-command", "yes"]
    with ExitStack() as stack:
        servers = [stack.enter_context(candidate.running())[0] for candidate in candidates]
        for server in servers:
            connection = Connection(server.port)
            connection.call(encoded([b"CONFIG", b"SET", b"client-output-buffer-limit", b"normal 0 0 0"]), 1)
            connection.close()
        print(f"{'call':<20} " + " ".join(f"{server.name[:18]:>19}" for server in servers))
        print(f"{'':<20} " + " ".join(f"{'stall ms':>9} {'CPU ms':>9}" for _ in servers))
        bad = 0
        for case in CASES:
            if options.only and case.name not in options.only:
                continue
            figures = {server.name: measure(server, case, sizes, options.rounds) for server in servers}
            for line in lines(case, figures):
                bad += "!" in line
                print(line, flush=True)
    print(f"{bad} calls stall others for more than {RATIO_MAX:.0f} times as long")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
