"""CLUSTER on one node: changes of the slot table."""

import pytest
from tests.engine.in_cluster import OK, OTHER, SLOT_OF_A, know_other, start_in_cluster
from tests.engine.in_process import Run, StartRun


@pytest.fixture
def run(start_run: StartRun) -> Run:
    """A client of a node in cluster mode."""
    return start_in_cluster(start_run)


def test_slots_are_given_up_and_taken(run: Run) -> None:
    assert run("CLUSTER ADDSLOTS 1") == b"-ERR Slot 1 is already busy\r\n"
    assert run("CLUSTER DELSLOTS 1 2 1") == b"-ERR Slot 1 specified multiple times\r\n"
    assert run("CLUSTER DELSLOTS 1 2") == OK
    assert run("CLUSTER DELSLOTSRANGE 1 2") == b"-ERR Slot 1 is already unassigned\r\n"
    assert run("CLUSTER NODES").endswith(b" connected 0 3-16383\n\r\n")
    assert run("CLUSTER ADDSLOTSRANGE 2 1") == b"-ERR start slot number 2 is greater than end slot number 1\r\n"
    assert (
        run("CLUSTER ADDSLOTSRANGE 1 2 3") == b"-ERR wrong number of arguments for 'cluster|addslotsrange' command\r\n"
    )
    assert run("CLUSTER ADDSLOTS 16384") == b"-ERR Invalid or out of range slot\r\n"
    assert run("CLUSTER ADDSLOTSRANGE 1 2") == OK
    assert run("GET a") == b"$-1\r\n"


def test_flushslots_and_reset_want_an_empty_node(run: Run) -> None:
    run("SET a 1")
    assert run("CLUSTER FLUSHSLOTS") == b"-ERR DB must be empty to perform CLUSTER FLUSHSLOTS.\r\n"
    assert run("CLUSTER RESET") == b"-ERR CLUSTER RESET can't be called with master nodes containing keys\r\n"
    run("DEL a")
    before = run("CLUSTER MYID"), run("CLUSTER MYSHARDID")
    assert run("CLUSTER RESET") == OK
    assert (run("CLUSTER MYID"), run("CLUSTER MYSHARDID")) == before
    assert run("CLUSTER RESET HARD") == OK
    assert run("CLUSTER MYID") != before[0]
    assert run("CLUSTER SLOTS") == b"*0\r\n"
    assert b"cluster_size:0" in run("CLUSTER INFO")


def test_a_slot_with_keys_is_not_given_away(run: Run) -> None:
    know_other(run)
    run("SET a 1")
    problem = (
        f"-ERR Can't assign hashslot {SLOT_OF_A} to a different node while I still hold keys for this hash slot.\r\n"
    )
    assert run(f"CLUSTER SETSLOT {SLOT_OF_A} NODE {OTHER}") == problem.encode()


def test_orders_that_need_other_nodes_are_refused_in_words(run: Run) -> None:
    assert run("CLUSTER MEET 127.0.0.1 7000").startswith(b"-ERR CLUSTER MEET is not supported")
    assert run("CLUSTER MEET 127.0.0.1 70000") == b"-ERR Port number is out of range\r\n"
    assert run(f"CLUSTER REPLICATE {OTHER}") == b"-ERR Unknown node " + OTHER.encode() + b"\r\n"
    assert run("CLUSTER FAILOVER TAKEOVER") == b"-ERR You should send CLUSTER FAILOVER to a replica\r\n"
    assert run("CLUSTER LINKS") == b"*0\r\n"
    own = know_other(run).myself.id.decode()
    assert run(f"CLUSTER REPLICAS {own}") == b"*0\r\n"
    assert run(f"CLUSTER COUNT-FAILURE-REPORTS {own}") == b":0\r\n"
    assert run(f"CLUSTER FORGET {own}") == b"-ERR I tried hard but I can't forget myself...\r\n"
    assert run(f"CLUSTER REPLICATE {own}") == b"-ERR Can't replicate myself\r\n"


def test_epochs_grow(run: Run) -> None:
    assert run("CLUSTER BUMPEPOCH") == b"+BUMPED 1\r\n"
    assert run("CLUSTER BUMPEPOCH") == b"+STILL 1\r\n"
    assert run("CLUSTER SET-CONFIG-EPOCH 5") == b"-ERR Node config epoch is already non-zero\r\n"
    assert run("CLUSTER SAVECONFIG") == OK


