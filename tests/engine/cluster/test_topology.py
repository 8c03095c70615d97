"""A node whose slot table comes from outside: what it shows of the cluster, and which requests it serves."""

import pytest
from tests.engine.in_cluster import DOWN, OK, SLOT_OF_A, UNBOUND, start_in_cluster
from tests.engine.in_process import Run, StartRun
from tests.engine.topologies import Document, adopt, node_id, shard_id, topology

from cachetwin_engine.core.admin.elasticache import apply_parameter_group, become_elasticache
from cachetwin_engine.core.protocol.errors import CommandError

# "a" is in slot 15495 (of the third shard), "b" in 3300 (of the first)
MOVED_A = b"-MOVED %d 127.0.3.1:7000\r\n" % SLOT_OF_A


@pytest.fixture
def run(start_run: StartRun) -> Run:
    """A client of the first shard's primary, in a cluster of three shards with one replica each."""
    run = start_in_cluster(start_run)
    adopt(run, topology(), node_id(1, 1))
    return run


@pytest.fixture
def replica(start_run: StartRun) -> Run:
    """A client of the first shard's replica, which follows its primary."""
    run = start_in_cluster(start_run)
    adopt(run, topology(), node_id(1, 2))
    run.engine.replication.follow("127.0.1.1", 7000)
    return run


def lines(run: Run) -> list[list[str]]:
    """CLUSTER NODES, each line in words."""
    text = run("CLUSTER NODES").split(b"\r\n", 1)[1].decode()
    return [line.split(" ") for line in text.splitlines() if line]


def changed(document: Document, shard: int, node: int, **fields: object) -> Document:
    """The next topology, with other fields of one node."""
    document["epoch"] += 1
    document["shards"][shard - 1]["nodes"][node - 1].update(fields)
    return document


def failed_over(document: Document, shard: int = 1) -> Document:
    """The next topology, in which the second node of a shard is its primary."""
    changed(document, shard, 1, role="replica")
    document["epoch"] -= 1
    return changed(document, shard, 2, role="primary")


def test_cluster_nodes_lists_all_nodes_as_valkey_does(run: Run) -> None:
    own, replica, *others = lines(run)
    assert own == [
        node_id(1, 1), "127.0.1.1:7000@17000,node-0001-001.example", "myself,master", "-", "0", "0", "1", "connected",
        "0-5460",
    ]  # fmt: skip
    heard = str(run.now_ms)
    assert replica == [
        node_id(1, 2), "127.0.1.2:7000@17000,node-0001-002.example", "slave", node_id(1, 1), "0", heard, "1", "connected"
    ]  # fmt: skip
    assert [words[2] for words in others] == ["master", "slave", "master", "slave"]
    assert others[2][-1] == "10923-16383"


def test_cluster_slots_lists_replicas_that_are_online(run: Run) -> None:
    assert run("CLUSTER SLOTS").count(b"node-0001-002.example") == 1
    document = topology()
    adopt(run, changed(document, 1, 2, health="loading"), node_id(1, 1))
    assert b"node-0001-002.example" not in run("CLUSTER SLOTS")
    assert run("CLUSTER SLOTS").startswith(b"*3\r\n*3\r\n:0\r\n:5460\r\n*4\r\n$9\r\n127.0.1.1\r\n:7000\r\n$40\r\n")
    assert b"$7\r\nloading\r\n" in run("CLUSTER SHARDS")


def test_cluster_shards_groups_nodes_and_says_how_they_are(run: Run) -> None:
    adopt(run, changed(topology(), 2, 2, health="fail", offset=77), node_id(1, 1))
    reply = run("CLUSTER SHARDS")
    assert reply.startswith(b"*3\r\n*4\r\n$5\r\nslots\r\n*2\r\n:0\r\n:5460\r\n$5\r\nnodes\r\n*2\r\n")
    assert reply.count(b"$4\r\nrole\r\n$7\r\nreplica\r\n") == 3
    assert b"$18\r\nreplication-offset\r\n:77\r\n$6\r\nhealth\r\n$4\r\nfail\r\n" in reply
    assert b"tls-port" not in reply


