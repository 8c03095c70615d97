"""The same random requests to this engine and to a real server: every reply that differs is shown once.

    python -m tests.engine.fuzz.differential 127.0.0.1:6379 --profile valkey-8.1 --seconds 120

The server is emptied: give it one that holds nothing. Only commands that depend on nothing but the keyspace are sent;
what has no order is compared without one, and what is drawn at random or tells the time not at all.
"""

import argparse
import socket
import time
from dataclasses import dataclass, field

from tests.engine.fuzz.arguments import KEYS_OF_SEEDS, SEEDS, encoded, tamed
from tests.engine.fuzz.replies import elements, end_of_value
from tests.engine.fuzz.requests import Requests

from cachetwin_engine.core.acl.rules import rows_of
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.engine import Engine
from cachetwin_engine.core.execution.session import Session
from cachetwin_engine.core.registry.command_table import BLOCKING, Command

GROUPS = {"string", "bitmap", "hash", "list", "set", "sorted-set", "hyperloglog", "geo", "stream", "generic"}
UNTOLD = {  # drawn at random, or about memory, time, or this very server
    b"spop", b"srandmember", b"hrandfield", b"zrandmember", b"randomkey", b"scan", b"hscan", b"sscan", b"zscan",
    b"wait",
    b"waitaof", b"migrate", b"object|idletime", b"object|encoding", b"object|refcount", b"object|freq",
    b"object|help", b"pfselftest", b"pfdebug", b"dump", b"restore",
    b"xgroup|help", b"xinfo|help", b"xinfo|consumers", b"xpending", b"xclaim", b"xautoclaim", b"xinfo|stream",
    b"ttl", b"pttl",
    b"expiretime", b"pexpiretime", b"httl", b"hpttl", b"hexpiretime", b"hpexpiretime", b"keys", b"sort", b"sort_ro",
}  # fmt: skip
ALSO = {
    b"eval", b"eval_ro", b"evalsha", b"evalsha_ro", b"fcall", b"fcall_ro", b"script|exists", b"echo", b"ping",
    b"acl|cat",
    b"watch", b"unwatch", b"client|getname",
    b"client|no-evict", b"client|no-touch", b"client|unblock", b"client|trackinginfo", b"client|getredir",
    b"client|caching",
    b"pubsub|channels", b"pubsub|numsub", b"pubsub|shardnumsub", b"publish", b"spublish",
    b"latency|reset", b"module|list", b"cluster|keyslot", b"readonly", b"function|delete", b"function|list",
    b"function|kill", b"script|kill", b"asking",
}  # fmt: skip
LENIENT = {b"pfmerge", b"sinterstore"}  # COMMAND GETKEYS of these differs by version in what it makes of a missing key
UNORDERED = {b"acl|cat", b"smembers", b"sinter", b"sunion", b"sdiff", b"hgetall", b"hkeys", b"hvals"}
ENDING = {  # these bring a time or an ID made of it, which may differ by a little: nothing is asked behind them
    b"expire", b"pexpire", b"expireat", b"pexpireat", b"setex", b"psetex", b"getex", b"set", b"hexpire",
    b"hpexpire", b"hexpireat",
    b"hpexpireat", b"hsetex", b"hgetex", b"msetex", b"xadd",
}  # fmt: skip
GENERATED_IDS = {b"xadd"}


@dataclass
class Difference:
    """Two replies to one request."""

    words: list[bytes]
    ours: bytes
    theirs: bytes

    def kind(self) -> tuple[bytes, bytes, bytes]:
        """Differences of one kind are shown once."""
        return (self.words[0], self.ours[:24], self.theirs[:24])


