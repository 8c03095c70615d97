"""The same requests to the engine, in this process, and to a real memcached; the replies must be the same bytes.

Debian's memcached is 1.6.18; what 1.6.22 has beyond it (the flag s of ms, N in append mode) is left out here. Expiry is
tried with times of two seconds, in real time.
"""

import contextlib
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from tests.processes import accepts, free_port, wait_until

from cachetwin_engine.memcached.engine import Memcached
from cachetwin_engine.memcached.session import Session
from cachetwin_engine.memcached.settings import Settings

pytestmark = pytest.mark.compat

END = b"MN\r\n"
KEYS = st.sampled_from(["a", "b", "counter", "k" * 250, "k" * 251, "AAEC", "zzzz"])
VALUES = st.one_of(  # none of blanks alone: to count them up, memcached reads on behind the item
    st.sampled_from(["", "0", "9", "18446744073709551615", "12 ", "x", " 5", "-1"]),
    st.text("ab01 ", max_size=40).filter(lambda text: text.strip() or not text),
)
NUMBERS = st.sampled_from(
    [
        "0",
        "1",
        "5",
        "-1",
        "100",
        "4294967295",
        "4294967296",
        "18446744073709551615",
        "18446744073709551616",
        "x",
        "1x",
        "",
    ]
)
TIMES = st.sampled_from(["0", "100", "-1", "2592000", "2592001", "4000000000", "x", "99999999999"])
NOREPLY = st.sampled_from(["", "", "", " noreply"])
FLAGS = st.lists(
    st.sampled_from(
        ["v", "k", "s", "c", "f", "t", "h", "q", "u", "b", "I", "O1", "Oopaque", "T0", "T100", "T-1", "Tx", "N0", "N50",
         "R30", "R9999", "D5", "Dx", "J7", "M", "MI", "MD", "ME", "MA", "MP", "MR", "MS", "MX", "MAA", "C0", "C1", "Cx",
         "F5", "Fx", "!", "O" + "x" * 40]
    ),
    max_size=5,
)  # fmt: skip


class Real:
    """A connection to the real server."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), 20)
        self.received = b""

    def ask(self, request: bytes) -> bytes:
        """The replies to a request, up to that of the ``mn`` behind it."""
        self.sock.sendall(request + b"mn\r\n")
        while not self.received.endswith(END):
            data = self.sock.recv(1 << 16)
            if not data:
                break
            self.received += data
        reply, self.received = self.received, b""
        return reply


class Ours:
    """A session of the engine, under the machine's own clock."""

    def __init__(self) -> None:
        self.engine = Memcached(Settings(), time.time_ns)
        self.began = time.monotonic()
        self.session: Session = self.engine.open_session(1, b"", b"", b"", 0, b"tcp")

    def ask(self, request: bytes) -> bytes:
        """The replies to a request and an ``mn``."""
        self.engine.tick(int(time.monotonic() - self.began))
        reply = self.session.feed(request + b"mn\r\n")
        while self.session.has_more:
            reply += self.session.feed(b"")
        return reply


@contextlib.contextmanager
def real_server() -> Iterator[int]:
    """A real memcached on loopback; its port."""
    binary = shutil.which("memcached")
    if binary is None:
        pytest.skip("there is no memcached on PATH: apt-get install memcached")
    port = free_port()
    command = [binary, "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-t", "1", "-u", "nobody", "-m", "64"]
    with subprocess.Popen(command) as process:
        try:
            wait_until(lambda: accepts(port), "the real memcached")
            yield port
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with real_server() as number:
        yield number


@pytest.fixture
def real(port: int) -> Iterator[Real]:
    client = Real(port)
    yield client
    client.sock.close()


