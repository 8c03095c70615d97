"""Random arguments for every command: whatever comes, the engine answers one value and stays consistent.

    python -m tests.engine.fuzz.arguments --seconds 300 --seed 1 --profile valkey-8.1

Runs until the time is over or something falls, and prints the seed and the last requests then. The tests run a short
form of the same.
"""

import argparse
import resource
import time
from dataclasses import dataclass, field

from tests.engine.fuzz.replies import elements, text_of, values_in
from tests.engine.fuzz.requests import Requests

from cachetwin_engine.core.acl.rules import rows_of
from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.engine import Engine
from cachetwin_engine.core.execution.session import Session
from cachetwin_engine.core.registry.command_table import Command
from cachetwin_engine.core.state.host import Host

BULK_BYTES_MAX = 2**20  # proto-max-bulk-len: no string grows beyond
SECONDS_MAX = 5.0  # of CPU for one command, interpreted; all need far less
COUNT_MAX = 100_000  # how many random picks a request may ask for: Valkey would send all that are asked for, too
REMEMBERED = 40
ALONE = {  # these end, stop or change the engine for all: each gets an engine of its own
    b"shutdown", b"debug", b"config|set", b"config|rewrite", b"acl|setuser", b"acl|deluser", b"acl|load", b"acl|save",
    b"client|pause", b"client|kill", b"client|reply", b"client|no-evict", b"monitor", b"quit", b"failover",
    b"module|load",
    b"module|loadex", b"auth", b"hello", b"reset", b"client|tracking", b"select", b"swapdb", b"move",
    b"replicaof", b"slaveof", b"psync", b"sync", b"replconf", b"migrate",
}  # fmt: skip
MANY_REPLIES = {
    b"subscribe", b"unsubscribe", b"psubscribe", b"punsubscribe", b"ssubscribe", b"sunsubscribe", b"client|reply",
    b"monitor",
    b"quit", b"client|kill", b"shutdown",
}  # fmt: skip
UNTRIED = {b"pfselftest"}  # takes no arguments and, interpreted, half a minute
STREAMS = {b"sync", b"psync", b"replconf"}  # what follows is for a replica and no RESP
PICKS = {b"srandmember", b"hrandfield", b"zrandmember"}
SIZES = {b"list": b"LLEN", b"hash": b"HLEN", b"set": b"SCARD", b"zset": b"ZCARD"}
SEEDS = [
    [b"SET", b"a", b"10"], [b"RPUSH", b"b", b"x", b"y", b"z"], [b"HSET", b"c", b"field", b"1", b"x", b"y"],
    [b"SADD", b"d", b"1", b"2", b"x"], [b"ZADD", b"{t}e", b"1", b"x", b"2.5", b"y", b"-1", b"z"],
    [b"XADD", b"{t}f", b"1-1", b"f", b"v"], [b"XGROUP", b"CREATE", b"{t}f", b"grp", b"0"], [b"PFADD", b"g", b"a",
    b"b"],
    [b"GEOADD", b"", b"13.36", b"38.11", b"x", b"15.08", b"37.5", b"y"],
    [b"FUNCTION", b"LOAD", b"REPLACE", b"#!lua name=lib\nredis.register_function('f', function(k, a) return a end)"],
]  # fmt: skip
KEYS_OF_SEEDS = 9  # what comes behind is no key


class FuzzHost(Host):
    """A process that has secrets to give."""

    def secret_bits(self, count: int) -> int:
        """Always the same ones."""
        return (1 << count) // 3


class FuzzError(AssertionError):
    """Something that must not happen did."""


