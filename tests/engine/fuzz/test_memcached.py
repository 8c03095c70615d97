"""Bent requests of Memcached's three protocols: however they are cut, the replies are the same, and nothing breaks."""

import os
import random
import re
import struct
import time

import pytest

from cachetwin_engine.memcached.commands import COMMANDS
from cachetwin_engine.memcached.engine import Memcached
from cachetwin_engine.memcached.session import Session
from cachetwin_engine.memcached.settings import Settings

SECONDS = float(os.environ.get("CACHETWIN_FUZZ_SECONDS", "4"))
CASES = 400 if "CACHETWIN_FUZZ_SECONDS" not in os.environ else 10**9
WORDS = [
    b"k", b"key2", b"0", b"1", b"5", b"-1", b"18446744073709551615", b"noreply", b"b", b"v", b"t", b"T0", b"N5", b"J3",
    b"MA", b"c", b"C1", b"I", b"q", b"O1", b"all", b"reset", b"items", b"cluster", b"get", b"on", b"dump", b"reassign",
    b"automove", b"x" * 251, b"\xff\x00", b"%s", b"",
]  # fmt: skip
NOT_FUZZED = {b"shutdown", b"watch", b"quit", b"lru_crawler"}
"""Commands after which a session is not asked any more, and one that depends on what came with it."""
COUNTS = re.compile(rb"STAT [^\r]*\r\n")  # bytes read so far, and the like


def text_request(source: random.Random) -> bytes:
    """A line of a command and some words, with a value behind it more often than not."""
    name = source.choice(sorted(set(COMMANDS) - NOT_FUZZED))
    words = [name, *source.choices(WORDS, k=source.randrange(6))]
    value = source.choice([b"", b"a", b"12345", b"\r\n", b"x" * 600])
    if source.random() < 0.5:
        words = [source.choice([b"set", b"add", b"append", b"cas"]), b"k", b"0", b"0", b"%d" % len(value)]
    return b" ".join(words) + b"\r\n" + (value + b"\r\n" if source.random() < 0.7 else b"")


def frame(source: random.Random) -> bytes:
    """A frame of the binary protocol whose sizes agree more often than not."""
    key = source.choice([b"", b"k", b"n", b"cluster", b"items", b"x" * 251])
    extras = source.randbytes(source.choice([0, 4, 8, 20]))
    value = source.randbytes(source.choice([0, 1, 5, 700]))
    body = len(key) + len(extras) + len(value) + source.choice([0, 0, 0, 0, 1, -1])
    opcode = source.choice([*range(0x26), 0x60, 0x64, 0x66, 0xFF])
    header = struct.pack(
        ">BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, 0, max(body, 0), 1, source.choice([0, 0, 1])
    )
    return header + extras + key + value


def bent(data: bytes, source: random.Random) -> bytes:
    """``data`` with a few bytes changed, left out or added."""
    bytes_ = bytearray(data)
    for _ in range(source.choice([0, 0, 1, 3])):
        at = source.randrange(len(bytes_) + 1)
        kind = source.randrange(3)
        if kind == 0:
            del bytes_[at : at + source.randrange(1, 8)]
        elif kind == 1:
            bytes_[at:at] = source.randbytes(source.randrange(1, 4))
        elif at < len(bytes_):
            bytes_[at] = source.randrange(256)
    return bytes(bytes_)


def session() -> Session:
    """A session of a small server whose clock stands still."""
    settings = Settings()
    settings.max_bytes = 8 * 1024 * 1024
    return Memcached(settings, lambda: 1_700_000_000_000_000_000).open_session(1, b"", b"", b"", 0, b"tcp")


def answers(pieces: list[bytes]) -> tuple[bytes, bool]:
    """All replies, and whether the session ended."""
    client = session()
    replies = []
    for piece in pieces:
        replies.append(client.feed(piece))
        while client.has_more and not client.closing:
            replies.append(client.feed(b""))
        if client.closing:
            break
    return COUNTS.sub(b"", b"".join(replies)), client.closing


@pytest.mark.parametrize("kind", ["text", "binary"])
def test_bent_requests_are_answered_alike_however_they_are_cut(kind: str) -> None:
    source = random.Random(5)  # noqa: S311  (the same cases in every run)
    deadline = time.monotonic() + SECONDS
    for _ in range(CASES):
        make = text_request if kind == "text" else frame
        data = bent(b"".join(make(source) for _ in range(source.randrange(1, 8))), source)
        cuts = sorted(source.randrange(len(data) + 1) for _ in range(source.randrange(4)))
        pieces = [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        whole, cut = answers([data]), answers(pieces)
        assert cut == whole or whole[1], (data, cuts)
        if time.monotonic() > deadline:
            break
