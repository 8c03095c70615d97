"""CLUSTER on one node: the slot table, and what it means for requests."""

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.cluster.state import ClusterNode, ClusterState
from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.keyspace.slots import SLOT_COUNT, slot_of, slot_of_pattern, tag_of_slot

OTHER = "0123456789012345678901234567890123456789"
SLOT_OF_A = slot_of(b"a")
OK = b"+OK\r\n"
DOWN = b"-CLUSTERDOWN The cluster is down\r\n"
UNBOUND = b"-CLUSTERDOWN Hash slot not served\r\n"
CROSS = b"-CROSSSLOT Keys in request don't hash to the same slot\r\n"


@pytest.fixture
def run(start_run: StartRun) -> Run:
    """A client of a node in cluster mode."""
    return start_in_cluster(start_run)


def start_in_cluster(start_run: StartRun, profile: str = "valkey-8.1", **parameters: str) -> Run:
    config = Config(PROFILES[profile])
    for name, value in {"cluster_enabled": "yes", **parameters}.items():
        config.set_at_start(name.replace("_", "-"), value)
    return start_run(profile, config)


def words(reply: bytes) -> list[bytes]:
    """The elements of an array of bulk strings."""
    return reply.split(b"\r\n")[2::2]


def know_other(run: Run) -> ClusterState:
    """Let the node know another one."""
    cluster = run.engine.cluster
    assert cluster is not None
    cluster.add_node(ClusterNode(OTHER.encode(), b"f" * 40, "127.0.0.9", 7009, "other.example"))
    return cluster


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


def test_keys_of_different_slots_are_not_for_one_request(run: Run) -> None:
    assert run("MGET a b") == CROSS
    assert run("MGET {x}a {x}b") == b"*2\r\n$-1\r\n$-1\r\n"
    assert run("SUNIONSTORE {x}d {x}a b") == CROSS
    assert run("EVAL 'return 1' 2 a b") == CROSS
    assert run("SSUBSCRIBE a b") == CROSS
    assert run("SUBSCRIBE a b").startswith(b"*3\r\n$9\r\nsubscribe")


def test_only_the_first_database_is_there(run: Run) -> None:
    for line, name in (("SELECT 1", "SELECT"), ("MOVE a 1", "MOVE"), ("SWAPDB 0 1", "SWAPDB")):
        assert run(line) == f"-ERR {name} is not allowed in cluster mode\r\n".encode()
    assert run("COPY {a}1 {a}2 DB 1") == b"-ERR Copying to another database is not allowed in cluster mode\r\n"
    assert run("SELECT 0") == OK


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


def test_a_missing_slot_takes_the_cluster_down_unless_coverage_need_not_be_full(run: Run) -> None:
    run(f"CLUSTER DELSLOTS {SLOT_OF_A}")
    assert run("GET a") == UNBOUND
    assert run("GET b") == DOWN
    assert run("PING") == b"+PONG\r\n"
    run("CONFIG SET cluster-allow-reads-when-down yes")
    assert run("GET b") == b"$-1\r\n"
    assert run("SET b 1") == b"-CLUSTERDOWN The cluster is down and only accepts read commands\r\n"
    run("CONFIG SET cluster-require-full-coverage no")
    assert run("SET b 1") == OK
    assert run("GET a") == UNBOUND


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


def test_another_nodes_slot_is_answered_with_moved(run: Run) -> None:
    cluster = know_other(run)
    assert run(f"CLUSTER SETSLOT {SLOT_OF_A} NODE {OTHER}") == OK
    assert run("GET a") == b"-MOVED %d 127.0.0.9:7009\r\n" % SLOT_OF_A
    run("CONFIG SET cluster-preferred-endpoint-type hostname")
    assert run("GET a") == b"-MOVED %d other.example:7009\r\n" % SLOT_OF_A
    run("CONFIG SET cluster-preferred-endpoint-type unknown-endpoint")
    assert run("GET a") == b"-MOVED %d :7009\r\n" % SLOT_OF_A
    assert cluster.size() == 2
    assert run(f"CLUSTER FORGET {OTHER}") == OK
    assert run("GET a") == UNBOUND


def test_a_slot_with_keys_is_not_given_away(run: Run) -> None:
    know_other(run)
    run("SET a 1")
    problem = (
        f"-ERR Can't assign hashslot {SLOT_OF_A} to a different node while I still hold keys for this hash slot.\r\n"
    )
    assert run(f"CLUSTER SETSLOT {SLOT_OF_A} NODE {OTHER}") == problem.encode()


