"""SORT and SORT_RO."""

import pytest
from tests.engine.in_cluster import start_in_cluster
from tests.engine.in_process import Run, StartRun


@pytest.fixture
def run(start_run: StartRun) -> Run:
    """A client of a node in cluster mode."""
    return start_in_cluster(start_run)


def test_sort_takes_patterns_that_stay_in_the_slot(run: Run, start_run: StartRun) -> None:
    run("RPUSH {x}l 1 2")
    run("MSET {x}w1 2 {x}w2 1")
    assert run("SORT {x}l BY {x}w*") == b"*2\r\n$1\r\n2\r\n$1\r\n1\r\n"
    assert run("SORT {x}l BY w*").startswith(b"-ERR BY option of SORT denied in Cluster mode")
    assert run("SORT {x}l GET #") == b"*2\r\n$1\r\n1\r\n$1\r\n2\r\n"
    older = start_in_cluster(start_run, "redis-7.1")
    assert older("SORT {x}l GET {x}w*") == b"-ERR GET option of SORT denied in cluster mode.\r\n"
