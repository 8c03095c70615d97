"""Does each command take the time that its row documents? Collections double; the growth of the time is shown.

    python -m benchmarks.complexity [--from 4096] [--to 262144] [--only ZRANK ...]

In this process, without a socket: a collection of N elements is built, the command runs a few hundred times on random
elements, and the best of several rounds counts. ``growth`` is how much longer the command takes on the largest
collection than on the smallest. Memory is slower the more of it is touched, so a constant-time command may take up to
``CONSTANT_MAX`` times as long; logarithmic ones may besides grow as the logarithm does. Exit code 1 when one grows more.
"""

import argparse
import math
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetwin_engine.core import BUILD
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.engine import Engine
from cachetwin_engine.core.execution.session import Session
from cachetwin_engine.core.registry.command_table import ROWS

CALLS = 200  # of the command, in one round: all rounds together take less than the smallest collection holds
ROUNDS = 5
CONSTANT_MAX = (
    8.0  # a look-up of 0.16 us in cached memory takes 5.8 times as long in 2**18 elements; linear would be 64
)
CHUNK = 5_000  # elements in one command that builds a collection

Words = list[bytes]
Pick = Callable[[int], Words]


@dataclass(frozen=True, slots=True)
class Case:
    """A command on a collection: how it is built, what is measured, how its time may grow (``1`` or ``log N``)."""

    name: str
    build: str
    call: Pick
    grows: str = "1"


def member(number: int) -> bytes:
    """A member, field or element; the same for the same number."""
    return b"m%09d" % number


def any_of(count: int) -> int:
    """A number below ``count``."""
    return random.randrange(count)  # noqa: S311  (which element is asked for is no secret)


def on_member(*words: bytes) -> Pick:
    """The words, and a random member at the end."""
    return lambda size: [*words, member(any_of(size))]


def fixed(*words: bytes) -> Pick:
    """Always the same words."""
    return lambda size: list(words)


