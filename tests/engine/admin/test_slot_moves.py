"""Keys that move from shard to shard: two nodes in this process, and what their clients see meanwhile."""

from dataclasses import dataclass

import pytest
from tests.engine.in_cluster import OK, start_in_cluster
from tests.engine.in_process import Run, StartRun
from tests.engine.topologies import Document, adopt, node_id, shard_id, topology

from cachetwin_engine.core.admin.slot_moves import BATCH_KEYS_MAX, Batch
from cachetwin_engine.core.execution.peers import greeting
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.protocol.replies import bulk_array

SLOT = 3300  # of "b" and "{b}...", of the first shard
ASK = b"-ASK 3300 127.0.2.1:7000\r\n"
TRY_AGAIN = b"-TRYAGAIN Multiple keys request during rehashing of slot\r\n"


def moving(document: Document) -> Document:
    """The next topology, in which the slot is on its way from the first shard to the second."""
    move = {"slots": [[SLOT, SLOT]], "from": shard_id(1), "to": shard_id(2)}
    return {**document, "epoch": document["epoch"] + 1, "secret": "secret", "moves": [move]}


def moved(document: Document) -> Document:
    """The next topology, in which the slot is the second shard's."""
    document = {**document, "epoch": document["epoch"] + 1, "moves": []}
    first, second, third = document["shards"]
    first = {**first, "slots": [[0, SLOT - 1], [SLOT + 1, 5460]]}
    second = {**second, "slots": [*second["slots"], [SLOT, SLOT]]}
    return {**document, "shards": [first, second, third]}


@dataclass
class Move:
    """The node that the slot leaves, the one it goes to, and the connection between the two."""

    source: Run
    target: Run
    document: Document
    peer: Run

    def batch(self) -> Batch:
        batch = self.source.engine.slot_moves.next_request()
        assert batch is not None
        return batch

    def deliver(self, batch: Batch) -> list[bytes]:
        """What the target replies."""
        return self.peer.client.feed(batch.request).split(b"\r\n")[:-1]

    def carry(self, batch: Batch) -> bool:
        goes_on = self.source.engine.slot_moves.answered(batch, self.deliver(batch))
        self.source.engine.run_pending()
        return goes_on

    def carry_all(self) -> None:
        while self.source.engine.slot_moves.next_request() is not None:
            assert self.carry(self.batch())


def greet(target: Run, who: str, epoch: int, secret: bytes = b"secret") -> tuple[Run, bytes]:
    """A connection to ``target`` of the node ``who``, and the reply to its greeting."""
    peer = target.session()
    return peer, peer.client.feed(bulk_array(greeting(who.encode(), epoch, secret)))


@pytest.fixture
def move(start_run: StartRun) -> Move:
    document = moving(topology(replicas=0))
    source, target = start_in_cluster(start_run), start_in_cluster(start_run)
    adopt(source, topology(replicas=0), node_id(1, 1))
    for number in range(3):
        source(f"SET {{b}}{number} {number}")
    source("RPUSH {b}list a b c")
    adopt(target, document, node_id(2, 1))
    adopt(source, document, node_id(1, 1))
    peer, reply = greet(target, node_id(1, 1), 2)
    assert reply == OK
    return Move(source, target, document, peer)


def test_all_keys_move_and_the_source_asks_clients_over(move: Move) -> None:
    source, target = move.source, move.target
    source("PEXPIRE {b}0 60000")
    assert source("GET {b}9") == ASK  # not there: it would be created over there
    assert source("MGET {b}0 {b}9") == TRY_AGAIN
    assert source("SET {b}0 changed KEEPTTL") == OK
    assert not source.engine.slot_moves.is_done()
    move.carry_all()
    assert source.engine.slot_moves.is_done()
    assert source("DBSIZE") == b":0\r\n"
    assert source("GET {b}0") == ASK
    assert target("GET {b}0") == b"-MOVED 3300 127.0.1.1:7000\r\n"
    assert target("ASKING") == OK
    assert target("GET {b}0") == b"$7\r\nchanged\r\n"
    target("ASKING")
    assert target("PTTL {b}0") == b":60000\r\n"
    target("ASKING")
    assert target("LRANGE {b}list 0 -1") == b"*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n"
    document = moved(move.document)
    adopt(target, document, node_id(2, 1))
    adopt(source, document, node_id(1, 1))
    assert target("GET {b}1") == b"$1\r\n1\r\n"
    assert source("GET {b}1") == b"-MOVED 3300 127.0.2.1:7000\r\n"