def test_a_migrating_slot_asks_for_what_has_left(run: Run) -> None:
    know_other(run)
    run("SET {a}1 x")
    assert run(f"CLUSTER SETSLOT {SLOT_OF_A} MIGRATING {OTHER}") == OK
    assert run("CLUSTER NODES").split(b"\n")[1].endswith(b"[%d->-%b]" % (SLOT_OF_A, OTHER.encode()))
    assert run("GET {a}1") == b"$1\r\nx\r\n"
    assert run("GET {a}2") == b"-ASK %d 127.0.0.9:7009\r\n" % SLOT_OF_A
    assert run("MGET {a}1 {a}2") == b"-TRYAGAIN Multiple keys request during rehashing of slot\r\n"
    assert run(f"CLUSTER SETSLOT {SLOT_OF_A} STABLE") == OK
    assert run("GET {a}2") == b"$-1\r\n"


def test_an_importing_slot_serves_who_asks(run: Run) -> None:
    cluster = know_other(run)
    run(f"CLUSTER SETSLOT {SLOT_OF_A} NODE {OTHER}")
    assert run(f"CLUSTER SETSLOT {SLOT_OF_A} IMPORTING {OTHER}") == OK
    moved = b"-MOVED %d 127.0.0.9:7009\r\n" % SLOT_OF_A
    assert run("SET a 1") == moved
    assert run("ASKING") == OK
    assert run("SET a 1") == OK
    assert run("GET a") == moved  # ASKING holds for one command
    run("ASKING")
    assert run("MGET a {a}2") == b"-TRYAGAIN Multiple keys request during rehashing of slot\r\n"
    run("ASKING")
    run("MULTI")
    assert run("GET a") == b"+QUEUED\r\n"
    assert run("EXEC") == b"*1\r\n$1\r\n1\r\n"
    assert run(f"CLUSTER SETSLOT {SLOT_OF_A} NODE {cluster.myself.id.decode()}") == OK
    assert run("GET a") == b"$1\r\n1\r\n"
    assert cluster.myself.epoch == 1


def test_restore_asking_needs_no_asking(run: Run) -> None:
    know_other(run)
    run("SET a 1")
    reply = run("DUMP a")
    payload = reply[reply.index(b"\r\n") + 2 : -2]
    run("DEL a")
    run(f"CLUSTER SETSLOT {SLOT_OF_A} NODE {OTHER}")
    assert run.args("RESTORE-ASKING", "a", 0, payload).startswith(b"-MOVED")
    run(f"CLUSTER SETSLOT {SLOT_OF_A} IMPORTING {OTHER}")
    assert run.args("RESTORE-ASKING", "a", 0, payload) == OK
    assert run("GET a").startswith(b"-MOVED")


def test_a_refused_command_spoils_its_transaction(run: Run) -> None:
    know_other(run)
    run(f"CLUSTER SETSLOT {SLOT_OF_A} NODE {OTHER}")
    run("MULTI")
    assert run("GET a").startswith(b"-MOVED")
    assert run("EXEC").startswith(b"-EXECABORT")
    run("MULTI")
    assert run("SET b 1") == b"+QUEUED\r\n"
    assert run("SET c 1") == b"+QUEUED\r\n"
    assert run("EXEC") == CROSS
    assert run("EXEC") == b"-ERR EXEC without MULTI\r\n"


def test_who_waits_is_told_where_the_slot_went(run: Run) -> None:
    know_other(run)
    waiting, listening = run.session(), run.session()
    assert waiting("BLPOP a 0") == b""
    assert listening("SSUBSCRIBE a") == b"*3\r\n$10\r\nssubscribe\r\n$1\r\na\r\n:1\r\n"
    run(f"CLUSTER SETSLOT {SLOT_OF_A} NODE {OTHER}")
    assert waiting.received() == b"-MOVED %d 127.0.0.9:7009\r\n" % SLOT_OF_A
    assert listening.received() == b"*3\r\n$12\r\nsunsubscribe\r\n$1\r\na\r\n:0\r\n"
    assert listening("GET b") == b"$-1\r\n"  # it is no subscriber any more
    assert waiting("BLPOP b 0") == b""
    run("CLUSTER DELSLOTS 0")
    assert waiting.received() == DOWN


