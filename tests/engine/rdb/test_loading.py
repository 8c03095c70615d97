"""Loading a file, a damaged one too."""

import pytest
from tests.engine.in_process import Run, StartRun
from tests.engine.replicas import digest, fill

from cachetwin_engine.core.rdb.loading import Loading
from cachetwin_engine.core.rdb.packed import BadData
from cachetwin_engine.core.rdb.writer import RdbWriter


def test_loading_leaves_out_what_is_over_unless_it_is_a_replicas(run: Run, start_run: StartRun) -> None:
    run("SET k v PX 100")
    run("SET stays v")
    snapshot = run.engine.snapshots.begin([], checksum=True)
    snapshot.finish()
    data = snapshot.take()
    later = start_run()
    later.clock.now_us = run.clock.now_us + 1_000_000
    later.engine.start_turn()
    loading = Loading(later.engine.loader, data, drops_expired=True)
    loading.finish()
    assert (loading.result.keys, loading.result.expired) == (1, [(0, b"k")])
    kept = Loading(later.engine.loader, data, drops_expired=False)
    kept.finish()
    assert (kept.result.keys, kept.result.expired) == (2, [])


@pytest.mark.parametrize("at", range(0, 200, 7))
def test_a_file_with_one_wrong_byte_is_refused(run: Run, start_run: StartRun, at: int) -> None:
    run("SET some-key some-value")
    run("RPUSH l a b c")
    snapshot = run.engine.snapshots.begin([(b"note", b"x" * 100)], checksum=True)
    snapshot.finish()
    data = bytearray(snapshot.take())
    place = at % len(data)
    data[place] ^= 0x55
    with pytest.raises(BadData):
        Loading(start_run().engine.loader, bytes(data), drops_expired=True).finish()


def test_a_file_whose_function_is_wrong_changes_nothing(run: Run, start_run: StartRun) -> None:
    fill(run)
    before = digest(run)
    writer = RdbWriter(11, compresses=False)
    writer.raw(b"REDIS0011\xf5")
    writer.string(b"#!lua name=bad\nthis is no Lua")
    writer.raw(b"\xff" + bytes(8))
    loading = Loading(run.engine.loader, writer.data(), drops_expired=True)
    loading.finish()
    with pytest.raises(BadData, match="library"):
        loading.adopt()
    assert digest(run) == before
    assert run("FCALL_RO f 0") == b":7\r\n"


def test_a_file_that_ends_early_is_refused(run: Run, start_run: StartRun) -> None:
    run("SET k v")
    snapshot = run.engine.snapshots.begin([], checksum=False)
    snapshot.finish()
    data = snapshot.take()
    for size in range(len(data)):
        with pytest.raises(BadData):
            Loading(start_run().engine.loader, data[:size], drops_expired=True).finish()
