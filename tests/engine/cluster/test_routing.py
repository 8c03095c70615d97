"""What the slot table means for requests."""

import pytest
from tests.engine.in_cluster import CROSS, DOWN, OK, OTHER, SLOT_OF_A, UNBOUND, know_other, start_in_cluster
from tests.engine.in_process import Run, StartRun


@pytest.fixture
def run(start_run: StartRun) -> Run:
    """A client of a node in cluster mode."""
    return start_in_cluster(start_run)


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
