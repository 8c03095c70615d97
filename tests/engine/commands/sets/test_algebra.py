"""Unions, intersections and differences."""

from tests.engine.in_process import Run

from cachetwin_engine.core.protocol.replies import bulk_array


def test_an_empty_result_deletes_the_destination(run: Run) -> None:
    run("SADD s a")
    run("SET d text")
    assert run("SINTERSTORE d s missing") == b":0\r\n"
    assert run("EXISTS d") == b":0\r\n"


def test_a_limit_stops_the_count(run: Run) -> None:
    run("SADD a 1 2 3 4")
    run("SADD b 2 3 4 5")
    assert run("SINTERCARD 2 a b") == b":3\r\n"
    assert run("SINTERCARD 2 a b LIMIT 2") == b":2\r\n"
    assert run("SINTERCARD 2 a b LIMIT 0") == b":3\r\n"


def test_a_set_that_was_read_is_not_the_set_that_is_stored(run: Run) -> None:
    run("SADD s 1 2")
    run("SUNIONSTORE d s")
    run("SADD d 3")
    assert run("SMEMBERS s") == bulk_array([b"1", b"2"])