@dataclass
class Fuzz:
    """One engine under fire."""

    seed: int
    profile: str
    requests: Requests = field(init=False)
    engine: Engine = field(init=False)
    client: Session = field(init=False)
    admin: Session = field(init=False)
    now_us: int = 1_700_000_000_000_000
    last: list[list[bytes]] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.requests = Requests(self.seed)
        self.random = self.requests.random
        self.start()

    def start(self) -> None:
        """A fresh engine with a value of each type."""
        config = Config(PROFILES[self.profile])
        config.set_at_start("proto-max-bulk-len", str(BULK_BYTES_MAX))
        self.engine = Engine(PROFILES[self.profile], lambda: self.now_us * 1000, self.seed, config)
        self.engine.host = FuzzHost()
        self.rows = [row for row in rows_of(self.engine.commands) if row.name not in UNTRIED]
        self.connect()
        self.admin = self.engine.open_session("127.0.0.1:2", "127.0.0.1:6379")
        self.plant()

    def connect(self) -> None:
        """A fresh client, of RESP2 or RESP3."""
        self.client = self.engine.open_session("127.0.0.1:1", "127.0.0.1:6379")
        self.resp3 = self.random.random() < 0.5
        self.client.context.use_protocol(3 if self.resp3 else 2)

    def plant(self) -> None:
        """A value of each type."""
        for words in SEEDS:
            self.admin.feed(encoded(words))

    def step(self) -> None:
        """One request, and all that must hold behind it."""
        row = self.random.choice(self.rows)
        if row.subcommands is not None:
            return
        words = tamed(row, self.requests.request(row))
        alone = row.name in ALONE
        self.send(row, words)
        if alone:
            self.start()
            return
        if self.count % 5 == 0:
            self.check_keyspace()
        if self.random.random() < 0.02:
            self.plant()
        if self.random.random() < 0.005:
            self.engine.flush_swap.flush(self.engine.databases)

    def send(self, row: Command, words: list[bytes]) -> None:
        """Send the request; its reply is exactly one value, and comes in time."""
        self.last = [*self.last[-REMEMBERED:], words]
        if row.name in MANY_REPLIES and self.client.transaction is not None:
            return  # EXEC would then answer with more or less than its array
        self.count += 1
        before = time.process_time()
        reply = self.client.feed(encoded(words))
        seconds = time.process_time() - before
        if seconds > SECONDS_MAX:
            raise FuzzError(f"{row.name!r} took {seconds:.1f} s")
        if self.client.is_blocked():
            reply += self.end_wait()
        self.now_us += self.random.choice((1, 1000, 100_000))
        self.engine.tick()
        self.engine.clients.take_pending()
        self.check_reply(row, reply)
        if self.client.closing or (self.client.client_flags and self.random.random() < 0.2):
            self.engine.close_session(self.client)
            self.connect()

    def end_wait(self) -> bytes:
        """Time passes until a blocked client is free; for one that waits for ever, somebody ends the wait."""
        self.now_us += 3_000_000
        self.engine.tick()
        if self.client.is_blocked():
            self.admin.feed(b"CLIENT UNPAUSE\r\n")
            self.admin.feed(b"CLIENT UNBLOCK %d\r\n" % self.client.id)
        self.engine.clients.take_pending()
        if self.client.is_blocked():
            raise FuzzError("still blocked although the wait was ended")
        return self.client.take_output()

    def check_reply(self, row: Command, reply: bytes) -> None:
        """One value of the client's protocol, or several where that is the command's way."""
        if len(reply) > 64 * BULK_BYTES_MAX:
            raise FuzzError(f"{row.name!r} answered {len(reply)} bytes")
        if row.name in STREAMS:
            return
        resp3 = self.client.context.resp3
        protocol = resp3 if resp3 == self.resp3 else True
        try:
            values = values_in(reply, resp3=protocol)
        except ValueError as problem:
            raise FuzzError(f"{row.name!r} answered no RESP: {problem}") from problem
        values = [value for value in values if not (resp3 and value.startswith(b">"))]
        if row.name not in MANY_REPLIES and len(values) != 1:
            raise FuzzError(f"{row.name!r} answered {len(values)} values: {reply[:200]!r}")

    def check_keyspace(self) -> None:
        """DBSIZE is what a walk finds, nothing is empty, sizes make sense."""
        for db in self.engine.databases:
            if not len(db):
                continue
            self.admin.context.db = db
            walked = self.walk()
            count = int(self.ask(b"DBSIZE")[1:-2])  # behind the walk, which met what was over
            if len(walked) != len(set(walked)) or len(walked) != count:
                raise FuzzError(f"a walk finds {sorted(walked)}, DBSIZE {count} keys")
            for key in walked:
                self.check_key(key)
        if self.engine.used_memory() < 0:
            raise FuzzError("used_memory is negative")

    def walk(self) -> list[bytes]:
        """The keys of the admin's database by SCAN."""
        walked: list[bytes] = []
        cursor = b"0"
        while True:
            place, keys = elements(self.ask(b"SCAN", cursor))
            cursor = text_of(place)
            walked += [text_of(key) for key in elements(keys)]
            if cursor == b"0":
                return walked

    def check_key(self, key: bytes) -> None:
        """A key's value is not empty, can be measured, dumped and restored."""
        kind = self.ask(b"TYPE", key)[1:-2]
        if kind == b"none":
            return  # it has just ended
        size = SIZES.get(kind)
        if size is not None and int(self.ask(size, key)[1:-2]) <= 0:
            raise FuzzError(f"an empty {kind!r} under {key!r}")
        if int(self.ask(b"MEMORY", b"USAGE", key)[1:-2]) <= 0:
            raise FuzzError(f"{key!r} takes no memory")
        if self.ask(b"OBJECT", b"ENCODING", key)[:1] != b"$":
            raise FuzzError(f"{key!r} has no encoding")
        if self.random.random() < 0.05:
            self.check_dump(key)

    def check_dump(self, key: bytes) -> None:
        """What DUMP gives, RESTORE takes: the same kind of value, and as much of it."""
        reply = self.ask(b"DUMP", key)
        payload = reply[reply.index(b"\r\n") + 2 : -2]
        restored = self.ask(b"RESTORE", b"restored", b"0", payload, b"REPLACE")
        kind = self.ask(b"TYPE", key)
        size = {**SIZES, b"string": b"STRLEN", b"stream": b"XLEN"}[kind[1:-2]]
        same = self.ask(b"TYPE", b"restored") == kind and self.ask(size, b"restored") == self.ask(size, key)
        self.ask(b"DEL", b"restored")
        if not same:
            raise FuzzError(f"{key!r} was dumped as {payload[:200]!r} and restored with {restored!r}")
        self.requests.dumps = [*self.requests.dumps[-50:], payload]

    def ask(self, *words: bytes) -> bytes:
        """A reply for the one who checks."""
        return self.admin.feed(encoded(list(words)))

    def story(self) -> str:
        """How to see it again: the seed and the last requests."""
        lines = [f"seed {self.seed}, profile {self.profile}, request {self.count}; the last ones:"]
        return "\n".join([*lines, *(repr([word[:100] for word in words]) for words in self.last)])


