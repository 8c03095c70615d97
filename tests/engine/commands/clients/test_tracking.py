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


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("ON REDIRECT 1 REDIRECT 1", b"A client can only redirect to a single other client"),
        ("ON REDIRECT 99", b"The client ID you want redirect to does not exist"),
        ("ON PREFIX a", b"PREFIX option requires BCAST mode to be enabled"),
        ("ON BCAST OPTIN", b"OPTIN and OPTOUT are not compatible with BCAST"),
        ("ON OPTIN OPTOUT", b"You can't specify both OPTIN mode and OPTOUT mode"),
        ("ON BCAST PREFIX a PREFIX ab", b"Prefix 'a' overlaps with another provided prefix 'ab'."),
        ("ON NO", b"syntax error"),
        ("MAYBE", b"syntax error"),
    ],
)
def test_options_that_do_not_go_together(run: Run, words: str, error: bytes) -> None:
    run.resp3()
    assert error in run(f"CLIENT TRACKING {words}")
    assert run("CLIENT GETREDIR") == b":-1\r\n"


def test_a_mode_is_changed_by_turning_it_off_first(run: Run) -> None:
    run.resp3()
    run("CLIENT TRACKING ON OPTIN")
    assert run("CLIENT TRACKING ON BCAST").startswith(b"-ERR You can't switch BCAST mode on/off")
    assert run("CLIENT TRACKING ON OPTOUT").startswith(b"-ERR You can't switch OPTIN/OPTOUT mode")
    assert run("CLIENT TRACKING OFF") == run("CLIENT TRACKING ON BCAST PREFIX a") == b"+OK\r\n"
    assert run("CLIENT TRACKING ON BCAST PREFIX ab").startswith(
        b"-ERR Prefix 'ab' overlaps with an existing prefix 'a'."
    )
    assert run("CLIENT TRACKING ON BCAST PREFIX b") == b"+OK\r\n"
    assert run("CLIENT TRACKINGINFO").count(b"\r\n$1\r\n") == 2


def test_a_client_can_ask_what_it_set(run: Run) -> None:
    assert b"$3\r\noff\r\n" in run("CLIENT TRACKINGINFO")
    listener = run.session()
    ident = listener("CLIENT ID")[1:-2].decode()
    run(f"CLIENT TRACKING ON REDIRECT {ident} OPTOUT NOLOOP")
    told = run("CLIENT TRACKINGINFO")
    assert b"$6\r\noptout\r\n" in told
    assert b"$6\r\nnoloop\r\n" in told
    assert b":" + ident.encode() in told
    assert run("CLIENT GETREDIR") == f":{ident}\r\n".encode()
    assert run("CLIENT CACHING NO") == b"+OK\r\n"
    assert b"caching-no" in run("CLIENT TRACKINGINFO")
    listener.close()
    run("GET k")
    run.session()("SET k 1")  # only who has something to send finds nobody there
    assert b"broken_redirect" in run("CLIENT TRACKINGINFO")
