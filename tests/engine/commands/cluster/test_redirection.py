"""READONLY, READWRITE and ASKING: what a connection accepts instead of a redirection."""

from tests.engine.in_cluster import OK, start_in_cluster
from tests.engine.in_process import Run, StartRun

DISABLED = b"-ERR This instance has cluster support disabled\r\n"


def test_a_connection_says_whether_it_reads_from_replicas(start_run: StartRun) -> None:
    run = start_in_cluster(start_run)
    assert run("READONLY") == OK
    assert b"flags=r" in run("CLIENT LIST")
    assert run("READWRITE") == OK
    assert b"flags=N" in run("CLIENT LIST")


def test_valkey_8_takes_both_without_a_cluster(run: Run, start_run: StartRun) -> None:
    assert run("READONLY") == run("READWRITE") == OK
    older = start_run("valkey-7.2")
    assert older("READONLY") == older("READWRITE") == DISABLED


def test_asking_needs_a_cluster(run: Run, start_run: StartRun) -> None:
    assert run("ASKING") == DISABLED
    assert start_in_cluster(start_run)("ASKING") == OK
