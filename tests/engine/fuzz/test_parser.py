"""Random bytes and bent pipelines: however they are cut, the outcome is the same, and nothing breaks or swells."""

import os
import random
import time
from collections.abc import Iterator

from tests.engine.fuzz.arguments import encoded
from tests.engine.fuzz.replies import values_in

from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.engine import Engine
from cachetwin_engine.core.protocol.errors import ProtocolError
from cachetwin_engine.core.protocol.resp import RespParser

SECONDS = float(os.environ.get("CACHETWIN_FUZZ_SECONDS", "4"))
CASES = 250 if "CACHETWIN_FUZZ_SECONDS" not in os.environ else 10**9
BULK_BYTES_MAX = 4096
REQUESTS = [
    [b"PING"], [b"SET", b"k", b"value"], [b"GET", b"k"], [b"ECHO", b"x" * 300], [b"MGET", b"k", b"", b"\r\n"],
    [b"APPEND", b"k", b"\x00\xff"], [b"SET", b"", b"*1\r\n$4\r\nPING\r\n"], [b"NOSUCH", b"a" * 200], [b"LPUSH",
    b"l", *[b"e"] * 20],
    [b"STRLEN", b"k"], [b"DEL", b"k", b"l"],
]  # fmt: skip
LINES = [
    b"PING\r\n",
    b"SET k v\n",
    b'ECHO "a\\x00b"\r\n',
    b"\r\n",
    b"GET 'k'\r\n",
    b'ECHO "open\r\n',
    b"  PING  \r\n",
    b"*0\r\n",
    b"*-1\r\n",
]
TROUBLE = [
    b"*1000000000\r\n", b"$536870912\r\n", b"*-5\r\n", b"$-1\r\n", b"*2\r\n$", b"$5\r\nab\r\n", b"*9999999999\r\n",
    b"\x00" * 50,
    b"*1\r\n$99999999999999999999\r\n", b"*1x\r\n", b"*1\r\n$4097\r\n", b"*1\r\n:5\r\n", b"\r", b"\n", b"$", b"*",
]  # fmt: skip


def pipelines(source: random.Random) -> Iterator[bytes]:
    """Pipelines without end: valid ones, bent ones, pure noise."""
    while True:
        kind = source.randrange(10)
        if kind == 0:
            yield source.randbytes(source.randrange(1, 200))
            continue
        parts = [source.choice(LINES) if source.random() < 0.3 else encoded(source.choice(REQUESTS)) for _ in range(6)]
        data = bytearray(b"".join(parts[: source.randrange(1, 7)]))
        for _ in range(0 if kind < 4 else source.randrange(1, 4)):
            at = source.randrange(len(data) + 1)
            bend = source.randrange(4)
            if bend == 0:
                data[at:at] = source.choice(TROUBLE)
            elif bend == 1:
                del data[at : at + source.randrange(1, 8)]
            elif bend == 2 and at < len(data):
                data[at] = source.randrange(256)
            else:
                data[at:at] = source.randbytes(source.randrange(1, 5))
        yield bytes(data)


def cut(data: bytes, source: random.Random) -> list[list[bytes]]:
    """The same bytes whole, byte by byte, and in random pieces."""
    places = sorted(source.randrange(len(data) + 1) for _ in range(source.randrange(1, 6)))
    pieces = [data[one:other] for one, other in zip([0, *places], [*places, len(data)], strict=True)]
    return [[data], [data[at : at + 1] for at in range(len(data))], [piece for piece in pieces if piece]]


def parsed(pieces: list[bytes], fed: int) -> tuple[list[list[bytes]], bytes]:
    """The commands that the parser finds and the reason why it gave up, empty if it did not."""
    parser = RespParser(BULK_BYTES_MAX)
    found: list[list[bytes]] = []
    try:
        for piece in pieces:
            parser.feed(piece)
            while (command := parser.next_command()) is not None:
                found.append(command)
            assert parser.buffered() <= fed
    except ProtocolError as problem:
        return found, problem.reason
    return found, b""


def answered(engine: Engine, pieces: list[bytes]) -> tuple[bytes, bool]:
    """All that a client is sent who sends the pieces one after the other, and whether it is hung up on."""
    engine.flush_swap.flush(engine.databases)
    client = engine.open_session("127.0.0.1:1", "127.0.0.1:2")
    client.parser.bulk_bytes_max = BULK_BYTES_MAX
    replies = b""
    for piece in pieces:
        replies += client.feed(piece)
        while client.has_more:
            replies += client.feed(b"")
    hung_up = client.closing
    engine.close_session(client)
    return replies, hung_up


def test_the_parser_finds_the_same_commands_however_the_bytes_are_cut() -> None:
    source = random.Random(1)  # noqa: S311  (the same cases in every run)
    deadline = time.monotonic() + SECONDS
    for number, data in zip(range(CASES), pipelines(source), strict=False):
        whole, *others = [parsed(pieces, len(data)) for pieces in cut(data, source)]
        assert all(other == whole for other in others), (number, data)
        if time.monotonic() > deadline:
            break


def test_a_client_gets_the_same_replies_however_its_bytes_are_cut() -> None:
    source = random.Random(2)  # noqa: S311  (the same cases in every run)
    deadline = time.monotonic() + SECONDS
    engine = Engine(PROFILES["valkey-8.1"], lambda: 1_700_000_000_000_000_000, 1)
    for number, data in zip(range(CASES), pipelines(source), strict=False):
        whole, *others = [answered(engine, pieces) for pieces in cut(data, source)]
        assert all(other == whole for other in others), (number, data)
        values_in(whole[0], resp3=False)
        if time.monotonic() > deadline:
            break


def test_a_promise_of_many_bytes_takes_no_memory_before_they_come() -> None:
    parser = RespParser(512 * 2**20)
    parser.feed(b"*1000000000\r\n$536870912\r\nabc")
    assert parser.next_command() is None
    assert parser.buffered() < 100