def test_scripts_keep_to_the_keys_of_this_node(run: Run) -> None:
    know_other(run)
    assert run("EVAL \"return redis.call('get', KEYS[1])\" 1 b") == b"$-1\r\n"
    assert b"hash to the same slot" in run.args("EVAL", "#!lua\nreturn redis.call('get', 'x')", 1, "b")
    free = "#!lua flags=allow-cross-slot-keys\nredis.call('get', 'x') return redis.call('get', KEYS[1])"
    assert run.args("EVAL", free, 1, "b") == b"$-1\r\n"
    assert b"no-cluster" in run.args("EVAL", "#!lua flags=no-cluster\nreturn 1", 0)
    run(f"CLUSTER SETSLOT {SLOT_OF_A} NODE {OTHER}")
    assert b"non local key" in run("EVAL \"return redis.call('get', 'a')\" 0")


def test_sort_takes_patterns_that_stay_in_the_slot(run: Run, start_run: StartRun) -> None:
    run("RPUSH {x}l 1 2")
    run("MSET {x}w1 2 {x}w2 1")
    assert run("SORT {x}l BY {x}w*") == b"*2\r\n$1\r\n2\r\n$1\r\n1\r\n"
    assert run("SORT {x}l BY w*").startswith(b"-ERR BY option of SORT denied in Cluster mode")
    assert run("SORT {x}l GET #") == b"*2\r\n$1\r\n1\r\n$1\r\n2\r\n"
    older = start_in_cluster(start_run, "redis-7.1")
    assert older("SORT {x}l GET {x}w*") == b"-ERR GET option of SORT denied in cluster mode.\r\n"


@pytest.mark.parametrize(
    ("pattern", "slot"),
    [
        (b"{x}*", slot_of(b"x")), (b"*", -1), (b"a?{x}", -1), (b"abc", slot_of(b"abc")), (b"{}*", -1),
        (b"{}a{b}", slot_of(b"{}a{b}")), (b"a\\b", -1), (b"{x", slot_of(b"{x")),
    ],
)  # fmt: skip
def test_a_pattern_has_a_slot_when_all_it_matches_share_one(pattern: bytes, slot: int) -> None:
    assert slot_of_pattern(pattern) == slot


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


def test_shards_announce_what_the_parameters_say(start_run: StartRun) -> None:
    run = start_in_cluster(
        start_run, cluster_announce_ip="127.0.0.5", cluster_announce_port="7001", cluster_announce_hostname="a.example"
    )
    shard = run("CLUSTER SHARDS")
    for text in (b"127.0.0.5", b":7001\r\n", b"a.example", b"replication-offset", b"online"):
        assert text in shard
    assert b" 127.0.0.5:7001@17001,a.example myself,master" in run("CLUSTER NODES")


@pytest.fixture
def scanned(start_run: StartRun) -> Run:
    """A node of Valkey 9.1 with a hundred keys in many slots, and fifty in one."""
    run = start_in_cluster(start_run, "valkey-9.1")
    for number in range(100):
        run(f"SET key{number} x")
    for number in range(50):
        run(f"SET {{a}}{number} x")
    return run


def scan_of(run: Run, cursor: bytes, *options: str) -> tuple[bytes, list[bytes]]:
    """The next cursor and the keys of one call."""
    reply = run(" ".join(["CLUSTERSCAN", cursor.decode(), *options]))
    assert reply.startswith(b"*2\r\n$"), reply
    return reply.split(b"\r\n")[2], words(reply.split(b"\r\n", 3)[3])


def walk_of(run: Run, cursor: bytes, *options: str) -> list[bytes]:
    """The keys of a walk to its end."""
    found: list[bytes] = []
    while True:
        cursor, keys = scan_of(run, cursor, *options)
        found += keys
        if cursor == b"0":
            return found


def test_every_slot_has_a_tag_that_lies_in_it() -> None:
    assert [slot_of(tag_of_slot(slot)) for slot in range(SLOT_COUNT)] == list(range(SLOT_COUNT))
    assert [tag_of_slot(slot) for slot in (0, 1, 5, 15891)] == [b"06S", b"Qi", b"460", b"t"]  # as Valkey 9.1.2 has them


@pytest.mark.parametrize("count", ["1", "10", "1000"])
def test_a_walk_over_the_cluster_finds_each_key_once(scanned: Run, count: str) -> None:
    found = walk_of(scanned, b"0", "COUNT", count)
    assert sorted(found) == sorted([b"key%d" % at for at in range(100)] + [b"{a}%d" % at for at in range(50)])


