"""CLIENT: what is known of connections, and how they are ended."""

from tests.engine.in_process import Run, StartRun


def test_kill_ends_the_connections_that_match(run: Run) -> None:
    other = run.session()
    other("CLIENT SETNAME other")
    assert run("CLIENT KILL SKIPME yes") == b":1\r\n"
    assert other.client.closing
    assert b"name=other" not in run("CLIENT LIST")


def test_unblock_ends_a_wait(run: Run) -> None:
    other = run.session()
    number = other("CLIENT ID")[1:-2].decode()
    assert other("BLPOP none 0") == b""
    assert run(f"CLIENT UNBLOCK {number} ERROR") == b":1\r\n"
    assert other.received() == b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"
    assert run(f"CLIENT UNBLOCK {number}") == b":0\r\n"


def test_an_idle_client_has_a_small_reply_buffer(run: Run) -> None:
    idle = run.session()
    idle("CLIENT SETNAME idle")
    assert b"name=idle" in run("CLIENT LIST")
    assert run("CLIENT LIST").count(b"rbs=16384") == 2
    run.advance(5001)
    assert run("CLIENT LIST").count(b"rbs=1024 ") == 1


def test_ids_and_buffers_of_clients_are_told_as_the_version_tells_them(start_run: StartRun) -> None:
    older = start_run("redis-7.1")
    assert older("CLIENT KILL ID x") == b"-ERR client-id should be greater than 0\r\n"
    assert older("CLIENT LIST ID x") == b"-ERR Invalid client ID\r\n"
    assert b" qbuf=26 " in older.args("client", "list")
    newer = start_run()
    assert newer("CLIENT KILL ID x") == b"-ERR syntax error\r\n"
    assert b" qbuf=0 " in newer.args("client", "list")


def test_client_reply_skip_and_off_hold_replies_back(run: Run) -> None:
    assert run("CLIENT REPLY SKIP") == b""
    assert run("PING") == b""
    assert run("PING") == b"+PONG\r\n"
    assert run("CLIENT REPLY OFF") == b""
    assert run("SET k v") == b""
    assert run("NONSENSE") == b""
    assert run("CLIENT REPLY ON") == b"+OK\r\n"
    assert run("GET k") == b"$1\r\nv\r\n"


def test_a_subscription_is_confirmed_even_when_its_reply_is_to_be_skipped(run: Run) -> None:
    run("CLIENT REPLY SKIP")
    assert run("SUBSCRIBE news").startswith(b"*3\r\n$9\r\nsubscribe\r\n")
    assert run("PING") == b"*2\r\n$4\r\npong\r\n$0\r\n\r\n"