def test_a_write_to_a_key_on_its_way_waits_for_the_answer(move: Move) -> None:
    source = move.source
    writer, reader, transaction = source.session(), source.session(), source.session()
    batch = move.batch()
    assert writer("INCR {b}1") == b""
    assert reader("GET {b}1") == b"$1\r\n1\r\n"
    assert transaction("MULTI") == OK
    assert transaction("INCR {b}2") == b"+QUEUED\r\n"
    assert transaction("EXEC") == b""
    assert source("SET {b}1 scripted") == b""
    assert source.session().args("EVAL", "return redis.call('INCR', KEYS[1])", 1, "{b}0") == b""
    assert move.carry(batch)
    assert writer.received() == ASK
    assert transaction.received() == ASK
    assert source.received() == ASK
    assert reader("GET {b}1") == ASK


def test_without_an_answer_the_keys_wait_and_are_sent_again(move: Move) -> None:
    source, target = move.source, move.target
    writer = source.session()
    batch = move.batch()
    move.deliver(batch)  # it arrives, the answer does not
    assert writer("SET {b}1 new") == b""
    assert not source.engine.slot_moves.answered(batch, [])
    assert writer.received() == b""
    assert source("GET {b}1") == b"$1\r\n1\r\n"
    assert sorted(move.batch().keys) == sorted(batch.keys)
    assert move.carry(move.batch())
    assert writer.received() == ASK
    target("ASKING")
    assert target("GET {b}1") == b"$1\r\n1\r\n"


def test_a_key_that_expired_between_two_attempts_is_taken_back(move: Move) -> None:
    source, target = move.source, move.target
    source("PEXPIRE {b}1 10")
    batch = move.batch()
    move.deliver(batch)
    source.engine.slot_moves.answered(batch, [])
    source.advance(11)
    target.clock.now_us = source.clock.now_us
    assert move.carry(move.batch())
    target("ASKING")
    assert target("EXISTS {b}1") == b":0\r\n"
    assert source.engine.slot_moves.is_done()


def test_a_key_that_the_target_refuses_stays(move: Move) -> None:
    source, target = move.source, move.target
    target("CONFIG SET maxmemory 1 maxmemory-policy noeviction")
    writer = source.session()
    batch = move.batch()
    assert writer("SET {b}1 new") == b""
    assert not move.carry(batch)
    assert writer.received() == OK
    assert source("GET {b}1") == b"$3\r\nnew\r\n"
    target("CONFIG SET maxmemory 0")
    move.carry_all()
    target("ASKING")
    assert target("GET {b}1") == b"$3\r\nnew\r\n"


def test_a_replica_of_the_target_must_have_the_keys_first(start_run: StartRun) -> None:
    document = moving(topology(replicas=1))
    source = start_in_cluster(start_run)
    adopt(source, topology(), node_id(1, 1))
    source("SET b 1")
    adopt(source, document, node_id(1, 1))
    moves = source.engine.slot_moves
    batch = moves.next_request()
    assert batch is not None
    assert batch.request.endswith(bulk_array([b"WAIT", b"1", b"1000"]))
    assert not moves.answered(batch, [b"+OK", b":0"])
    assert source("EXISTS b") == b":1\r\n"
    batch = moves.next_request()
    assert batch is not None
    assert moves.answered(batch, [b"+OK", b":1"])
    assert source("EXISTS b") == ASK
    document["epoch"] += 1
    document["shards"][1]["nodes"][1]["health"] = "fail"
    adopt(source, document, node_id(1, 1))
    source.engine.databases[0].put(b"b", b"1")
    batch = moves.next_request()
    assert batch is not None
    assert b"WAIT" not in batch.request


def test_a_slot_of_many_keys_goes_in_batches(move: Move) -> None:
    source = move.source
    adopt(source, {**move.document, "epoch": 3, "moves": []}, node_id(1, 1))
    for number in range(2 * BATCH_KEYS_MAX):
        source(f"SET {{b}}{number} v")
    adopt(source, {**move.document, "epoch": 4}, node_id(1, 1))
    assert len(move.batch().keys) == BATCH_KEYS_MAX
    assert source.engine.slot_moves.keys_left() == 2 * BATCH_KEYS_MAX + 1  # and the list
    move.carry_all()
    assert move.source("DBSIZE") == b":0\r\n"


