"""CLUSTER SLOT-STATS."""

import pytest
from tests.engine.in_cluster import SLOT_OF_A, start_in_cluster
from tests.engine.in_process import Run, StartRun


@pytest.fixture
def run(start_run: StartRun) -> Run:
    """A client of a node in cluster mode."""
    return start_in_cluster(start_run)


def test_slot_stats_count_what_a_slot_costs_when_asked_to(run: Run) -> None:
    run("SET a 1")
    plain = b"*1\r\n*2\r\n:%d\r\n*2\r\n$9\r\nkey-count\r\n:1\r\n" % SLOT_OF_A
    assert run("CLUSTER SLOT-STATS ORDERBY key-count LIMIT 1") == plain
    assert run(f"CLUSTER SLOT-STATS SLOTSRANGE {SLOT_OF_A} {SLOT_OF_A}") == plain
    assert run("CLUSTER SLOT-STATS ORDERBY cpu-usec") == b"-ERR Unrecognized sort metric for ORDERBY.\r\n"
    run("CONFIG SET cluster-slot-stats-enabled yes")
    run.args("GET", "a")
    counted = run("CLUSTER SLOT-STATS ORDERBY network-bytes-in DESC LIMIT 1")
    assert counted.endswith(b"$16\r\nnetwork-bytes-in\r\n:20\r\n$17\r\nnetwork-bytes-out\r\n:7\r\n")
    assert run("SLOWLOG LEN") == b":0\r\n"  # counting makes nothing slow or large
    assert run("CONFIG RESETSTAT") == b"+OK\r\n"
    reset = run("CLUSTER SLOT-STATS ORDERBY network-bytes-in DESC LIMIT 1")
    assert reset.endswith(b"$16\r\nnetwork-bytes-in\r\n:0\r\n$17\r\nnetwork-bytes-out\r\n:0\r\n")
    assert run("CLUSTER SLOT-STATS ORDERBY key-count ASC DESC").startswith(b"-ERR Multiple filters")
    assert b"Limit has to lie" in run("CLUSTER SLOT-STATS ORDERBY key-count LIMIT 0")
