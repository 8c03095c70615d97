"""Processor time of a command inside the core: ``Session.feed`` in this process, without sockets and event loop.

    python -m benchmarks.session_feed            in the environment whose engine is to be measured

Prints nanoseconds a command, alone and in pipelines of 16, the best of seven rounds. It is less noisy than a run with
clients (``compare_servers``), and shows what a change of the core costs before the rest of the server hides it: a whole
command takes about 7,000 ns without a pipeline and 1,000 in one of 16.
"""

import time

from cachetwin_engine.core import BUILD
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.engine import Engine
from cachetwin_engine.core.execution.session import Session

CALLS = 60_000
ROUNDS = 7
COMMANDS: dict[str, list[bytes]] = {
    "set": [b"SET", b"key:000000000001", b"x" * 16],
    "get": [b"GET", b"key:000000000001"],
    "incr": [b"INCR", b"counter"],
    "lpush": [b"LPUSH", b"list", b"x" * 16],
    "hset": [b"HSET", b"hash", b"field", b"x" * 16],
    "sadd": [b"SADD", b"set", b"member"],
    "zadd": [b"ZADD", b"sorted set", b"1", b"member"],
    "eval": [b"EVAL", b"return 1", b"0"],
}


def encoded(words: list[bytes]) -> bytes:
    """A request as clients send it."""
    return b"*%d\r\n" % len(words) + b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words])


def nanoseconds(session: Session, request: bytes, depth: int) -> float:
    """Of processor time for one command of a pipeline of ``depth``, the best of ``ROUNDS``."""
    pipeline = request * depth
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time_ns()
        for _ in range(CALLS // depth):
            session.feed(pipeline)
        best = min(best, (time.process_time_ns() - started) / (CALLS // depth * depth))
    return best


def main() -> None:
    """Measure and print."""
    session = Engine(PROFILES["valkey-8.1"], time.time_ns, 1).open_session("127.0.0.1:1", "127.0.0.1:2")
    print(f"{BUILD} core, ns a command")
    for name, words in COMMANDS.items():
        alone, piped = (nanoseconds(session, encoded(words), depth) for depth in (1, 16))
        print(f"{name:6} {alone:6.0f} {piped:6.0f} in a pipeline of 16")


if __name__ == "__main__":
    main()