def test_a_new_primary_of_the_source_first_learns_what_has_left(start_run: StartRun, move: Move) -> None:
    target = move.target
    heir = start_in_cluster(start_run)
    document = moving(topology(replicas=1))
    adopt(heir, document, node_id(1, 2))
    for number in range(3):  # its primary's, without the deletion of what has left
        heir.engine.databases[0].put(b"{b}%d" % number, b"old")
    move.carry_all()
    target("ASKING")
    target("SET {b}0 newer")
    document = {**document, "epoch": 3}
    document["shards"][0]["nodes"][0]["role"] = "replica"
    document["shards"][0]["nodes"][1]["role"] = "primary"
    adopt(heir, document, node_id(1, 2))
    client = heir.session()
    assert client("GET {b}0") == b""  # held: what is here may be old
    batch = heir.engine.slot_moves.next_request()
    assert batch is not None
    assert batch.slots == [SLOT]
    peer, reply = greet(target, node_id(1, 2), 3)
    assert reply == b"-ERR the topology here is older\r\n"
    adopt(target, document, node_id(2, 1))
    peer, reply = greet(target, node_id(1, 2), 3)
    assert reply == OK
    keys = peer.client.feed(batch.request).split(b"\r\n")[2::2]
    heir.engine.slot_moves.has_keys(batch, [keys])
    assert client.received() == ASK
    assert heir("DBSIZE") == b":0\r\n"
    assert heir.engine.slot_moves.is_done()
    # The old primary, if it still lives, can't overwrite what is newer.
    refused = move.peer.client.feed(bulk_array([b"RESTORE-ASKING", b"{b}0", b"0", b"x", b"REPLACE"]))
    assert refused == b"-MOVED 3300 127.0.1.2:7000\r\n"
    target("ASKING")
    assert target("GET {b}0") == b"$5\r\nnewer\r\n"


def test_a_new_primary_of_the_target_gets_the_rest(move: Move) -> None:
    source = move.source
    writer = source.session()
    batch = move.batch()
    assert writer("SET {b}1 x") == b""
    assert not source.engine.slot_moves.answered(batch, [])
    document = moving(topology(replicas=1))
    document["epoch"] = 3
    document["shards"][1]["nodes"][0].update(role="replica", health="fail")
    document["shards"][1]["nodes"][1].update(role="primary")
    adopt(source, document, node_id(1, 1))
    assert writer.received() == b""
    again = move.batch()
    assert again.target.ip == "127.0.2.2"
    assert again.keys == batch.keys
    assert source.engine.slot_moves.answered(again, [b"+OK"] * 4)
    source.engine.run_pending()
    assert writer.received() == b"-ASK 3300 127.0.2.2:7000\r\n"


def test_slots_can_not_be_taken_before_they_are_empty(move: Move) -> None:
    with pytest.raises(CommandError, match="slot 3300 still has keys that have to be moved"):
        adopt(move.source, moved(move.document), node_id(1, 1))
    move.carry_all()
    adopt(move.source, moved(move.document), node_id(1, 1))


def test_a_move_that_begins_again_does_not_bring_back_old_keys(move: Move) -> None:
    source, target = move.source, move.target
    move.deliver(move.batch())
    for run, who in ((source, node_id(1, 1)), (target, node_id(2, 1))):
        adopt(run, {**move.document, "epoch": 3, "moves": []}, who)
    assert source("DEL {b}0 {b}1 {b}2") == b":3\r\n"
    for run, who in ((target, node_id(2, 1)), (source, node_id(1, 1))):
        adopt(run, {**move.document, "epoch": 4}, who)
    assert source("GET {b}0") == ASK
    target("ASKING")
    assert target("GET {b}0") == b"$-1\r\n"


def test_only_nodes_with_the_secret_are_let_in(move: Move) -> None:
    _, reply = greet(move.target, node_id(1, 1), 2, b"another")
    assert reply.startswith(b"-ERR unknown command 'CACHETWIN-PEER'")
    stranger = move.target.session()
    assert stranger.args("RESTORE-ASKING", "{b}0", 0, "x").startswith(b"-ERR DUMP payload")


def test_a_new_primary_of_the_target_keeps_what_has_come(start_run: StartRun) -> None:
    heir = start_in_cluster(start_run)
    heir.engine.databases[0].put(b"{b}0", b"came by replication")
    adopt(heir, moving(topology(replicas=1)), node_id(2, 1))
    heir("ASKING")
    assert heir("EXISTS {b}0") == b":1\r\n"
