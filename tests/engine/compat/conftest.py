"""The same requests to the engine, in this process, and to a real redis-server; the replies must be the same bytes."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.processes import free_port

from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.engine import Engine
from cachetwin_engine.core.execution.session import Session

PROFILE = "redis-7.1"  # has the commands of 7.0, which is what Debian bookworm ships
START_SECONDS_MAX = 20

Word = bytes | str | int | float
Reply = bytes | int | float | bool | None | list["Reply"] | dict[str, "Reply"]


def encode(words: tuple[Word, ...]) -> bytes:
    """One request as an array of bulk strings."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


class Reader:
    """Cuts one whole reply off a stream of bytes, and reads it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.pos = 0

    def value(self) -> Reply:
        """The next reply: errors and simple strings as bytes with their first byte, aggregates as lists.

        Raises EOFError when the data ends before the reply does.
        """
        end = self.data.find(b"\r\n", self.pos)
        if end < 0:
            raise EOFError
        line = self.data[self.pos : end]
        self.pos = end + 2
        kind, rest = line[:1], line[1:]
        if kind in {b"+", b"-"}:
            return line
        if kind == b":":
            return int(rest)
        if kind == b",":
            return float(rest)
        if kind == b"#":
            return rest == b"t"
        if kind == b"_" or rest == b"-1":
            return None
        if kind in {b"$", b"=", b"!"}:
            stop = self.pos + int(rest)
            if len(self.data) < stop + 2:
                raise EOFError
            text = self.data[self.pos : stop]
            self.pos = stop + 2
            return text
        count = int(rest) * (2 if kind == b"%" else 1)
        return [self.value() for _ in range(count)]


def parse(raw: bytes) -> Reply:
    """The value of one whole reply."""
    return Reader(raw).value()


def members(raw: bytes) -> list[str]:
    """The elements of an aggregate reply without their order."""
    value = parse(raw)
    assert isinstance(value, list), raw
    return sorted(repr(item) for item in value)


class Pair:
    """One client on each side. ``same`` is the assertion; it returns the reply for further questions."""

    def __init__(self, port: int, profile: str = PROFILE, **parameters: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        config = Config(PROFILES[profile])
        for name, value in parameters.items():
            config.set_at_start(name.replace("_", "-"), value)
        self.engine = Engine(PROFILES[profile], time.time_ns, 7, config)
        self.client: Session = self.engine.open_session("127.0.0.1:50000", "127.0.0.1:6379")
        self.reset()

    def reset(self, protocol: int = 2) -> None:
        """Empty both, choose database 0 and speak RESP ``protocol``."""
        self.real("HELLO", protocol)
        self.client.context.use_protocol(protocol)
        for words in (("FLUSHALL",), ("SELECT", 0)):
            assert self.real(*words) == self.ours(*words) == b"+OK\r\n"

    def real(self, *words: Word) -> bytes:
        """What redis-server answers."""
        self.socket.sendall(encode(words))
        data = b""
        while True:
            received = self.socket.recv(1 << 16)
            assert received, "redis-server closed the connection"
            data += received
            reader = Reader(data)
            try:
                reader.value()
            except EOFError:
                continue
            assert reader.pos == len(data), f"more than one reply: {data!r}"
            return data

    def ours(self, *words: Word) -> bytes:
        """What the engine answers."""
        return self.client.feed(encode(words))

    def same(self, *words: Word) -> bytes:
        """Both answer the same bytes, which are returned."""
        real, ours = self.real(*words), self.ours(*words)
        assert ours == real, f"{words}: redis-server answers {real!r}, the engine {ours!r}"
        return real

    def same_members(self, *words: Word) -> list[str]:
        """Both answer the same elements in any order."""
        real, ours = self.real(*words), self.ours(*words)
        if not real.startswith((b"*", b"~", b"%")):
            assert ours == real, f"{words}: redis-server answers {real!r}, the engine {ours!r}"
            return []
        assert real[:1] == ours[:1]
        assert members(ours) == members(real), f"{words}: redis-server answers {real!r}, the engine {ours!r}"
        return members(real)

    def near(self, *words: Word, by: float = 2) -> None:
        """Both answer numbers that differ by no more than ``by`` (remaining times; scores that were added up)."""
        real, ours = parse(self.real(*words)), parse(self.ours(*words))
        if isinstance(real, int | float) and isinstance(ours, int | float):
            assert abs(real - ours) <= by, f"{words}: redis-server answers {real!r}, the engine {ours!r}"
        else:
            assert ours == real, f"{words}: redis-server answers {real!r}, the engine {ours!r}"

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


@contextlib.contextmanager
def running(command: list[str], folder: Path, *options: str) -> Iterator[int]:
    """Start a server in ``folder``, with ``options`` besides those that every one of ours gets, and give its port."""
    port = free_port()
    usual = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--enable-debug-command", "yes"]
    server = subprocess.Popen(
        [*command, *usual, *options], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert server.stdout is not None
        for line in server.stdout:
            if "Ready to accept connections" in line:
                break
        else:
            raise AssertionError(f"{command} did not start")
        yield port
    finally:
        server.terminate()
        server.wait(START_SECONDS_MAX)
        server.stdout.close() if server.stdout else None


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a redis-server that this run started."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed, so there is nothing to compare with")
    with running([program], tmp_path_factory.mktemp("redis")) as port:
        yield port


@pytest.fixture(scope="session")
def pair(redis_port: int) -> Iterator[Pair]:
    """One client on each side for the whole run; state machines call ``reset`` when they begin."""
    both = Pair(redis_port)
    yield both
    both.close()
