"""Atomic slot migration of Valkey 9, and what nodes say to each other during one."""

import pytest
from tests.engine.in_cluster import OTHER, know_other, start_in_cluster
from tests.engine.in_process import Run, StartRun


@pytest.fixture
def run(start_run: StartRun) -> Run:
    """A client of a node of Valkey 9.1 in cluster mode with 16 databases."""
    return start_in_cluster(start_run, "valkey-9.1", cluster_databases="16")


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
