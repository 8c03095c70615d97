"""What Valkey 9 adds to CLUSTER: several databases, whole slots emptied, slots handed over. Replies are those of 9.1.2."""

import pytest
from tests.engine.commands.cluster.test_cluster import OK, OTHER, SLOT_OF_A, know_other, start_in_cluster
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


def test_a_slots_keys_are_counted_in_the_chosen_database_or_in_all(run: Run) -> None:
    for database, count in ((0, 1), (9, 2)):
        run(f"SELECT {database}")
        for number in range(count):
            run(f"SET {{a}}{number} v")
    assert run(f"CLUSTER COUNTKEYSINSLOT {SLOT_OF_A}") == b":2\r\n"
    assert run(f"CLUSTER GETKEYSINSLOT {SLOT_OF_A} 10").startswith(b"*2\r\n")
    assert run(f"CLUSTER SLOT-STATS SLOTSRANGE {SLOT_OF_A} {SLOT_OF_A}").endswith(b"$9\r\nkey-count\r\n:3\r\n")
    assert run(f"CLUSTERSCAN 0 SLOT {SLOT_OF_A}").startswith(b"*2\r\n")
    run("SELECT 1")
    assert run(f"CLUSTER COUNTKEYSINSLOT {SLOT_OF_A}") == b":0\r\n"


def test_a_key_in_any_database_keeps_slots(run: Run) -> None:
    run("SELECT 7")
    run("SET a v")
    run("SELECT 0")
    cluster = know_other(run)
    assert run("CLUSTER FLUSHSLOTS") == b"-ERR DB must be empty to perform CLUSTER FLUSHSLOTS.\r\n"
    assert run("CLUSTER RESET") == b"-ERR CLUSTER RESET can't be called with master nodes containing keys\r\n"
    assert run(f"CLUSTER SETSLOT {SLOT_OF_A} NODE {OTHER}").startswith(b"-ERR Can't assign hashslot")
    assert cluster.owners[SLOT_OF_A] is cluster.myself


def test_a_slot_is_emptied_in_all_databases(run: Run) -> None:
    run.replicate()
    watcher = run.session()
    watcher("WATCH {a}1")
    for database in (0, 5):
        run(f"SELECT {database}")
        run("MSET {a}1 v {a}2 v")
        run("SET b v")
    watcher("MULTI")
    assert run(f"CLUSTER FLUSHSLOT {SLOT_OF_A} ASYNC") == OK
    assert run.effects()[-1] == (5, [b"CLUSTER", b"FLUSHSLOT", b"%d" % SLOT_OF_A, b"ASYNC"])
    assert run("DBSIZE") == b":1\r\n"
    assert watcher("EXEC") == b"*-1\r\n"
    run("SELECT 0")
    assert run("DBSIZE") == b":1\r\n"
    told = len(run.effects())
    assert run(f"CLUSTER FLUSHSLOT {SLOT_OF_A}") == OK
    assert len(run.effects()) == told  # nothing was there


def test_who_listens_hears_of_keys_in_their_databases(run: Run) -> None:
    run("CONFIG SET notify-keyspace-events Kg")
    listener = run.session()
    listener("PSUBSCRIBE *")
    run("SELECT 4")
    run("SET {a}1 v")
    run("MOVE {a}1 7")
    run(f"CLUSTER FLUSHSLOT {SLOT_OF_A}")
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
def test_orders_are_judged_by_their_words(run: Run, line: str, problem: bytes) -> None:
    assert run(f"CLUSTER {line}") == b"-ERR " + problem + b"\r\n"


def test_a_primary_is_a_replica_of_no_one(run: Run, start_run: StartRun) -> None:
    assert run("CLUSTER REPLICATE no ONE") == OK
    before = start_in_cluster(start_run, "valkey-8.1")
    assert before("CLUSTER REPLICATE NO ONE") == b"-ERR wrong number of arguments for 'cluster|replicate' command\r\n"


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


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("INVALID 0 1", b"syntax error"),
        ("SLOTSRANGE 0", b"No end slot for final slot range"),
        ("SLOTSRANGE 16385 16388", b"Invalid or out of range slot"),
        ("SLOTSRANGE a 0", b"No slot ranges specified"),
        ("SLOTSRANGE 0 a", b"Invalid or out of range slot"),
        ("SLOTSRANGE 1 0", b"Start slot number 1 is greater than end slot number 0."),
        ("SLOTSRANGE 3 6 0 5", b"Slot range 0-5 overlaps with previous range 3-6."),
        ("SLOTSRANGE 0 0 NODE", b"syntax error"),
        ("SLOTSRANGE 0 0 NODE blah", b"Invalid node name: blah"),
        (f"SLOTSRANGE 0 0 NODE {OTHER[::-1]}", b"Unknown node name: " + OTHER[::-1].encode()),
        ("SLOTSRANGE 0 0 NODE {me}", b"Target node can not be this node."),
        (f"SLOTSRANGE 0 4 NODE {OTHER} SLOTSRANGE 4 5 NODE {OTHER}", b"Slot ranges in migrations overlap"),
        ("SLOTSRANGE 98 101", b"Requested slots span multiple shards"),
        ("SLOTSRANGE 100 101", b"Slots are not served by this node."),
        ("SLOTSRANGE 199 200", b"Slot 200 has no node served."),
    ],
)
def test_a_migration_is_judged_before_it_is_refused(run: Run, line: str, problem: bytes) -> None:
    cluster = know_other(run)
    for slot in (100, 101):
        cluster.assign(slot, cluster.nodes[OTHER.encode()])
    cluster.release(200)
    words = line.format(me=cluster.myself.id.decode())
    assert run(f"CLUSTER MIGRATESLOTS {words}") == b"-ERR " + problem + b"\r\n"


