"""What a writable replica keeps for itself."""

from tests.engine.in_process import Run
from tests.engine.replicas import Follow


def test_a_writable_replica_ends_the_keys_of_its_own_clients_itself(run: Run, follow: Follow) -> None:
    wire = follow(run)
    wire.replica("CONFIG SET replica-read-only no")
    wire.replica("SET mine 1 PX 100")
    run("SET theirs 1 PX 100")
    wire.deliver()
    wire.replica.advance(200)
    assert wire.replica("DBSIZE") == b":1\r\n"
    assert wire.replica("INCR theirs") == b":1\r\n"
    assert wire.replica("TTL theirs") == b":-1\r\n"
