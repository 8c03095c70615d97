"""An engine that starts with snapshots."""

import pytest
from tests.engine.in_cluster import start_in_cluster
from tests.engine.in_process import Run, StartRun
from tests.engine.replicas import digest, fill
from tests.engine.topologies import adopt, node_id, topology

from cachetwin_engine.core.admin.seeding import seed
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.rdb.packed import BadData


def snapshot_of(run: Run) -> bytes:
    snapshot = run.engine.snapshots.begin([], checksum=True)
    snapshot.finish()
    run.engine.snapshots.forget(snapshot)
    return snapshot.take()


def test_an_engine_has_the_data_of_a_snapshot(run: Run, start_run: StartRun) -> None:
    fill(run)
    other = start_run()
    assert seed(other.engine, snapshot_of(run)) > 0
    assert digest(other) == digest(run)


def test_each_shard_takes_the_keys_of_its_slots(run: Run, start_run: StartRun) -> None:
    for number in range(100):
        run(f"SET key:{number} {number}")
    sizes = []
    for shard in (1, 2, 3):
        node = start_in_cluster(start_run)
        adopt(node, topology(3), node_id(shard, 1))
        sizes.append(seed(node.engine, snapshot_of(run)))
        assert node("DBSIZE") == b":%d\r\n" % sizes[-1]
    assert min(sizes) > 10
    assert sum(sizes) == 100


def test_the_files_of_several_shards_come_together(run: Run, start_run: StartRun) -> None:
    other, third = start_run(), start_run()
    run("SET a 1")
    other("SET b 2")
    seed(third.engine, snapshot_of(run))
    assert seed(third.engine, snapshot_of(other)) == 2
    assert third("GET a") + third("GET b") == b"$1\r\n1\r\n$1\r\n2\r\n"


def test_expired_keys_are_left_out(run: Run, start_run: StartRun) -> None:
    run("SET a 1 PX 10")
    data = snapshot_of(run)
    other = start_run()
    other.advance(20)
    assert seed(other.engine, data) == 0


def test_data_that_does_not_fit_is_refused(run: Run, start_run: StartRun) -> None:
    for number in range(1000):
        run(f"SET key:{number} {'x' * 1000}")
    other = start_run()
    other("CONFIG SET maxmemory 1500000")
    with pytest.raises(CommandError, match="bytes, more than the maxmemory"):
        seed(other.engine, snapshot_of(run))


def test_what_is_no_snapshot_is_refused(run: Run) -> None:
    for data in (b"", b"REDIS0011", b"hello, this is not a snapshot at all"):
        with pytest.raises(BadData):
            seed(run.engine, data)