CASES = [
    Case("GET", "keys", lambda size: [b"GET", member(any_of(size))]),
    Case("SET", "keys", lambda size: [b"SET", member(any_of(size)), b"new"]),
    Case("EXPIRE", "keys", lambda size: [b"EXPIRE", member(any_of(size)), b"1000"]),
    Case("RANDOMKEY", "keys", fixed(b"RANDOMKEY")),
    Case("SCAN", "keys", lambda size: [b"SCAN", b"%d" % any_of(2**32)]),
    Case("DBSIZE", "keys", fixed(b"DBSIZE")),
    Case("GETRANGE", "string", lambda size: [b"GETRANGE", b"k", b"%d" % (at := any_of(size)), b"%d" % (at + 9)]),
    Case("SETRANGE", "string", lambda size: [b"SETRANGE", b"k", b"%d" % any_of(size - 4), b"abcd"]),
    Case("GETBIT", "string", lambda size: [b"GETBIT", b"k", b"%d" % any_of(size)]),
    Case("SETBIT", "string", lambda size: [b"SETBIT", b"k", b"%d" % any_of(size), b"1"]),
    Case("APPEND", "string", fixed(b"APPEND", b"k", b"abcd")),
    Case("STRLEN", "string", fixed(b"STRLEN", b"k")),
    Case("HGET", "hash", on_member(b"HGET", b"k")),
    Case("HSET", "hash", lambda size: [b"HSET", b"k", member(any_of(size)), b"new"]),
    Case("HINCRBY", "hash", lambda size: [b"HINCRBY", b"k", b"counter", b"1"]),
    Case("HLEN", "hash", fixed(b"HLEN", b"k")),
    Case("HRANDFIELD", "hash", fixed(b"HRANDFIELD", b"k")),
    Case("HSCAN", "hash", lambda size: [b"HSCAN", b"k", b"%d" % any_of(2**32)]),
    Case("SISMEMBER", "set", on_member(b"SISMEMBER", b"k")),
    Case("SADD", "set", on_member(b"SADD", b"k")),
    Case("SPOP", "set", fixed(b"SPOP", b"k")),
    Case("SRANDMEMBER", "set", fixed(b"SRANDMEMBER", b"k")),
    Case("SCARD", "set", fixed(b"SCARD", b"k")),
    Case("SSCAN", "set", lambda size: [b"SSCAN", b"k", b"%d" % any_of(2**32)]),
    Case("LINDEX 0", "list", fixed(b"LINDEX", b"k", b"0")),
    Case("LINDEX -1", "list", fixed(b"LINDEX", b"k", b"-1")),
    Case("LRANGE 0 9", "list", fixed(b"LRANGE", b"k", b"0", b"9")),
    Case("LRANGE -10 -1", "list", fixed(b"LRANGE", b"k", b"-10", b"-1")),
    Case("LPUSH", "list", fixed(b"LPUSH", b"k", b"new")),
    Case("RPOP", "list", fixed(b"RPOP", b"k")),
    Case("LLEN", "list", fixed(b"LLEN", b"k")),
    Case("ZSCORE", "zset", on_member(b"ZSCORE", b"k")),
    Case("ZCARD", "zset", fixed(b"ZCARD", b"k")),
    Case("ZRANK", "zset", on_member(b"ZRANK", b"k"), "log N"),
    Case("ZREVRANK", "zset", on_member(b"ZREVRANK", b"k"), "log N"),
    Case("ZADD", "zset", lambda size: [b"ZADD", b"k", b"%d" % any_of(size), member(any_of(size))], "log N"),
    Case("ZINCRBY", "zset", lambda size: [b"ZINCRBY", b"k", b"3", member(any_of(size))], "log N"),
    Case("ZCOUNT", "zset", lambda size: [b"ZCOUNT", b"k", b"%d" % (size // 4), b"%d" % any_of(size)], "log N"),
    Case("ZLEXCOUNT", "zset", lambda size: [b"ZLEXCOUNT", b"same", b"[" + member(any_of(size)), b"+"], "log N"),
    Case("ZRANGE by rank", "zset",
         lambda size: [b"ZRANGE", b"k", b"%d" % (at := any_of(size - 10)), b"%d" % (at + 9)], "log N"),
    Case("ZRANGE BYSCORE", "zset",
         lambda size: [b"ZRANGE", b"k", b"%d" % any_of(size), b"+inf", b"BYSCORE", b"LIMIT", b"0", b"10"], "log N"),
    Case("ZPOPMIN", "zset", fixed(b"ZPOPMIN", b"k"), "log N"),
    Case("ZREM", "zset", on_member(b"ZREM", b"k"), "log N"),
    Case("ZRANDMEMBER", "zset", fixed(b"ZRANDMEMBER", b"k"), "log N"),
    Case("XADD", "stream", fixed(b"XADD", b"k", b"*", b"field", b"value")),
    Case("XADD MAXLEN ~", "stream", fixed(b"XADD", b"k", b"MAXLEN", b"~", b"100000000", b"*", b"field", b"value")),
    Case("XRANGE - +", "stream", fixed(b"XRANGE", b"k", b"-", b"+", b"COUNT", b"10")),
    Case("XREVRANGE + -", "stream", fixed(b"XREVRANGE", b"k", b"+", b"-", b"COUNT", b"10")),
    Case("XRANGE id", "stream",
         lambda size: [b"XRANGE", b"k", b"%d" % (1 + any_of(size - 1)), b"+", b"COUNT", b"10"], "log N"),
    Case("XREAD $", "stream", fixed(b"XREAD", b"COUNT", b"10", b"STREAMS", b"k", b"$")),
    Case("XLEN", "stream", fixed(b"XLEN", b"k")),
    Case("GEOPOS", "geo", on_member(b"GEOPOS", b"k")),
    Case("GEOSEARCH", "geo",
         lambda size: [
             b"GEOSEARCH", b"k", b"FROMLONLAT", b"%d" % (any_of(340) - 170), b"%d" % (any_of(160) - 80),
             b"BYRADIUS", b"1", b"m",
         ], "log N"),
]  # fmt: skip


BUILDERS: dict[str, tuple[Words, Callable[[int, int], Words]]] = {
    "keys": ([b"MSET"], lambda number, size: [member(number), b"value"]),
    "hash": ([b"HSET", b"k"], lambda number, size: [member(number), b"value"]),
    "set": ([b"SADD", b"k"], lambda number, size: [member(number)]),
    "list": ([b"RPUSH", b"k"], lambda number, size: [member(number)]),
    "zset": ([b"ZADD", b"k"], lambda number, size: [b"%d" % number, member(number)]),
    "geo": (
        [b"GEOADD", b"k"],
        lambda number, size: [
            b"%.6f" % (number * 340 / size - 170), b"%.6f" % (number * 7919 % 160 - 80), member(number)
        ],
    ),
}  # fmt: skip


def built(kind: str, size: int) -> Session:
    """A client of an engine with a collection of ``size`` elements under ``k``."""
    engine = Engine(PROFILES["valkey-8.1"], time.time_ns, 1)
    client = engine.open_session("127.0.0.1:1", "127.0.0.1:2")
    numbers = list(range(size))
    random.shuffle(numbers)
    if kind == "string":
        feed(client, [b"SET", b"k", b"x" * size])
        return client
    if kind == "stream":
        client.feed(b"".join(encoded([b"XADD", b"k", b"%d-1" % number, b"f", b"v"]) for number in range(1, size + 1)))
        return client
    head, element = BUILDERS[kind]
    for at in range(0, size, CHUNK):
        feed(client, head + [word for number in numbers[at : at + CHUNK] for word in element(number, size)])
        if kind == "zset":
            feed(client, [b"ZADD", b"same"] + [word for n in numbers[at : at + CHUNK] for word in (b"0", member(n))])
    return client


def encoded(words: Words) -> bytes:
    """One request."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def feed(client: Session, words: Words) -> None:
    """Run one command; an error ends the benchmark."""
    reply = client.feed(encoded(words))
    if reply.startswith(b"-"):
        raise SystemExit(f"{words[:4]} answered {reply!r}")


def microseconds(client: Session, case: Case, size: int) -> float:
    """Time of one call, the best of the rounds."""
    best = math.inf
    for _ in range(ROUNDS):
        requests = b"".join(encoded(case.call(size)) for _ in range(CALLS))
        before = time.process_time_ns()
        reply = client.feed(requests)
        best = min(best, (time.process_time_ns() - before) / CALLS / 1000)
        if reply.startswith(b"-"):
            raise SystemExit(f"{case.name} answered {reply[:100]!r}")
    return best


def allowed(case: Case, smallest: int, largest: int) -> float:
    """How much longer the command may take on the largest collection than on the smallest."""
    return CONSTANT_MAX * (math.log(largest) / math.log(smallest) if case.grows == "log N" else 1)


def main() -> None:
    """Measure and print; exit 1 if a command grows faster than it may."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--from", dest="smallest", type=int, default=2**12, help="smallest collection (%(default)s)")
    parser.add_argument("--to", dest="largest", type=int, default=2**18, help="largest collection (%(default)s)")
    parser.add_argument("--only", nargs="*", help="only these cases, such as ZRANK 'LINDEX 0'")
    options = parser.parse_args()
    if options.smallest < 2 * CALLS * ROUNDS:
        parser.error(f"--from must be at least {2 * CALLS * ROUNDS}, got {options.smallest}")
    random.seed(1)
    sizes = [options.smallest]
    while sizes[-1] * 2 <= options.largest:
        sizes.append(sizes[-1] * 2)
    print(f"core: {BUILD}; microseconds a call, best of {ROUNDS} rounds of {CALLS}, for N of")
    print(f"{'':<16}" + "".join(f"{size:>9}" for size in sizes) + f"{'growth':>9} {'may':>5}  documented")
    cases = [case for case in CASES if not options.only or case.name in options.only]
    times: dict[str, list[float]] = {case.name: [] for case in cases}
    for kind in dict.fromkeys(case.build for case in cases):
        for size in sizes:
            client = built(kind, size)
            for case in cases:
                if case.build == kind:
                    times[case.name].append(microseconds(client, case, size))
    bad = 0
    for case in cases:
        row = times[case.name]
        growth, limit = row[-1] / row[0], allowed(case, sizes[0], sizes[-1])
        bad += growth > limit
        documented = ROWS[case.name.split()[0].lower().encode()].complexity
        print(
            f"{case.name:<16}" + "".join(f"{value:>9.2f}" for value in row)
            + f"{growth:>9.2f} {limit:>5.1f}{'!' if growth > limit else ' '} {documented[:60]}"
        )  # fmt: skip
    print(f"{len(cases)} commands, {bad} grow faster than they may")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
