"""What bytes from outside reach: each target takes any bytes, and raises only for a bug of the engine.

``test_targets`` calls them with bent copies of ``seeds`` and with what is kept in ``corpus``; ``coverage_guided`` lets
atheris look for more.
"""

import functools
from collections.abc import Callable
from pathlib import Path

from tests.engine import in_process
from tests.engine.aof import logged
from tests.engine.fuzz.arguments import encoded
from tests.engine.in_process import Run
from tests.engine.replicas import finish

from cachetwin_engine.core.aof.log_loader import LogError
from cachetwin_engine.core.rdb import kinds
from cachetwin_engine.core.rdb.loading import Loading
from cachetwin_engine.core.rdb.packed import BadData
from cachetwin_engine.core.rdb.writer import RdbWriter
from cachetwin_engine.core.replication.primary_link import PrimaryLink
from cachetwin_engine.core.state.log_files import LogFiles
from cachetwin_engine.core.text.crc64 import crc64

CORPUS = Path(__file__).with_name("corpus")
ROUNDS_MAX = 1000
BULK_BYTES_MAX = 4096


def resp(data: bytes) -> None:
    """Requests of a client."""
    run = in_process.start()
    run.client.parser.bulk_bytes_max = BULK_BYTES_MAX
    for at in range(0, len(data), 700):
        run.client.feed(data[at : at + 700])
        for _ in range(ROUNDS_MAX):
            if not run.client.has_more:
                break
            run.client.feed(b"")
    alive(run)


def rdb(data: bytes) -> None:
    """An RDB file without its checksum."""
    run = in_process.start()
    run.engine.loader.skips_checksums = True
    try:
        loading = Loading(run.engine.loader, data + bytes(8), drops_expired=False)
        loading.finish()
        loading.adopt()
    except BadData:
        return
    walk(run)


def restore(data: bytes) -> None:
    """The payload of RESTORE without version and checksum."""
    run = in_process.start()
    whole = data + (11).to_bytes(2, "little")
    run.args("RESTORE", "k", "0", whole + crc64(whole, 0).to_bytes(8, "little"))
    walk(run)


def append_log(data: bytes) -> None:
    """The incremental file of an append-only log."""
    files = LogFiles()
    for name, content in _whole_log().items():
        files.replace(name, data if name.endswith(b".incr.aof") else content)
    try:
        run = logged.begin(files)
    except LogError:
        return
    walk(run)


def log_manifest(data: bytes) -> None:
    """The manifest of an append-only log."""
    files = LogFiles()
    for name, content in _whole_log().items():
        files.replace(name, data if name.endswith(b".manifest") else content)
    try:
        run = logged.begin(files)
    except LogError:
        return
    alive(run)


def primary(data: bytes) -> None:
    """All that a primary sends: answers to the handshake, a snapshot, the stream."""
    link, run = _replica()
    for at in range(0, len(data), 900):
        link.feed(data[at : at + 900])
        for _ in range(ROUNDS_MAX):
            if not link.is_loading():
                break
            link.work(run.engine.clock() + 1_000_000)
        run.engine.tick()
        link.take_output()
        if link.wants_close:
            link.lost("closed")
            break
    run("REPLICAOF NO ONE")
    walk(run)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "resp": resp,
    "rdb": rdb,
    "restore": restore,
    "append_log": append_log,
    "log_manifest": log_manifest,
    "primary": primary,
}


def alive(run: Run) -> None:
    """The engine goes on."""
    run.engine.tick()
    other = run.session()
    assert other("ECHO alive") == b"$5\r\nalive\r\n"


def walk(run: Run) -> None:
    """What was taken in can be read, counted, written and deleted."""
    alive(run)
    other = run.session()
    other("CONFIG SET maxmemory 1gb")
    for name in _READS:
        for key in run.engine.databases[0].values.first(30):
            other.args(*[key if word == b"KEY" else word for word in name])
    snapshot = run.engine.snapshots.begin([], checksum=True)
    snapshot.finish()
    run.engine.snapshots.forget(snapshot)
    data = snapshot.take()
    again = in_process.start()
    again.clock.now_us = run.clock.now_us
    loading = Loading(again.engine.loader, data, drops_expired=False)
    loading.finish()
    loading.adopt()
    other("FLUSHALL")
    finish(run)
    alive(run)