@pytest.fixture
def run_9(start_run: StartRun) -> Run:
    """A client of a node of Valkey 9.1 in cluster mode with 16 databases."""
    return start_in_cluster(start_run, "valkey-9.1", cluster_databases="16")


def test_a_key_in_any_database_keeps_slots(run_9: Run) -> None:
    run_9("SELECT 7")
    run_9("SET a v")
    run_9("SELECT 0")
    cluster = know_other(run_9)
    assert run_9("CLUSTER FLUSHSLOTS") == b"-ERR DB must be empty to perform CLUSTER FLUSHSLOTS.\r\n"
    assert run_9("CLUSTER RESET") == b"-ERR CLUSTER RESET can't be called with master nodes containing keys\r\n"
    assert run_9(f"CLUSTER SETSLOT {SLOT_OF_A} NODE {OTHER}").startswith(b"-ERR Can't assign hashslot")
    assert cluster.owners[SLOT_OF_A] is cluster.myself


def test_a_slot_is_emptied_in_all_databases(run_9: Run) -> None:
    run_9.replicate()
    watcher = run_9.session()
    watcher("WATCH {a}1")
    for database in (0, 5):
        run_9(f"SELECT {database}")
        run_9("MSET {a}1 v {a}2 v")
        run_9("SET b v")
    watcher("MULTI")
    assert run_9(f"CLUSTER FLUSHSLOT {SLOT_OF_A} ASYNC") == OK
    assert run_9.propagated()[-1] == (5, [b"CLUSTER", b"FLUSHSLOT", b"%d" % SLOT_OF_A, b"ASYNC"])
    assert run_9("DBSIZE") == b":1\r\n"
    assert watcher("EXEC") == b"*-1\r\n"
    run_9("SELECT 0")
    assert run_9("DBSIZE") == b":1\r\n"
    told = len(run_9.propagated())
    assert run_9(f"CLUSTER FLUSHSLOT {SLOT_OF_A}") == OK
    assert len(run_9.propagated()) == told  # nothing was there


def test_who_listens_hears_of_keys_in_their_databases(run_9: Run) -> None:
    run_9("CONFIG SET notify-keyspace-events Kg")
    listener = run_9.session()
    listener("PSUBSCRIBE *")
    run_9("SELECT 4")
    run_9("SET {a}1 v")
    run_9("MOVE {a}1 7")
    run_9(f"CLUSTER FLUSHSLOT {SLOT_OF_A}")
    heard = listener.received()
    events = [b"@4__:{a}1\r\n$9\r\nmove_from", b"@7__:{a}1\r\n$7\r\nmove_to", b"@7__:{a}1\r\n$3\r\ndel"]
    places = [heard.index(event) for event in events]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("FLUSHSLOT", b"wrong number of arguments for 'cluster|flushslot' command"),
        ("FLUSHSLOT 0 foo", b"syntax error"),
        ("FLUSHSLOT x", b"Invalid or out of range slot"),
        ("FLUSHSLOT 16384", b"Invalid or out of range slot"),
        (
            "FLUSHSLOT 0 sync sync",
            b"unknown subcommand or wrong number of arguments for 'FLUSHSLOT'. Try CLUSTER HELP.",
        ),
        ("REPLICATE NO TWO", b"unknown subcommand or wrong number of arguments for 'REPLICATE'. Try CLUSTER HELP."),
        (
            "REPLICATE NO ONE MORE",
            b"unknown subcommand or wrong number of arguments for 'REPLICATE'. Try CLUSTER HELP.",
        ),
    ],
)
def test_orders_are_judged_by_their_words(run_9: Run, line: str, problem: bytes) -> None:
    assert run_9(f"CLUSTER {line}") == b"-ERR " + problem + b"\r\n"


def test_a_primary_is_a_replica_of_no_one(run_9: Run, start_run: StartRun) -> None:
    assert run_9("CLUSTER REPLICATE no ONE") == OK
    before = start_in_cluster(start_run, "valkey-8.1")
    assert before("CLUSTER REPLICATE NO ONE") == b"-ERR wrong number of arguments for 'cluster|replicate' command\r\n"
