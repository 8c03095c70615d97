"""What replicas do when one of them becomes the primary: they resume where they are, whoever is at the other end."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.engine.server.test_replication import (
    DEBUG,
    Client,
    Peer,
    caught_up,
    change,
    client,
    fill,
    start_redis,
    until,
)

if TYPE_CHECKING:
    from tests.engine.conftest import StartEngine

__all__ = ["client", "start_redis"]  # fixtures

Start = Callable[[str], tuple[Peer, int]]


@pytest.fixture
def start(start_engine: "StartEngine", start_redis: Callable[..., int], client: Client) -> Start:
    """Start ``ours`` or ``theirs``: a client of it, and its port."""

    def start(kind: str) -> tuple[Peer, int]:
        port = start_engine(*DEBUG, "--profile", "redis-7.1").port if kind == "ours" else start_redis()
        return client(port), port

    return start


@pytest.mark.compat
@pytest.mark.parametrize("kinds", ["ours ours ours", "ours theirs ours", "theirs ours theirs", "theirs ours ours"])
def test_replicas_resume_from_the_one_that_was_promoted(start: Start, kinds: str) -> None:
    (old, old_port), (new, new_port), (other, _) = (start(kind) for kind in kinds.split())
    fill(old)
    for replica in (new, other):
        replica("REPLICAOF", "127.0.0.1", old_port)
        until(replica.is_linked, "the replica is linked")
    caught_up(old, 2)
    change(old)
    offset = int(old.info("replication")["master_repl_offset"])
    for replica in (new, other):
        until(lambda peer=replica: int(peer.info("replication")["master_repl_offset"]) >= offset, "has everything")  # type: ignore[misc]
    history = old.info("replication")["master_replid"]

    new("REPLICAOF", "NO", "ONE")
    promoted = new.info("replication")
    assert promoted["master_replid2"] == history
    assert promoted["master_replid"] != history
    assert int(promoted["second_repl_offset"]) == int(promoted["master_repl_offset"]) + 1
    new("SET", "after-the-promotion", 1)
    for replica in (other, old):
        replica("REPLICAOF", "127.0.0.1", new_port)
        until(replica.is_linked, "the replica is linked to the new primary")
    new("SET", "n", 1)
    assert new("WAIT", 2, 60_000) == 2
    assert new.digest() == other.digest() == old.digest()
    stats = new.info("stats")
    assert (stats["sync_full"], stats["sync_partial_ok"]) == ("0", "2")
    assert other.info("replication")["master_replid2"] == history


@pytest.mark.compat
@pytest.mark.parametrize("kinds", ["ours theirs", "theirs ours"])
def test_writes_after_the_split_lead_to_a_full_synchronisation(start: Start, kinds: str) -> None:
    (old, old_port), (new, new_port) = (start(kind) for kind in kinds.split())
    fill(old)
    new("REPLICAOF", "127.0.0.1", old_port)
    caught_up(old)
    new("REPLICAOF", "NO", "ONE")
    for number in range(10):
        old("SET", f"only-here-{number}", "x" * 100)
    old("REPLICAOF", "127.0.0.1", new_port)
    until(old.is_linked, "the old primary follows")
    assert new("WAIT", 1, 60_000) in {0, 1}
    until(lambda: old.digest() == new.digest(), "the old primary has what the new one has")
    stats = new.info("stats")
    assert (stats["sync_full"], stats["sync_partial_err"]) == ("1", "1")
