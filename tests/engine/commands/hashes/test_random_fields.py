"""HRANDFIELD."""

from tests.engine.in_process import Run

from cachetwin_engine.core.protocol.replies import bulk_array


def test_random_fields_with_values_come_as_pairs_in_resp3(run: Run) -> None:
    run("HSET h a 1")
    assert run("HRANDFIELD h 1 WITHVALUES") == bulk_array([b"a", b"1"])
    run.resp3()
    assert run("HRANDFIELD h 1 WITHVALUES") == b"*1\r\n" + bulk_array([b"a", b"1"])
