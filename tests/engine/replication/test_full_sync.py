"""Replicas that need all the data, and what they share."""

import pytest
from tests.engine.in_process import Run, StartRun
from tests.engine.replicas import Follow, Wire, digest, fill, finish


def ask(run: Run, *capabilities: str) -> Run:
    """A replica that has asked for all the data."""
    replica = run.session()
    for capability in capabilities:
        replica(f"REPLCONF capa {capability}")
    replica("PSYNC ? -1")
    return replica


def states(run: Run) -> list[bytes]:
    info = run("INFO replication")
    return [line.split(b"state=")[1].split(b",")[0] for line in info.split(b"\r\n") if line.startswith(b"slave")]


def test_replicas_that_ask_together_take_one_snapshot(run: Run) -> None:
    fill(run)
    first, second = ask(run, "eof"), ask(run, "eof")
    assert len(run.engine.replication.transfers) == 1
    finish(run)
    sent = first.received()
    assert sent == second.received()
    assert sent.startswith(b"REDIS0011")


def test_a_replica_that_comes_later_waits_for_the_next_snapshot_and_is_in_it(run: Run) -> None:
    fill(run)
    first = ask(run, "eof")
    run.engine.work(0)
    second, third = ask(run, "eof"), ask(run, "eof")
    assert states(run) == [b"send_bulk", b"wait_bgsave", b"wait_bgsave"]
    assert second.received() == b""
    run("SET written-meanwhile 1")
    finish(run)
    assert b"written-meanwhile" not in first.received()
    later = second.received()
    assert later == third.received()
    assert later.startswith(b"+FULLRESYNC ")
    assert b"written-meanwhile" in later.split(b"$EOF:", 1)[1]
    assert b"sync_full:3\r\n" in run("INFO stats")


def test_who_waits_is_told_that_the_primary_is_still_here(run: Run) -> None:
    fill(run)
    ask(run, "eof")
    run.engine.work(0)
    waiting = ask(run, "eof")
    run.clock.now_us += 1_100_000
    run.engine.start_turn()
    run.engine.replication.tick()
    assert waiting.received() == b"\n"


def test_those_who_cannot_take_the_same_form_do_not_share(run: Run) -> None:
    fill(run)
    ask(run, "eof")
    ask(run)
    assert len(run.engine.replication.transfers) == 2
    assert states(run) == [b"send_bulk", b"send_bulk"]


def test_the_snapshot_ends_when_the_last_who_takes_it_goes(run: Run) -> None:
    fill(run)
    first, second = ask(run, "eof"), ask(run, "eof")
    run.engine.close_session(first.client)
    assert run.engine.has_work()
    run.engine.close_session(second.client)
    assert not run.engine.has_work()
    assert run.engine.replication.transfers == []


def test_three_replicas_of_one_primary_have_its_data(run: Run, follow: Follow) -> None:
    fill(run)
    wires: list[Wire] = [follow(run), follow(run), follow(run)]
    run("SET later 1")
    for wire in wires:
        wire.deliver()
        assert digest(wire.replica) == digest(run)


@pytest.mark.no_cover
def test_a_long_string_is_sent_as_it_was_when_the_snapshot_began(run: Run, start_run: StartRun) -> None:
    random = bytes((number * number >> 7) * 251 & 0xFF for number in range(1 << 21))
    run.args("SET", "noise", random)
    run.args("SET", "text", b"some text that repeats itself " * 100_000)
    run.args("SET", "edited", b"y" * (1 << 20))
    run("APPEND edited z")
    replica = start_run()
    replica("REPLICAOF 127.0.0.1 6379")
    wire = Wire(run, replica)
    wire.connect()
    assert wire.client is not None
    wire.link.feed(wire.client.feed(wire.link.take_output()))
    while not run.engine.snapshots_run:
        up = wire.link.take_output()
        assert up
        wire.link.feed(wire.client.feed(up))
    run.engine.work(0)
    run("APPEND noise more")
    run("DEL text")
    run("APPEND edited w")
    wire.deliver()
    assert digest(replica) == digest(run)
    assert replica("STRLEN edited") == b":%d\r\n" % ((1 << 20) + 2)