class BesideMemcached(RuleBasedStateMachine):
    """The same commands to both; CAS numbers are counted alike because both begin at a flushed cache."""

    port = 0

    def __init__(self) -> None:
        super().__init__()
        self.real, self.ours = Real(self.port), Ours()
        self.real.ask(b"flush_all\r\n")
        self.cas_ahead = self._cas_of_real()

    def _cas_of_real(self) -> int:
        """How far the real server's CAS numbers are ahead of ours."""
        request = b"set cas_probe 0 0 1\r\nx\r\ngets cas_probe\r\n"
        pattern = re.compile(rb"VALUE cas_probe 0 1 (\d+)\r\n")
        found, own = pattern.search(self.real.ask(request)), pattern.search(self.ours.ask(request))
        assert found is not None
        assert own is not None
        return int(found[1]) - int(own[1])

    def teardown(self) -> None:
        self.real.sock.close()

    def both(self, line: str, value: str | None = None) -> None:
        """Send a request to both and compare."""
        request = line.encode() + b"\r\n"
        if value is not None:
            request += value.encode() + b"\r\n"
        real, ours = self.real.ask(request), self.ours.ask(request)
        past = re.compile(rb" t42949\d{5}\b")  # an end before both servers' starts, which differ
        real, ours = past.sub(b" t-", self.numbered(real)), past.sub(b" t-", ours)
        # A smaller number is filled up with blanks, unless a thread of memcached happens to hold the item.
        filled_up = re.compile(rb"^((?:VALUE \S+ \d+|VA) )\d+([^\r\n]*\r\n\d+) *(?=\r)", re.MULTILINE)
        assert real == ours or filled_up.sub(rb"\1-\2", real) == filled_up.sub(rb"\1-\2", ours), request

    def numbered(self, reply: bytes) -> bytes:
        """The real server's reply with our CAS numbers."""
        shift = self.cas_ahead

        def lowered(match: re.Match[bytes]) -> bytes:
            return match[1] + (b"%d" % (int(match[2]) - shift) if int(match[2]) > shift else match[2])

        reply = re.sub(rb"^(VALUE \S+ \d+ \d+ )(\d+)(?=\r)", lowered, reply, flags=re.MULTILINE)
        return re.sub(rb"^((?:HD|VA|EX|NS|NF|ME)\b[^\r]*? (?:c|cas=))(\d+)\b", lowered, reply, flags=re.MULTILINE)

    @rule(
        name=st.sampled_from(["set", "add", "replace", "append", "prepend"]),
        key=KEYS, flags=NUMBERS, ttl=TIMES, value=VALUES, noreply=NOREPLY,
    )  # fmt: skip
    def store(self, *, name: str, key: str, flags: str, ttl: str, value: str, noreply: str) -> None:
        if flags and "x" not in flags + ttl and len(key) <= 250 and flags not in {"-1", "18446744073709551616"}:
            self.both(f"{name} {key} {flags} {ttl} {len(value)}{noreply}", value)
        else:  # refused before the value is read
            self.both(f"{name} {key} {flags or 'x'} {ttl} {len(value)}{noreply}")

    @rule(key=KEYS, value=VALUES, back=st.integers(0, 3))
    def store_if_unchanged(self, key: str, value: str, back: int) -> None:
        if len(key) > 250:
            return
        number = max(1, self.ours.engine.store.last_cas - back)
        tail = f"{key} 0 0 {len(value)} "
        request = [f"cas {tail}{cas}\r\n{value}\r\n".encode() for cas in (number + self.cas_ahead, number)]
        assert self.real.ask(request[0]) == self.ours.ask(request[1])

    @rule(name=st.sampled_from(["get", "gets"]), keys=st.lists(KEYS, max_size=4))
    def get(self, name: str, keys: list[str]) -> None:
        self.both(" ".join([name, *keys]))

    @rule(name=st.sampled_from(["gat", "gats"]), ttl=TIMES, keys=st.lists(KEYS, min_size=1, max_size=3))
    def get_and_touch(self, name: str, ttl: str, keys: list[str]) -> None:
        self.both(" ".join([name, ttl, *keys]))

    @rule(name=st.sampled_from(["incr", "decr"]), key=KEYS, delta=NUMBERS, noreply=NOREPLY)
    def count(self, name: str, key: str, delta: str, noreply: str) -> None:
        self.both(f"{name} {key} {delta}{noreply}")

    @rule(key=KEYS, ttl=TIMES, noreply=NOREPLY)
    def touch(self, key: str, ttl: str, noreply: str) -> None:
        self.both(f"touch {key} {ttl}{noreply}")

    @rule(key=KEYS, tail=st.sampled_from(["", " 0", " 1", " noreply", " 0 noreply", " 1 noreply"]))
    def delete(self, key: str, tail: str) -> None:
        self.both(f"delete {key}{tail}")

    @rule(key=KEYS, flags=FLAGS)
    def meta_get(self, key: str, flags: list[str]) -> None:
        self.both(" ".join(["mg", key, *[flag for flag in flags if flag not in {"C1", "l"}]]))

    @rule(key=KEYS, value=VALUES, flags=FLAGS)
    def meta_set(self, key: str, value: str, flags: list[str]) -> None:
        appends = {"MA", "MP"}.intersection(flags)
        kept = [flag for flag in flags if flag not in {"s", "C1"} and not (appends and flag[0] == "N")]
        if len(key) > 250:
            self.both(" ".join(["ms", key, str(len(value)), *kept]))
        else:
            self.both(" ".join(["ms", key, str(len(value)), *kept]), value)

    @rule(key=KEYS, flags=FLAGS)
    def meta_delete(self, key: str, flags: list[str]) -> None:
        self.both(" ".join(["md", key, *[flag for flag in flags if flag != "C1"]]))

    @rule(key=KEYS, flags=FLAGS)
    def meta_arithmetic(self, key: str, flags: list[str]) -> None:
        self.both(" ".join(["ma", key, *[flag for flag in flags if flag != "C1"]]))

    @rule(key=KEYS)
    def meta_debug(self, key: str) -> None:
        request = f"me {key}\r\n".encode()
        # The size of a number too: it is not filled up while a thread of memcached holds the item.
        hidden = re.compile(rb" (?:exp|la|size)=\S+")
        assert hidden.sub(b"", self.numbered(self.real.ask(request))) == hidden.sub(b"", self.ours.ask(request))

    @rule(
        line=st.sampled_from(
            ["version x", "verbosity 0", "verbosity", "flush_all -1 x y", "stats nonsense", "stats detail",
             "lru x", "slabs x", "lru_crawler x", "watch x", "cache_memlimit 1", "shutdown", "nonsense", "get", "x",
             " ", "mz"]
        )
    )  # fmt: skip
    def other(self, line: str) -> None:
        if line != "version x":
            self.both(line)


