"""CLIENT TRACKING and CACHING: messages about keys that a client has read."""

import pytest
from tests.engine.in_process import Run, StartRun

INVALIDATED = b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n"


def test_a_tracking_client_hears_once_of_a_change(run: Run) -> None:
    run.resp3()
    other = run.session()
    run("CLIENT TRACKING ON")
    run("GET k")
    other("SET k 1")
    other("SET k 2")
    assert run.received() == INVALIDATED


def test_an_own_change_is_told_after_its_reply(run: Run) -> None:
    run.resp3()
    run("CLIENT TRACKING ON")
    run("GET k")
    assert run("SET k 1") == b"+OK\r\n" + INVALIDATED


def test_noloop_spares_the_author(run: Run) -> None:
    run.resp3()
    run("CLIENT TRACKING ON NOLOOP")
    run("GET k")
    assert run("SET k 1") == b"+OK\r\n"


def test_broadcasts_tell_of_every_key_below_a_prefix(run: Run) -> None:
    run.resp3()
    other = run.session()
    run("CLIENT TRACKING ON BCAST PREFIX k")
    other("SET k 1")
    assert run.received() == INVALIDATED
    other("SET other 1")
    assert run.received() == b""


def test_redirected_messages_go_to_a_resp2_subscriber(run: Run) -> None:
    listener = run.session()
    number = listener("CLIENT ID")[1:-2].decode()
    listener("SUBSCRIBE __redis__:invalidate")
    run(f"CLIENT TRACKING ON REDIRECT {number}")
    run("GET k")
    run("SET k 1")
    assert listener.received() == b"*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n$1\r\nk\r\n"


@pytest.mark.parametrize(
    ("mode", "answer", "reason"),
    [
        ("off", "YES", "can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"),
        ("on BCAST", "YES", "YES is only valid when tracking is enabled in OPTIN mode."),
        ("on OPTIN", "NO", "NO is only valid when tracking is enabled in OPTOUT mode."),
    ],
)
def test_caching_is_said_in_its_mode_only(run: Run, mode: str, answer: str, reason: str) -> None:
    run(f"CLIENT TRACKING {mode}")
    assert run(f"CLIENT CACHING {answer}") == f"-ERR CLIENT CACHING {reason}\r\n".encode()


def test_optin_tracks_only_after_caching_yes(run: Run) -> None:
    run.resp3()
    run("CLIENT TRACKING ON OPTIN")
    run("GET k")
    assert run("SET k 1") == b"+OK\r\n"
    run("CLIENT CACHING YES")
    run("GET k")
    assert run("SET k 2") == b"+OK\r\n" + INVALIDATED


def test_a_script_that_reads_is_tracked_by_its_own_keys_until_7_2(start_run: StartRun) -> None:
    for profile, told in (("redis-7.1", b"declared"), ("valkey-8.1", b"read")):
        run = start_run(profile).resp3()
        run("CLIENT TRACKING ON")
        run.args("EVAL", "return redis.call('get', 'read')", 1, "declared")
        other = run.session()
        other("SET declared 1")
        other("SET read 1")
        received = run.received()
        assert received.count(b"invalidate") == 1
        assert told in received