def test_the_other_queries_know_all_nodes(run: Run) -> None:
    assert run("CLUSTER MYID") == b"$40\r\n%b\r\n" % node_id(1, 1).encode()
    assert run("CLUSTER MYSHARDID") == b"$40\r\n%b\r\n" % shard_id(1).encode()
    assert f"{node_id(2, 2)} 127.0.2.2:7000".encode() in run(f"CLUSTER REPLICAS {node_id(2, 1)}")
    assert run(f"CLUSTER REPLICAS {node_id(2, 2)}") == b"-ERR The specified node is not a master\r\n"
    info = run("CLUSTER INFO")
    for line in ("state:ok", "slots_ok:16384", "known_nodes:6", "size:3", "current_epoch:1", "my_epoch:1"):
        assert f"cluster_{line}\r\n".encode() in info


def test_zones_are_shown_since_valkey_9_1(start_run: StartRun) -> None:
    run = start_in_cluster(start_run, "valkey-9.1")
    adopt(run, topology(), node_id(1, 1))
    assert run("CLUSTER SLOTS").count(b"$17\r\navailability-zone\r\n$6\r\nzone-2\r\n") == 3


def test_keys_of_other_shards_are_redirected_by_address_or_name(run: Run) -> None:
    assert run("GET a") == MOVED_A
    assert run("SET b 1") == OK
    run("CONFIG SET cluster-preferred-endpoint-type hostname")
    assert run("GET a") == b"-MOVED %d node-0003-001.example:7000\r\n" % SLOT_OF_A


def test_elasticache_prefers_names_where_there_is_tls(start_run: StartRun) -> None:
    run = start_in_cluster(start_run)
    become_elasticache(run.engine)
    document = topology()
    adopt(run, document, node_id(1, 1))
    assert run("GET a") == MOVED_A
    for shard in document["shards"]:
        for node in shard["nodes"]:
            node["tls"] = True
    adopt(run, document, node_id(1, 1))
    assert run("GET a") == b"-MOVED %d node-0003-001.example:7000\r\n" % SLOT_OF_A
    assert b"$8\r\ntls-port\r\n:7000" in run("CLUSTER SHARDS")
    apply_parameter_group(run.engine.config, {"cluster-preferred-endpoint-type": "ip"})
    assert run("GET a") == MOVED_A
    apply_parameter_group(run.engine.config, {"cluster-preferred-endpoint-type": "tls-dynamic"})
    assert run("GET a") == b"-MOVED %d node-0003-001.example:7000\r\n" % SLOT_OF_A


def test_a_replica_redirects_unless_the_client_reads_only(replica: Run) -> None:
    moved = b"-MOVED 3300 127.0.1.1:7000\r\n"
    assert replica("GET b") == moved
    assert replica("READONLY") == OK
    assert replica("GET b") == b"$-1\r\n"
    assert replica("SET b 1") == moved
    assert replica("GET a") == MOVED_A
    assert replica("EVAL_RO 'return redis.call(\"GET\", KEYS[1])' 1 b") == b"$-1\r\n"
    assert replica.args("EVAL", "#!lua flags=no-writes\nreturn 1", 1, "b") == b":1\r\n"
    assert replica.args("EVAL", "#!lua\nreturn 1", 1, "b") == moved
    assert replica("READWRITE") == OK
    assert replica("GET b") == moved
    assert replica("CLUSTER COUNTKEYSINSLOT 3300") == b":0\r\n"
    assert replica("CLUSTER SLOT-STATS SLOTSRANGE 3300 3300").startswith(b"*1\r\n")


def test_a_replica_takes_part_in_the_pubsub_of_its_shard(replica: Run) -> None:
    assert replica("SSUBSCRIBE b").startswith(b"*3\r\n$10\r\nssubscribe")
    assert replica.session()("SPUBLISH b message") == b":1\r\n"
    assert replica.session()("SSUBSCRIBE a") == MOVED_A