def encoded(words: list[bytes]) -> bytes:
    """A request as an array of bulk strings."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def tamed(row: Command, words: list[bytes]) -> list[bytes]:
    """The request without what would rightly take for ever: a great many picks, a long pause of the whole process."""
    if row.name in PICKS:
        return [
            b"-7" if word.startswith(b"-") and word[1:].isdigit() and int(word) < -COUNT_MAX else word for word in words
        ]
    if row.name == b"debug":
        return [b"DEBUG", b"JMAP"]
    return words


def run(seed: int, profile: str, seconds: float, requests_max: int) -> int:
    """Fire until the time or the number of requests is reached; how many there were. Raises FuzzError."""
    fuzz = Fuzz(seed, profile)
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline and fuzz.count < requests_max:
            fuzz.step()
    except Exception as problem:
        raise FuzzError(f"{problem!r}\n{fuzz.story()}") from problem
    return fuzz.count


def main() -> None:
    """The long form."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", default="valkey-8.1", choices=sorted(PROFILES))
    parser.add_argument("--memory-mb", type=int, default=2048, help="more than that ends the run (%(default)s)")
    options = parser.parse_args()
    limit = options.memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    started = time.monotonic()
    count = 0
    seed = options.seed
    while (left := options.seconds - (time.monotonic() - started)) > 0:
        count += run(seed, options.profile, left, 20_000)
        seed += 1
    outcome = f"{count} requests, seeds {options.seed} to {seed - 1}, profile {options.profile}: nothing fell"
    print(outcome)  # noqa: T201  (what the long form is run for)


if __name__ == "__main__":
    main()