@dataclass
class Pair:
    """An engine in this process and a server on the network, both with the same keys."""

    server: socket.socket
    profile: str
    seed: int
    resp3: bool = False
    engine: Engine = field(init=False)
    client: Session = field(init=False)

    def __post_init__(self) -> None:
        self.engine = Engine(PROFILES[self.profile], time.time_ns, self.seed)
        self.client = self.engine.open_session("127.0.0.1:1", "127.0.0.1:2")
        self.buffer = b""
        if self.resp3:
            self.client.context.use_protocol(3)
            self.server.sendall(b"HELLO 3\r\n")
            self.their_reply()

    def reset(self) -> None:
        """Both empty but for a value of each type."""
        for words in [[b"FLUSHALL"], *SEEDS[:KEYS_OF_SEEDS]]:
            self.both(words)

    def both(self, words: list[bytes]) -> tuple[bytes, bytes]:
        """The replies of both."""
        request = encoded(words)
        self.server.sendall(request)
        ours = self.client.feed(request)
        return ours, self.their_reply()

    def their_reply(self) -> bytes:
        """One value from the server."""
        while True:
            try:
                end = end_of_value(self.buffer, 0, resp3=self.resp3)
            except (ValueError, IndexError):
                end = len(self.buffer) + 1
            if end <= len(self.buffer):
                reply, self.buffer = self.buffer[:end], self.buffer[end:]
                return reply
            more = self.server.recv(1 << 20)
            if not more:
                raise ConnectionError("the server hung up")
            self.buffer += more


def same(row: Command, ours: bytes, theirs: bytes) -> bool:
    """Are the replies the same, as far as they can be?"""
    if ours == theirs:
        return True
    if row.name in UNORDERED and ours[:1] == theirs[:1] and ours[:1] in b"*~%":
        return sorted(elements(ours)) == sorted(elements(theirs))
    return row.name in GENERATED_IDS and ours[:1] == theirs[:1] == b"$" and len(ours) == len(theirs)


def both_quote(words: list[bytes], ours: bytes, theirs: bytes) -> bool:
    """Two errors about a word with a zero byte: Valkey quotes it up to that byte, we quote all of it."""
    return ours[:1] == theirs[:1] == b"-" and any(b"\0" in word for word in words)


def compare(pair: Pair, seed: int, seconds: float, requests_max: int) -> tuple[int, list[Difference]]:
    """Send requests until the time or their number is reached: how many there were; what differed, each kind once."""
    requests = Requests(seed)
    rows = [
        row for row in rows_of(pair.engine.commands)
        if (row.group in GROUPS or row.name in ALSO) and row.name not in UNTOLD
        and not row.flags & BLOCKING and row.subcommands is None
    ]  # fmt: skip
    found: dict[tuple[bytes, bytes, bytes], Difference] = {}
    pair.reset()
    deadline = time.monotonic() + seconds
    count = 0
    while time.monotonic() < deadline and count < requests_max:
        row = requests.random.choice(rows)
        words = tamed(row, requests.request(row))
        if requests.random.random() < 0.05 and all(spec.numkeys < 0 for spec in row.keys) and row.name not in LENIENT:
            words = [b"COMMAND", requests.random.choice((b"GETKEYS", b"GETKEYSANDFLAGS")), *words]
        count += 1
        ours, theirs = pair.both(words)
        if not same(row, ours, theirs) and not both_quote(words, ours, theirs):
            difference = Difference(words, ours, theirs)
            found.setdefault(difference.kind(), difference)
            pair.reset()
        elif row.name in ENDING or requests.random.random() < 0.01:
            pair.reset()
    return count, list(found.values())


def connected(address: str) -> socket.socket:
    """A connection to ``host:port``."""
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=30)


def wait_for(address: str, seconds: float = 20) -> None:
    """Return when a server answers there. Raises OSError when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with connected(address) as server:
                server.sendall(b"PING\r\n")
                if server.recv(64) == b"+PONG\r\n":
                    return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def main() -> None:
    """Compare by hand."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("server", help="HOST:PORT; its keys are deleted")
    parser.add_argument("--profile", default="valkey-8.1", choices=sorted(PROFILES))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resp3", action="store_true", help="speak RESP3 to both")
    options = parser.parse_args()
    with connected(options.server) as server:
        pair = Pair(server, options.profile, options.seed, options.resp3)
        count, found = compare(pair, options.seed, options.seconds, 10**9)
    lines = [f"{count} requests, {len(found)} kinds of differences"]
    for difference in sorted(found, key=lambda one: one.words[0]):
        lines.append(b" ".join(word[:60] for word in difference.words).decode("latin-1").__repr__())
        lines += [f"    ours   {difference.ours[:200]!r}", f"    theirs {difference.theirs[:200]!r}"]
    print("\n".join(lines))  # noqa: T201  (what it is run for)


if __name__ == "__main__":
    main()
