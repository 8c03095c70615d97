"""The connection itself: greeting, logging in, databases, and what a bad request costs."""

import pytest
from tests.engine.in_process import Run, StartRun


def test_ping_answers_with_what_it_was_given(run: Run) -> None:
    assert run("PING") == b"+PONG\r\n"
    assert run("PING hello") == b"$5\r\nhello\r\n"
    assert run("PING a b") == b"-ERR wrong number of arguments for 'ping' command\r\n"


def test_ping_is_a_message_for_a_resp2_subscriber(run: Run) -> None:
    run("SUBSCRIBE news")
    assert run("PING x") == b"*2\r\n$4\r\npong\r\n$1\r\nx\r\n"
    assert run.session().resp3()("PING") == b"+PONG\r\n"


def test_hello_chooses_the_protocol_and_says_what_the_server_is(run: Run) -> None:
    greeting = run("HELLO 3")
    assert greeting.startswith(
        b"%7\r\n$6\r\nserver\r\n$6\r\nvalkey\r\n$7\r\nversion\r\n$5\r\n8.1.1\r\n$5\r\nproto\r\n:3\r\n"
    )
    assert run("GET nothing") == b"_\r\n"
    assert run("HELLO 2").startswith(b"*14\r\n")
    assert run("GET nothing") == b"$-1\r\n"


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("HELLO 4", b"-NOPROTO unsupported protocol version\r\n"),
        ("HELLO x", b"-ERR Protocol version is not an integer or out of range\r\n"),
        ("HELLO 3 NAME", b"-ERR Syntax error in HELLO option 'NAME'\r\n"),
        ('HELLO 3 SETNAME "a b"', b"-ERR Client names cannot contain spaces, newlines or special characters.\r\n"),
        ("HELLO 3 AUTH ann x", b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"),
    ],
)
def test_a_hello_that_fails_changes_nothing(run: Run, line: str, error: bytes) -> None:
    run("CLIENT SETNAME before")
    assert run(line) == error
    assert run("GET nothing") == b"$-1\r\n"
    assert run("CLIENT GETNAME") == b"$6\r\nbefore\r\n"


def test_of_several_logins_and_names_in_hello_the_last_one_counts(run: Run) -> None:
    run("ACL SETUSER ann on >a +@all")
    run("ACL SETUSER bob on >b +@all")
    run("HELLO 2 AUTH ann wrong AUTH bob b SETNAME one SETNAME two")
    assert run("ACL WHOAMI") == b"$3\r\nbob\r\n"
    assert run("CLIENT GETNAME") == b"$3\r\ntwo\r\n"


def test_hello_names_the_availability_zone_when_there_is_one(run: Run) -> None:
    assert b"availability_zone" not in run("HELLO")
    run("CONFIG SET availability-zone eu-central-1a")
    assert b"$17\r\navailability_zone\r\n$13\r\neu-central-1a\r\n" in run("HELLO")
    assert b"availability_zone:eu-central-1a" in run("INFO server")


def test_hello_must_log_in_where_a_password_is_asked_for(run: Run) -> None:
    run("CONFIG SET requirepass secret")
    later = run.session()
    assert later("HELLO 3").startswith(b"-NOAUTH HELLO must be called with the client already authenticated")
    assert later("HELLO 3 AUTH default secret").startswith(b"%7\r\n")


def test_auth_without_a_password_configured_says_so(run: Run) -> None:
    assert run("AUTH x") == (
        b"-ERR AUTH <password> called without any password configured for the default user. Are you sure your "
        b"configuration is correct?\r\n"
    )
    assert run("AUTH a b c") == b"-ERR syntax error\r\n"


def test_before_logging_in_only_little_is_allowed(run: Run) -> None:
    run("CONFIG SET requirepass secret")
    later = run.session()
    assert later("PING") == b"-NOAUTH Authentication required.\r\n"
    assert later("RESET") == b"+RESET\r\n"
    assert later("AUTH secret") == b"+OK\r\n"
    assert later("RESET") == b"+RESET\r\n"
    assert later("PING") == b"-NOAUTH Authentication required.\r\n"
    assert later("QUIT") == b"+OK\r\n"
    assert later.client.closing


def test_databases_are_chosen_by_number(run: Run) -> None:
    run("SET k 0")
    assert run("SELECT 15") == b"+OK\r\n"
    assert run("GET k") == b"$-1\r\n"
    assert run("SELECT 16") == b"-ERR DB index is out of range\r\n"
    assert run("SELECT x") == b"-ERR value is not an integer or out of range\r\n"


def test_redis_oss_has_other_words_for_a_bad_index(start_run: StartRun) -> None:
    assert start_run("redis-7.1")("SELECT x") == b"-ERR invalid DB index\r\n"


def test_reset_makes_a_connection_as_good_as_new(run: Run) -> None:
    run.resp3()
    for line in ("SELECT 3", "CLIENT SETNAME me", "CLIENT NO-EVICT ON", "WATCH k", "MULTI", "SUBSCRIBE news"):
        run(line)
    assert run("RESET") == b"+RESET\r\n"
    info = run("CLIENT INFO")
    for fact in (b" name= ", b" db=0 ", b" sub=0 ", b" multi=-1 ", b" watch=0 ", b" resp=2 ", b" flags=N "):
        assert fact in info
