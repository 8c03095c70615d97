"""LMOVE and RPOPLPUSH."""

from tests.engine.in_process import Run

from cachetwin_engine.core.protocol.replies import bulk, bulk_array


def elements(run: Run, key: str) -> bytes:
    return run(f"LRANGE {key} 0 -1")


def test_moving_within_one_list_rotates_it(run: Run) -> None:
    run("RPUSH l a b c")
    assert run("LMOVE l l LEFT RIGHT") == bulk(b"a")
    assert run("RPOPLPUSH l l") == bulk(b"a")
    assert elements(run, "l") == bulk_array([b"a", b"b", b"c"])


def test_moving_the_only_element_within_a_list_keeps_key_and_time_to_live(run: Run) -> None:
    run("RPUSH l a")
    run("EXPIRE l 100")
    assert run("LMOVE l l LEFT LEFT") == bulk(b"a")
    assert run("TTL l") == b":100\r\n"
