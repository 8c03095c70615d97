"""Bent append-only files: either they load, or the engine refuses them with a clear word; nothing breaks or hangs."""

import os
import random
import time

from tests.engine.aof import logged
from tests.engine.fuzz.arguments import encoded
from tests.engine.in_process import Run

from cachetwin_engine.core.aof.log_loader import LogError
from cachetwin_engine.core.state.log_files import LogFiles

SECONDS = float(os.environ.get("CACHETWIN_FUZZ_SECONDS", "4"))
CASES = 150 if "CACHETWIN_FUZZ_SECONDS" not in os.environ else 10**9
NAMES = (b"appendonly.aof.manifest", b"appendonly.aof.2.base.rdb", b"appendonly.aof.2.incr.aof")
TROUBLE = [
    b"*1000000000\r\n", b"$536870912\r\n", b"*-5\r\n", b"$-1\r\n", b"*2\r\n$", b"#TS:1\r\n", b"#", b"\x00" * 20,
    b"*1\r\n$4\r\nEXEC\r\n", b"*1\r\n$5\r\nMULTI\r\n", b"file x seq 1 type i\n", b"REDIS0011", b"\xff", b"\n",
]  # fmt: skip
COMMANDS = [
    [b"SET", b"k", b"v"], [b"RPUSH", b"l", b"a", b"b"], [b"MULTI"], [b"INCR", b"n"], [b"EXEC"], [b"SELECT", b"3"],
    [b"HSET", b"h", b"f", b"v"], [b"DEL", b"k"], [b"XADD", b"x", b"1-*", b"f", b"v"], [b"PEXPIREAT", b"k", b"5"],
]  # fmt: skip


def whole() -> dict[bytes, bytes]:
    """The files of an engine with some of everything."""
    run = logged.begin()
    for line in ("SET a 1", "RPUSH list 1 2 3", "HSET hash f v", "ZADD z 1 a", "SADD s 1 2 x", "XADD x 1-1 f v"):
        run(line)
    logged.rewrite(run)
    for args in COMMANDS:
        run.client.feed(encoded(args))
    return {name: logged.written(run, name) for name in NAMES}


def bent(source: random.Random, data: bytes) -> bytes:
    """``data`` with a few things inserted, taken out, flipped or cut off."""
    changed = bytearray(data)
    for _ in range(source.randrange(1, 4)):
        at = source.randrange(len(changed) + 1)
        kind = source.randrange(4)
        if kind == 0:
            changed[at:at] = source.choice([*TROUBLE, *(encoded(args) for args in COMMANDS)])
        elif kind == 1:
            del changed[at : at + source.randrange(1, 9)]
        elif kind == 2 and at < len(changed):
            changed[at] ^= 1 << source.randrange(8)
        else:
            del changed[at:]
    return bytes(changed)


def loaded(files: dict[bytes, bytes]) -> Run | None:
    """An engine that started with these files, None if it refused them."""
    kept = LogFiles()
    for name, data in files.items():
        kept.replace(name, data)
    try:
        return logged.begin(kept)
    except LogError:
        return None


def test_bent_files_are_loaded_or_refused() -> None:
    source = random.Random(1)  # noqa: S311  (the same cases in each run)
    good = whole()
    first = loaded(good)
    assert first is not None
    deadline = time.monotonic() + SECONDS
    taken = 0
    for _ in range(CASES):
        if time.monotonic() > deadline and taken:
            break
        name = source.choice(NAMES)
        run = loaded({**good, name: bent(source, good[name])})
        if run is not None:
            taken += 1
            assert run("SET after 1") == b"+OK\r\n"
            again = logged.again(run)  # what was repaired is whole now
            assert again("GET after") == b"$1\r\n1\r\n"
            assert again("DBSIZE") == run("DBSIZE")
    assert taken