def test_a_failed_primary_takes_the_cluster_down_until_it_is_replaced(run: Run) -> None:
    document = changed(topology(), 3, 1, health="fail")
    adopt(run, document, node_id(1, 1))
    assert run("GET b") == DOWN
    assert b"cluster_state:fail\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:10923\r\n" in run("CLUSTER INFO")
    assert lines(run)[4][2] == "master,fail"
    run("CONFIG SET cluster-allow-reads-when-down yes")
    assert run("GET b") == b"$-1\r\n"
    assert run("SET b 1").startswith(b"-CLUSTERDOWN The cluster is down and only accepts read")
    assert run("SPUBLISH b m") == b":0\r\n"
    run("CONFIG SET cluster-allow-pubsubshard-when-down no")
    assert run("SPUBLISH b m") == DOWN
    run("CONFIG SET cluster-require-full-coverage no")
    assert run("SET b 1") == OK
    assert run("GET a") == MOVED_A
    run("CONFIG SET cluster-require-full-coverage yes")
    adopt(run, failed_over(document, 3), node_id(1, 1))
    assert run("SET b 1") == OK
    assert run("GET a") == b"-MOVED %d 127.0.3.2:7000\r\n" % SLOT_OF_A


def test_a_shard_without_a_primary_has_no_slots(run: Run) -> None:
    adopt(run, changed(topology(), 3, 1, role="replica"), node_id(1, 1))
    assert run("GET a") == UNBOUND
    assert b"cluster_slots_assigned:10923" in run("CLUSTER INFO")


def test_roles_change_with_the_topology(run: Run, replica: Run) -> None:
    waiting = run.session()
    listening = run.session()
    run("SET b 1")
    assert waiting("BLPOP {b}list 0") == b""
    assert listening("SSUBSCRIBE b").startswith(b"*3\r\n$10\r\nssubscribe")
    replica.engine.replication.follow_nobody()
    document = failed_over(topology())
    adopt(replica, document, node_id(1, 2))
    assert replica("SET b 1") == OK
    adopt(run, document, node_id(1, 1))
    run.engine.replication.follow("127.0.1.2", 7000)
    unblocked = b"-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)\r\n"
    assert waiting.received() == unblocked
    assert waiting.client.closing
    assert listening.received() == b""  # the shard still has the channel
    assert run("GET b") == b"-MOVED 3300 127.0.1.2:7000\r\n"
    assert [words[2] for words in lines(run)][:2] == ["myself,slave", "master"]
    run("READONLY")
    assert run("GET b") == b"$1\r\n1\r\n"


def test_slots_that_went_take_their_keys_and_listeners_along(run: Run) -> None:
    listening = run.session()
    waiting = run.session()
    run("SET b 1")
    run("SET {06S}kept 1")  # slot 0
    assert listening("SSUBSCRIBE b").startswith(b"*3\r\n")
    assert waiting("BLPOP {b}list 0") == b""
    document = topology()
    document["epoch"] = 2
    document["shards"][0]["slots"] = [[0, 3299], [3301, 5460]]
    document["shards"][1]["slots"].append([3300, 3300])
    adopt(run, document, node_id(1, 1))
    assert run("DBSIZE") == b":1\r\n"
    assert run("GET b") == b"-MOVED 3300 127.0.2.1:7000\r\n"
    assert waiting.received() == b"-MOVED 3300 127.0.2.1:7000\r\n"
    assert listening.received() == b"*3\r\n$12\r\nsunsubscribe\r\n$1\r\nb\r\n:0\r\n"
    assert lines(run)[0][-2:] == ["0-3299", "3301-5460"]


def test_a_topology_that_is_over_is_refused(run: Run) -> None:
    document = topology(epoch=2)
    adopt(run, document, node_id(1, 1))
    with pytest.raises(CommandError, match="the epoch must be at least 2, got 1"):
        adopt(run, topology(epoch=1), node_id(1, 1))


def test_a_write_to_a_replica_ends_the_connection_at_elasticache(start_run: StartRun) -> None:
    run = start_run()
    become_elasticache(run.engine)
    run.engine.replication.follow("127.0.0.1", 6379)
    assert run("SET k v").startswith(b"-READONLY You can't write against a read only replica.")
    assert run.client.closing
    other = run.session()
    apply_parameter_group(run.engine.config, {"close-on-replica-write": "no"})
    assert other("SET k v").startswith(b"-READONLY")
    assert not other.client.closing


def test_a_replica_without_its_primary_is_silent_where_stale_data_is_not_wanted(replica: Run) -> None:
    replica("READONLY")
    assert replica("GET b") == b"$-1\r\n"
    replica("CONFIG SET replica-serve-stale-data no")
    assert replica("GET b").startswith(
        b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
    )
    assert replica("CLUSTER MYID").startswith(b"$40")
