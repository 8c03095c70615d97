"""CLUSTER on one node: questions about slots and nodes."""

import pytest
from tests.engine.in_cluster import OK, SLOT_OF_A, know_other, start_in_cluster, words
from tests.engine.in_process import Run, StartRun


@pytest.fixture
def run(start_run: StartRun) -> Run:
    """A client of a node in cluster mode."""
    return start_in_cluster(start_run)


def test_without_cluster_mode_every_question_is_refused(start_run: StartRun) -> None:
    run = start_run()
    refused = b"-ERR This instance has cluster support disabled\r\n"
    for line in (
        "CLUSTER INFO",
        "CLUSTER KEYSLOT a",
        "CLUSTER ADDSLOTS 1",
        "CLUSTER SLOT-STATS ORDERBY key-count",
        "ASKING",
    ):
        assert run(line) == refused
    assert run("READONLY") == OK  # Valkey 8 has standalone replicas that redirect
    assert start_run("redis-7.1")("READONLY") == refused


def test_a_node_owns_all_slots_from_the_start(run: Run) -> None:
    assert run("CLUSTER SLOTS").startswith(b"*1\r\n*3\r\n:0\r\n:16383\r\n*4\r\n$0\r\n\r\n:6379\r\n$40\r\n")
    assert b"cluster_state:ok\r\ncluster_slots_assigned:16384\r\n" in run("CLUSTER INFO")
    assert run("CLUSTER NODES").endswith(b" :6379@16379 myself,master - 0 0 0 connected 0-16383\n\r\n")
    assert run("SET a 1") == OK


def test_keys_are_counted_and_listed_by_slot(run: Run) -> None:
    for number in range(5):
        run(f"SET {{a}}{number} x")
    assert run(f"CLUSTER COUNTKEYSINSLOT {SLOT_OF_A}") == b":5\r\n"
    run("RENAME {a}0 {a}9")
    run("DEL {a}1")
    run("PEXPIRE {a}2 10")
    run.advance(20)
    run("GET {a}2")
    assert sorted(words(run(f"CLUSTER GETKEYSINSLOT {SLOT_OF_A} 10"))) == [b"{a}3", b"{a}4", b"{a}9"]
    assert run(f"CLUSTER GETKEYSINSLOT {SLOT_OF_A} 1").startswith(b"*1\r\n")
    assert run(f"CLUSTER GETKEYSINSLOT {SLOT_OF_A} -1") == b"-ERR Invalid slot or number of keys\r\n"
    run("FLUSHALL")
    assert run(f"CLUSTER COUNTKEYSINSLOT {SLOT_OF_A}") == b":0\r\n"
    assert run("CLUSTER COUNTKEYSINSLOT 16384") == b"-ERR Invalid slot\r\n"


def test_shards_announce_what_the_parameters_say(start_run: StartRun) -> None:
    run = start_in_cluster(
        start_run, cluster_announce_ip="127.0.0.5", cluster_announce_port="7001", cluster_announce_hostname="a.example"
    )
    shard = run("CLUSTER SHARDS")
    for text in (b"127.0.0.5", b":7001\r\n", b"a.example", b"replication-offset", b"online"):
        assert text in shard
    assert b" 127.0.0.5:7001@17001,a.example myself,master" in run("CLUSTER NODES")


@pytest.fixture
def run_9(start_run: StartRun) -> Run:
    """A client of a node of Valkey 9.1 in cluster mode with 16 databases."""
    return start_in_cluster(start_run, "valkey-9.1", cluster_databases="16")


def test_a_slots_keys_are_counted_in_the_chosen_database_or_in_all(run_9: Run) -> None:
    for database, count in ((0, 1), (9, 2)):
        run_9(f"SELECT {database}")
        for number in range(count):
            run_9(f"SET {{a}}{number} v")
    assert run_9(f"CLUSTER COUNTKEYSINSLOT {SLOT_OF_A}") == b":2\r\n"
    assert run_9(f"CLUSTER GETKEYSINSLOT {SLOT_OF_A} 10").startswith(b"*2\r\n")
    assert run_9(f"CLUSTER SLOT-STATS SLOTSRANGE {SLOT_OF_A} {SLOT_OF_A}").endswith(b"$9\r\nkey-count\r\n:3\r\n")
    assert run_9(f"CLUSTERSCAN 0 SLOT {SLOT_OF_A}").startswith(b"*2\r\n")
    run_9("SELECT 1")
    assert run_9(f"CLUSTER COUNTKEYSINSLOT {SLOT_OF_A}") == b":0\r\n"


def test_shards_tell_their_id_and_nodes_where_they_stand(run_9: Run) -> None:
    cluster = know_other(run_9)
    run_9("CONFIG SET availability-zone az-1")
    assert b"$17\r\navailability-zone\r\n$4\r\naz-1\r\n$2\r\nid\r\n$40\r\n" + cluster.myself.shard_id in run_9(
        "CLUSTER SHARDS"
    )
    assert run_9("CLUSTER SLOTS").endswith(b"*2\r\n$17\r\navailability-zone\r\n$4\r\naz-1\r\n")
    assert b"cluster_nodes_pfail:0\r\n" in run_9("CLUSTER INFO")


def test_clients_can_be_told_another_port_than_nodes(run_9: Run) -> None:
    run_9("CONFIG SET cluster-announce-port 7000")
    assert b"\r\n:7000\r\n" in run_9("CLUSTER SLOTS")
    run_9("CONFIG SET cluster-announce-client-port 7001")
    assert b"\r\n:7001\r\n" in run_9("CLUSTER SLOTS")


def test_the_slot_of_a_key_needs_no_cluster(start_run: StartRun) -> None:
    assert start_run("valkey-9.1")("CLUSTER KEYSLOT a") == b":%d\r\n" % SLOT_OF_A
