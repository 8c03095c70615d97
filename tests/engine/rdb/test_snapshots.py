"""Snapshots: one moment, whatever changes meanwhile."""

import pytest
from tests.engine.in_process import Run, StartRun
from tests.engine.replicas import digest, fill

from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.rdb.loading import Loading

WRITES = [
    "APPEND a x", "SETRANGE a 0 y", "SETBIT a 3 1", "INCR n", "SET s new", "GETSET s newer", "GETEX s EX 5", "GETDEL n",
    "RPUSH l x", "LPOP l 3", "LSET l 0 z", "LTRIM l 5 100", "LREM l 1 50", "LINSERT l BEFORE 60 y", "LMOVE l l LEFT RIGHT",
    "HSET h f1 x", "HDEL h f2", "HINCRBY small a 5", "HSETNX small b 1", "HINCRBYFLOAT small a 1.5",
    "ZADD z 1 new", "ZREM z m7", "ZINCRBY z 5 m8", "ZPOPMIN z 5", "ZREMRANGEBYRANK z 0 3", "ZADD pair 3 c",
    "SADD t x", "SREM t m5", "SPOP t 4", "SMOVE t ints m9", "SADD ints 70000", "XADD x 500-1 a b", "XDEL x 7-1",
    "XTRIM x MAXLEN 200", "XACK x g 6-1", "XREADGROUP GROUP g bob COUNT 2 STREAMS x >", "XGROUP SETID x g 9-1",
    "XCLAIM x g carol 0 7-1", "XGROUP DELCONSUMER x g alice", "XGROUP DESTROY x g", "XSETID x 900-1",
    "RENAME big bigger", "COPY l l2", "DEL z", "UNLINK t", "EXPIRE h 100", "PERSIST s", "MOVE small 2",
    "SORT ints STORE ints", "SUNIONSTORE ints ints", "ZUNIONSTORE pair 1 pair", "BITOP NOT a a",
    "PFADD new-log 1", "GEOADD pair 1 2 x",
    "FLUSHDB", "SWAPDB 0 3", "FLUSHALL",
]  # fmt: skip


@pytest.mark.no_cover
@pytest.mark.parametrize("line", WRITES)
def test_a_snapshot_holds_its_moment_whatever_changes_meanwhile(run: Run, start_run: StartRun, line: str) -> None:
    fill(run)
    before = digest(run)
    snapshot = run.engine.snapshots.begin([], checksum=True)
    snapshot.work(0)  # the least that can be done at once
    reply = run(line)
    assert not reply.startswith(b"-"), reply
    snapshot.finish()
    run.engine.snapshots.forget(snapshot)
    other = start_run()
    loading = Loading(other.engine.loader, snapshot.take(), drops_expired=True)
    loading.finish()
    loading.adopt()
    assert digest(other) == before
    assert not run.engine.tracks_memory


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_every_version_reads_what_it_writes(start_run: StartRun, profile: str) -> None:
    one, other = start_run(profile), start_run(profile)
    for line in (
        "SET s text",
        "RPUSH l a b",
        "HSET h a 1 b 2",
        "ZADD z 1 a",
        "SADD t a b",
        "SADD i 1 2",
        "XADD x 1-1 a b",
    ):
        one(line)
    snapshot = one.engine.snapshots.begin([(b"name", b"value")], checksum=True)
    snapshot.finish()
    loading = Loading(other.engine.loader, snapshot.take(), drops_expired=True)
    loading.finish()
    loaded = loading.adopt()
    assert digest(other) == digest(one)
    assert loaded.keys == 7
    assert loaded.notes == {b"name": b"value"}