_READS = [
    [b"TYPE", b"KEY"], [b"PTTL", b"KEY"], [b"MEMORY", b"USAGE", b"KEY"], [b"OBJECT", b"ENCODING", b"KEY"],
    [b"OBJECT", b"IDLETIME", b"KEY"], [b"DUMP", b"KEY"], [b"STRLEN", b"KEY"], [b"LRANGE", b"KEY", b"0", b"-1"],
    [b"SMEMBERS", b"KEY"], [b"HGETALL", b"KEY"], [b"ZRANGE", b"KEY", b"0", b"-1", b"WITHSCORES"],
    [b"ZRANGEBYSCORE", b"KEY", b"-inf", b"+inf"], [b"XRANGE", b"KEY", b"-", b"+"],
    [b"XINFO", b"STREAM", b"KEY", b"FULL"], [b"XADD", b"KEY", b"NOMKSTREAM", b"*", b"f", b"v"], [b"XTRIM", b"KEY",
    b"MAXLEN", b"1"], [b"BITCOUNT", b"KEY"], [b"PFCOUNT", b"KEY"], [b"HRANDFIELD", b"KEY"], [b"SORT_RO", b"KEY", b"ALPHA"],
    [b"LPOP", b"KEY"], [b"ZPOPMIN", b"KEY"], [b"SPOP", b"KEY"], [b"COPY", b"KEY", b"copy"],
]  # fmt: skip


def seeds(target: str) -> list[bytes]:
    """Inputs of a target that are right."""
    if target == "resp":
        return [b"".join(encoded(args) for args in _COMMANDS), b"PING\r\nSET k v\r\n*1\r\n$4\r\nPING\r\n"]
    if target == "rdb":
        return [_snapshot()[:-8]]
    if target == "restore":
        return payloads()
    if target == "append_log":
        return [_whole_log()[b"appendonly.aof.2.incr.aof"]]
    if target == "log_manifest":
        return [_whole_log()[b"appendonly.aof.manifest"]]
    answers = b"+PONG\r\n+OK\r\n+OK\r\n+OK\r\n+FULLRESYNC " + b"a" * 40 + b" 17\r\n"
    stream = b"".join(encoded(args) for args in _COMMANDS)
    mark = b"m" * 40
    return [
        answers + b"$%d\r\n" % len(_snapshot()) + _snapshot() + stream,
        answers + b"$EOF:" + mark + b"\r\n" + _snapshot() + mark,  # a primary waits now
        b"+PONG\r\n+OK\r\n+OK\r\n+OK\r\n+CONTINUE " + b"b" * 40 + b"\r\n" + stream,
    ]


def fill(run: Run) -> None:
    """Some of every type and form, each small."""
    for line in _LINES:
        run(line)
    run("CONFIG SET hash-max-listpack-entries 2 set-max-listpack-entries 2 zset-max-listpack-entries 2")
    for number in range(5):
        run(f"HSET h f{number} v{number}")
        run(f"ZADD z {number}.5 m{number}")
        run(f"SADD t m{number}")
    run.args("SET", "long", "compresses " * 20)
    code = "server.register_function{function_name='f', callback=function() return 7 end, flags={'no-writes'}}"
    run.args("FUNCTION", "LOAD", "#!lua name=lib\n" + code)