def test_random_commands_have_the_same_replies(port: int) -> None:
    BesideMemcached.port = port
    BesideMemcached.TestCase.settings = settings(
        max_examples=120,
        stateful_step_count=60,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink a failure takes minutes
    )
    BesideMemcached.TestCase().runTest()


def test_items_expire_in_the_same_second_or_the_next(real: Real) -> None:
    ours = Ours()
    requests = [
        b"set short 0 2 1\r\nx\r\n",
        b"set long 0 100 1\r\nx\r\n",
        b"ms meta 1 T2\r\nx\r\n",
        b"set touched 0 2 1\r\nx\r\ntouch touched 100\r\n",
        b"set past 0 -1 1\r\nx\r\n",
        b"ma n N2 J5 v\r\n",
    ]
    for request in requests:
        assert real.ask(request) == ours.ask(request)
    read = b"get short long meta touched past n\r\n"
    assert real.ask(read) == ours.ask(read)
    wait_until(lambda: b"short" not in real.ask(b"get short\r\n"), "the real server's expiry", 30)
    wait_until(lambda: b"short" not in ours.ask(b"get short\r\n"), "the engine's expiry", 30)
    wait_until(lambda: b" n " not in real.ask(b"get meta n\r\n"), "the real server's expiry", 30)
    wait_until(lambda: b" n " not in ours.ask(b"get meta n\r\n"), "the engine's expiry", 30)
    assert real.ask(read) == ours.ask(read)


@pytest.mark.parametrize("form", ["", " settings", " items", " slabs"])
def test_statistics_have_the_same_names(real: Real, form: str) -> None:
    ours = Ours()
    for server in (real, ours):
        server.ask(b"set statistics 0 0 1\r\nx\r\n")
    names = [
        re.findall(rb"^STAT (\S+)", server.ask(f"stats{form}\r\n".encode()), re.MULTILINE) for server in (real, ours)
    ]
    newer = {b"client_flags_size"}
    without = {name for name in names[0] if name.startswith((b"ext_", b"slab_automove_freeratio"))}
    without |= {b"drop_privileges", b"proxy_enabled", b"proxy_uring_enabled"}
    if form in {" items", " slabs"}:  # the real one may have other classes by now
        assert {name.rpartition(b":")[2] for name in names[0]} == {name.rpartition(b":")[2] for name in names[1]}
    else:
        assert [name for name in names[0] if name not in without] == [name for name in names[1] if name not in newer]
