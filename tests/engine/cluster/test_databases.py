"""Several databases in cluster mode, since Valkey 9. Replies are those of 9.1.2."""

import pytest
from tests.engine.in_cluster import OK, OTHER, SLOT_OF_A, know_other, start_in_cluster
from tests.engine.in_process import Run, StartRun

TRY_AGAIN = b"-TRYAGAIN Multiple keys request during rehashing of slot\r\n"


OUT_OF_RANGE = b"-ERR DB index is out of range\r\n"


@pytest.fixture
def run(start_run: StartRun) -> Run:
    """A client of a node of Valkey 9.1 in cluster mode with 16 databases."""
    return start_in_cluster(start_run, "valkey-9.1", cluster_databases="16")


def test_a_node_has_one_database_unless_asked_for_more(start_run: StartRun) -> None:
    one = start_in_cluster(start_run, "valkey-9.1", databases="9")
    assert one("SELECT 0") == OK
    assert one("SELECT 1") == one("MOVE a 1") == one("COPY {a}1 {a}2 DB 1") == OUT_OF_RANGE
    alone = start_run("valkey-9.1")
    assert alone("SELECT 15") == OK
    assert alone("CONFIG GET cluster-databases") == b"*2\r\n$17\r\ncluster-databases\r\n$1\r\n1\r\n"
    assert alone("CONFIG SET cluster-databases 2").endswith(b"can't set immutable config\r\n")
    assert start_run("valkey-8.1")("CONFIG GET cluster-databases") == b"*0\r\n"


def test_keys_are_carried_from_database_to_database(run: Run) -> None:
    assert run("SELECT 15") == run("SET {a}1 v") == OK
    assert run("SELECT 16") == OUT_OF_RANGE
    assert run("MOVE {a}1 3") == b":1\r\n"
    assert run("SELECT 3") == OK
    assert run("COPY {a}1 {a}2 DB 4") == b":1\r\n"
    assert run("COPY {a}1 b DB 4") == b"-CROSSSLOT Keys in request don't hash to the same slot\r\n"
    assert run("SWAPDB 3 4") == b"-ERR SWAPDB is not allowed in cluster mode\r\n"
    assert run("INFO keyspace").count(b"db3:keys=1") == run("INFO keyspace").count(b"db4:keys=1") == 1
    assert run("FLUSHALL") == OK
    assert run("INFO keyspace").count(b"keys=") == 0


def test_during_a_move_keys_stay_in_their_database(run: Run) -> None:
    know_other(run)
    run("SET {a}1 v")
    assert run(f"CLUSTER SETSLOT {SLOT_OF_A} MIGRATING {OTHER}") == OK
    assert run("MOVE {a}1 2") == TRY_AGAIN
    assert run("COPY {a}1 {a}1 DB 2 DB 0") == run("COPY {a}1 {a}1 REPLACE DB x") == TRY_AGAIN
    assert run("COPY {a}1 {a}1 DB 0") == b"-ERR source and destination objects are the same\r\n"
    assert run("GET {a}1") == b"$1\r\nv\r\n"
    run("SELECT 2")
    assert run("GET {a}1").startswith(b"-ASK ")


def test_a_transaction_looks_for_keys_where_it_will_be(run: Run) -> None:
    know_other(run)
    run("SELECT 2")
    run("SET {a}1 v")
    run("SELECT 0")
    run(f"CLUSTER SETSLOT {SLOT_OF_A} MIGRATING {OTHER}")
    for line in ("MULTI", "SELECT 2", "GET {a}1"):
        run(line)
    assert run("EXEC") == b"*2\r\n+OK\r\n$1\r\nv\r\n"