def test_no_migration_ever_runs(run: Run) -> None:
    know_other(run)
    refused = run(f"CLUSTER MIGRATESLOTS SLOTSRANGE 0 5 NODE {OTHER}")
    assert refused.startswith(b"-ERR CLUSTER MIGRATESLOTS is not supported: this engine has no cluster bus")
    assert run("CLUSTER GETSLOTMIGRATIONS") == b"*0\r\n"
    assert run("CLUSTER CANCELSLOTMIGRATIONS") == b"-ERR No migrations ongoing\r\n"
    run(f"CLUSTER SETSLOT 5 MIGRATING {OTHER}")
    assert run("CLUSTER MIGRATESLOTS SLOTSRANGE 0 5") == b"-ERR Slots are being manually migrated\r\n"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("foo", b"syntax error"),
        ("paused", b"CLUSTER SYNCSLOTS PAUSED should only be used by slot migration clients"),
        ("finish state success", b"syntax error"),
        (f"finish state success name {OTHER}", b"No such slot migration job"),
        (f"finish state success name {OTHER} message", b"syntax error"),
        ("establish", b"syntax error"),
        (f"establish source {OTHER[::-1]}", b"Target node does not know the source node"),
        ("establish source {me}", b"Source node is target node itself"),
        (
            f"establish name {OTHER} source {OTHER} slotsrange 0 1",
            b"Target node does not agree about current slot ownership",
        ),
    ],
)
def test_what_nodes_say_during_a_migration_is_refused_to_others(run: Run, line: str, problem: bytes) -> None:
    words = line.format(me=know_other(run).myself.id.decode())
    assert run(f"CLUSTER SYNCSLOTS {words}") == b"-ERR " + problem + b"\r\n"
    assert run("CLUSTER SYNCSLOTS capa foo") == b""
    assert b"SYNCSLOTS" not in run("CLUSTER HELP")


def test_shards_tell_their_id_and_nodes_where_they_stand(run: Run) -> None:
    cluster = know_other(run)
    run("CONFIG SET availability-zone az-1")
    assert b"$17\r\navailability-zone\r\n$4\r\naz-1\r\n$2\r\nid\r\n$40\r\n" + cluster.myself.shard_id in run(
        "CLUSTER SHARDS"
    )
    assert run("CLUSTER SLOTS").endswith(b"*2\r\n$17\r\navailability-zone\r\n$4\r\naz-1\r\n")
    assert b"cluster_nodes_pfail:0\r\n" in run("CLUSTER INFO")


def test_clients_can_be_told_another_port_than_nodes(run: Run) -> None:
    run("CONFIG SET cluster-announce-port 7000")
    assert b"\r\n:7000\r\n" in run("CLUSTER SLOTS")
    run("CONFIG SET cluster-announce-client-port 7001")
    assert b"\r\n:7001\r\n" in run("CLUSTER SLOTS")


def test_the_slot_of_a_key_needs_no_cluster(start_run: StartRun) -> None:
    assert start_run("valkey-9.1")("CLUSTER KEYSLOT a") == b":%d\r\n" % SLOT_OF_A


def test_the_debugger_of_scripts_is_one_of_an_engine(start_run: StartRun) -> None:
    run = start_run("valkey-9.1")
    assert run("SCRIPT DEBUG NO LUA") == run("SCRIPT DEBUG NO") == OK
    assert run("SCRIPT DEBUG x js") == b"-ERR No scripting engine found with name 'js' to enable debug\r\n"
    assert run("SCRIPT DEBUG NO lua x").startswith(b"-ERR unknown subcommand or wrong number of arguments for 'DEBUG'.")
    assert start_run("valkey-9.0")("SCRIPT DEBUG NO lua") == (
        b"-ERR wrong number of arguments for 'script|debug' command\r\n"
    )