def test_the_first_call_says_only_where_to_go(scanned: Run) -> None:
    assert scan_of(scanned, b"0") == (b"0-{06S}-0", [])
    assert scan_of(scanned, b"0", "SLOT", "5") == (b"0-{460}-0", [])
    assert scan_of(scanned, b"0", "MATCH", "{t}*") == (b"0-{t}-0", [])
    assert scan_of(scanned, b"0", "MATCH", "{t}*", "SLOT", "5") == (b"0", [])


def test_a_walk_stays_in_its_slot_when_asked_to_or_when_the_pattern_does(scanned: Run) -> None:
    tagged = sorted(b"{a}%d" % at for at in range(50))
    assert sorted(walk_of(scanned, b"0", "SLOT", str(SLOT_OF_A))) == tagged
    assert sorted(walk_of(scanned, b"0", "MATCH", "{a}*")) == tagged
    assert walk_of(scanned, b"0", "MATCH", "{a}*", "TYPE", "hash") == []
    assert scan_of(scanned, b"0-{%b}-0" % tag_of_slot(SLOT_COUNT - 1), "MATCH", "{a}*") == (b"0", [])
    assert scan_of(scanned, b"0-{06S}-0", "MATCH", "{a}*") == (b"0-{%b}-0" % tag_of_slot(SLOT_OF_A), [])


def test_a_cursor_of_another_node_begins_its_slot_again(scanned: Run) -> None:
    cursor, first = scan_of(scanned, b"0-{a}-0", "SLOT", str(SLOT_OF_A), "COUNT", "5")
    mark, _, place = cursor.partition(b"-{")
    assert mark != b"0"
    assert scan_of(scanned, b"other-{" + place, "SLOT", str(SLOT_OF_A), "COUNT", "5") == (cursor, first)


def test_a_walk_goes_on_where_the_next_slot_is(scanned: Run) -> None:
    know_other(scanned)
    assert scanned(f"CLUSTER SETSLOT {SLOT_OF_A} NODE {OTHER}").startswith(b"-ERR Can't assign hashslot")
    for number in range(50):
        scanned(f"DEL {{a}}{number}")
    assert scanned(f"CLUSTER SETSLOT {SLOT_OF_A} NODE {OTHER}") == OK
    cursor, keys = scan_of(scanned, b"0-{06S}-0", "COUNT", "1000")
    assert cursor == b"0-{%b}-0" % tag_of_slot(SLOT_OF_A)
    assert keys
    assert all(slot_of(key) < SLOT_OF_A for key in keys)
    assert scanned(f"CLUSTERSCAN {cursor.decode()}") == b"-MOVED %d 127.0.0.9:7009\r\n" % SLOT_OF_A


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("foo", b"Invalid cursor"), ("00", b"Invalid cursor"), ("0-{a}", b"Invalid cursor"),
        ("0-{a}-x", b"Invalid cursor"), ("0-{a}--1", b"Invalid cursor"), ("0-{a}-18446744073709551616", b"Invalid cursor"),
        ("foo FOO", b"syntax error"), ("0 MATCH", b"syntax error"), ("0 COUNT 0", b"syntax error"),
        ("0 COUNT x", b"value is not an integer or out of range"), ("0 TYPE foo", b"unknown type name 'foo'"),
        ("0 SLOT 16384", b"Invalid or out of range slot"), ("0 SLOT x COUNT x", b"Invalid or out of range slot"),
        ("0 SLOT 5 SLOT 5", b"SLOT option can only be specified once"),
        ("0-{06S}-0 SLOT 5", b"Cursor slot mismatch with SLOT argument"),
        ("0 NOVALUES", b"NOVALUES option can only be used in HSCAN"),
        ("0 NOSCORES", b"NOSCORES option can only be used in ZSCAN"),
    ],
)  # fmt: skip
def test_clusterscan_refuses_what_valkey_refuses(scanned: Run, line: str, problem: bytes) -> None:
    assert scanned(f"CLUSTERSCAN {line}") == b"-ERR " + problem + b"\r\n"


def test_clusterscan_needs_a_cluster_and_has_no_keys(start_run: StartRun) -> None:
    alone = start_run("valkey-9.1")
    assert alone("CLUSTERSCAN 0") == b"-ERR This instance has cluster support disabled\r\n"
    assert alone("COMMAND GETKEYS CLUSTERSCAN 0") == b"-ERR The command has no key arguments\r\n"
    assert alone("SCAN 0 SLOT 5") == b"-ERR syntax error\r\n"