_LINES = [
    "SET s text PX 50000", "SET n 12", "APPEND a edited", "RPUSH l 1 2 element -70000 5000000000", "HSET small a 1 b text",
    "SADD ints 1 2 70000", "SADD words 1 x", "ZADD pair 1 a 2.5 b -inf c", "XADD x 1-1 field 1", "XADD x 2-1 field 2",
    "XADD x 3-1 other 3 more 4", "XADD x 4-1 field 5", "XDEL x 2-1", "XGROUP CREATE x g 0",
    "XREADGROUP GROUP g alice COUNT 2 STREAMS x >", "XREADGROUP GROUP g bob COUNT 1 STREAMS x >", "PFADD p a b c",
    "SELECT 3", "SET elsewhere 1", "SELECT 0",
]  # fmt: skip


@functools.cache
def payloads() -> list[bytes]:
    """A value of each type and form, as DUMP writes it, and forms that only older files have."""
    run = in_process.start()
    fill(run)
    found = []
    for key in ("s", "n", "a", "l", "h", "z", "t", "x", "small", "ints", "words", "pair", "long", "p"):
        reply = run.args("DUMP", key)
        found.append(reply.partition(b"\r\n")[2][:-2][:-10])
    writer = RdbWriter(11, compresses=False)
    writer.raw(bytes([kinds.ZSET]))
    writer.length(2)
    writer.string(b"member")
    writer.raw(b"\x031.5")
    writer.string(b"other")
    writer.raw(b"\xfe")
    found.append(writer.data())
    ziplist = b"\x14\0\0\0\x0f\0\0\0\x03\0\0\x01a\x03\x01b\x03\x01c\xff"
    ziplist = len(ziplist).to_bytes(4, "little") + ziplist[4:]
    older = (kinds.LIST_ZIPLIST, kinds.HASH_ZIPLIST, kinds.ZSET_ZIPLIST)
    found += [bytes([kind, len(ziplist)]) + ziplist for kind in older]
    zipmap = b"\x01\x03foo\x03\x00bar\xff"
    found.append(bytes([kinds.HASH_ZIPMAP, len(zipmap)]) + zipmap)
    return found


_COMMANDS = [
    [b"SELECT", b"0"], [b"SET", b"k", b"value", b"PX", b"100000"], [b"RPUSH", b"l", b"a", b"b"], [b"MULTI"],
    [b"INCR", b"n"], [b"EXEC"], [b"SELECT", b"3"], [b"HSET", b"h", b"f", b"v"], [b"DEL", b"k"], [b"XADD", b"x", b"1-1",
    b"f", b"v"], [b"PEXPIREAT", b"h", b"5"], [b"SELECT", b"0"], [b"ZADD", b"z", b"1.5", b"m"], [b"SADD", b"t", b"1", b"x"],
    [b"PFADD", b"p", b"a", b"b"], [b"SETRANGE", b"s", b"5", b"x"], [b"EVAL", b"return redis.call('get', KEYS[1])", b"1",
    b"k"], [b"REPLCONF", b"GETACK", b"*"], [b"PUBLISH", b"c", b"m"], [b"PING"],
]  # fmt: skip


@functools.cache
def _snapshot() -> bytes:
    run = in_process.start()
    fill(run)
    run("CONFIG SET maxmemory-policy allkeys-lru")
    snapshot = run.engine.snapshots.begin([(b"repl-stream-db", b"0"), (b"note", b"x")], checksum=False)
    snapshot.finish()
    run.engine.snapshots.forget(snapshot)
    return snapshot.take()


@functools.cache
def _whole_log() -> dict[bytes, bytes]:
    run = logged.begin()
    fill(run)
    logged.rewrite(run)
    for args in _COMMANDS:
        run.client.feed(encoded(args))
    names = (b"appendonly.aof.manifest", b"appendonly.aof.2.base.rdb", b"appendonly.aof.2.incr.aof")
    return {name: logged.written(run, name) for name in names}


def _replica() -> tuple[PrimaryLink, Run]:
    """A replica whose connection to its primary has just been made."""
    run = in_process.start()
    run.engine.loader.skips_checksums = True
    run("REPLICAOF 127.0.0.1 6379")
    run.engine.start_turn()
    link = run.engine.replication.link
    assert link is not None
    link.connecting()
    link.connected("127.0.0.1:6379", "127.0.0.1:40000")
    return link, run
