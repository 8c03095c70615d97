"""Large collections in a snapshot: written in steps, each as it was when the snapshot began."""

import random

import pytest
from tests.engine.in_process import Run, StartRun
from tests.engine.replicas import digest

from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.rdb.loading import Loading
from cachetwin_engine.core.rdb.long_entry import LONG_FROM

COUNT = LONG_FROM + 700
CHANGES = {
    "list": ["RPUSH list x", "LPOP list 100", "LSET list 5 y", "DEL list", "EXPIRE list 100"],
    "hash": ["HSET hash new v", "HDEL hash f7", "HINCRBY hash f8 1", "UNLINK hash", "RENAME hash other"],
    "set": ["SADD set new", "SPOP set 50", "SREM set m9", "SMOVE set integers m8"],
    "sorted": ["ZADD sorted 3 new", "ZPOPMAX sorted 30", "ZREMRANGEBYRANK sorted 0 900", "DEL sorted"],
    "stream": ["XADD stream 9999999-1 f v", "XDEL stream 5-1", "XTRIM stream MAXLEN 10", "XACK stream group 1-1"],
    "others": ["SET string other", "SET new key", "RPUSH small 3", "DEL small", "FLUSHALL", "SWAPDB 0 1"],
}


def fill(run: Run, kind: str) -> None:
    """Five collections, of which one is large (all, if ``kind`` is another word)."""
    for key in ("list", "hash", "set", "sorted", "stream"):
        count = COUNT if key == kind or kind not in CHANGES else 20
        for start in range(0, count, 400):
            numbers = range(start, min(count, start + 400))
            if key == "list":
                run.args("RPUSH", key, *numbers)
            elif key == "hash":
                run.args("HSET", key, *(word for number in numbers for word in (f"f{number}", number)))
            elif key == "set":
                run.args("SADD", key, *(f"m{number}" for number in numbers))
            elif key == "sorted":
                run.args("ZADD", key, *(word for number in numbers for word in (number / 7, f"m{number}")))
            else:
                for number in numbers:
                    run.args("XADD", key, f"{number + 1}-1", "field", number)
    run("XGROUP CREATE stream group 0")
    run("XREADGROUP GROUP group me COUNT 5 STREAMS stream >")
    run("PEXPIRE hash 10000000")
    run("SET string value")
    run("RPUSH small 1 2")
    run("SELECT 1")
    run("SADD elsewhere a b")
    run("SELECT 0")


def loaded(start_run: StartRun, data: bytes, profile: str = "valkey-8.1") -> Run:
    other = start_run(profile)
    loading = Loading(other.engine.loader, data, drops_expired=True)
    loading.finish()
    loading.adopt()
    return other


@pytest.mark.no_cover
@pytest.mark.parametrize("kind", sorted(CHANGES))
@pytest.mark.parametrize("seed", range(3))
def test_changes_between_the_steps_are_not_in_it(run: Run, start_run: StartRun, kind: str, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  (not for secrets)
    fill(run, "list" if kind == "others" else kind)
    before = digest(run)
    snapshot = run.engine.snapshots.begin([], checksum=True)
    for line in chance.sample(CHANGES[kind], len(CHANGES[kind])):
        for _ in range(chance.randrange(1, 40)):
            snapshot.work(0)
        reply = run(line)
        assert not reply.startswith(b"-") or reply.startswith(b"-ERR no such key"), (line, reply)
    snapshot.finish()
    run.engine.snapshots.forget(snapshot)
    assert digest(loaded(start_run, snapshot.take())) == before


def test_a_large_collection_takes_many_steps(run: Run) -> None:
    run.args("SADD", "set", *range(1_000_000, 1_000_000 + COUNT))
    snapshot = run.engine.snapshots.begin([], checksum=True)
    steps = 0
    while not snapshot.done:
        snapshot.work(0)
        steps += 1
    run.engine.snapshots.forget(snapshot)
    assert steps > COUNT // 300
    assert snapshot.keys_written == 1


@pytest.mark.no_cover
@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_every_version_reads_what_it_writes(start_run: StartRun, profile: str) -> None:
    one = start_run(profile)
    fill(one, "all")
    snapshot = one.engine.snapshots.begin([], checksum=True)
    snapshot.finish()
    one.engine.snapshots.forget(snapshot)
    assert digest(loaded(start_run, snapshot.take(), profile)) == digest(one)
