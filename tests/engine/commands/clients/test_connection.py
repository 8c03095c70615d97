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


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"*-99999999999999999999\r\n", b"invalid multibulk length"),
        (b"*2147483648\r\n", b"invalid multibulk length"),
        (b"*x\r\n", b"invalid multibulk length"),
        (b"*1\r\n!3\r\n", b"expected '$', got '!'"),
        (b"*1\r\n$x\r\n", b"invalid bulk length"),
        (b"*1\r\n$-1\r\n", b"invalid bulk length"),
        (b"*1\r\n$536870913\r\n", b"invalid bulk length"),
        (b'SET "open\r\n', b"unbalanced quotes in request"),
        (b"*" + b"1" * 70_000, b"too big mbulk count string"),
        (b"*1\r\n$" + b"\0" * 70_000, b"too big bulk count string"),
        (b"*1\r\n!" + b"3" * 70_000, b"too big bulk count string"),
        (b"x" * 70_000, b"too big inline request"),
    ],
)
def test_bytes_that_can_never_be_a_request_end_the_connection(run: Run, data: bytes, reason: bytes) -> None:
    reply = run.client.feed(data)
    assert reply == b"-ERR Protocol error: " + reason + b"\r\n"
    assert run.client.closing
    assert run.client.feed(b"PING\r\n") == b""


def test_a_wrong_length_is_said_when_its_line_is_complete(run: Run) -> None:
    assert run.client.feed(b"*x") == b""
    assert run.client.feed(b"\r\n") == b"-ERR Protocol error: invalid multibulk length\r\n"
    other = run.session().client
    assert other.feed(b"*1\r\r\n$3") == b""
    assert other.feed(b"\r\n") == b"-ERR Protocol error: expected '$', got ' '\r\n"


@pytest.mark.parametrize(("data", "reason"), [
    (b"*11\r\n", b"unauthenticated multibulk length"),
    (b"*1\r\n$16385\r\n", b"unauthenticated bulk length"),
])  # fmt: skip
def test_who_has_not_logged_in_may_ask_less(run: Run, data: bytes, reason: bytes) -> None:
    run("CONFIG SET requirepass secret")
    assert run.session().client.feed(data) == b"-ERR Protocol error: " + reason + b"\r\n"


def test_empty_requests_are_ignored(run: Run) -> None:
    assert run.client.feed(b"\r\n*0\r\n*-1\r\n  \r\nPING\r\n") == b"+PONG\r\n"


def test_a_smaller_bulk_limit_holds_for_connected_clients(run: Run) -> None:
    run("CONFIG SET proto-max-bulk-len 1mb")
    assert run.client.feed(b"*1\r\n$1048577\r\n") == b"-ERR Protocol error: invalid bulk length\r\n"


def test_an_unknown_command_is_told_with_its_first_arguments(run: Run) -> None:
    assert run("NOPE a b") == b"-ERR unknown command 'NOPE', with args beginning with: 'a' 'b' \r\n"
    assert run("CLIENT NOPE") == b"-ERR unknown subcommand 'NOPE'. Try CLIENT HELP.\r\n"


def test_too_large_a_request_ends_the_connection_before_it_is_complete(run: Run) -> None:
    run("CONFIG SET client-query-buffer-limit 1mb")
    assert run.client.feed(b"*2\r\n$3\r\nGET\r\n$3000000\r\n" + b"k" * 2_000_000) == b""
    assert run.client.closing
    assert b"client_query_buffer_limit_disconnections:1" in run.session()("INFO stats")


def test_queued_commands_count_for_the_query_buffer(run: Run) -> None:
    run("CONFIG SET client-query-buffer-limit 1mb")
    run("MULTI")
    for _ in range(3):
        run.args("SET", "k", b"v" * 400_000)
    assert run.client.closing


def test_room_for_a_large_argument_counts_from_its_header_on(run: Run) -> None:
    run("CONFIG SET maxmemory-clients 4mb")
    large = run.session()
    large.client.feed(b"*2\r\n$3\r\nGET\r\n$2000000\r\n" + b"k" * 10)
    info = run("CLIENT LIST").decode()
    assert " qbuf=13 qbuf-free=1999990 " in info
    assert not large.client.closing
    larger = run.session()
    larger.client.feed(b"*2\r\n$3\r\nGET\r\n$2500000\r\n")
    assert (large.client.closing, larger.client.closing) == (False, True)
    assert b"evicted_clients:1" in run("INFO stats")


WHOLE = b"*2\r\n$4\r\nECHO\r\n$5\r\nvalue\r\n"
NO_LINE_END = b"-ERR Protocol error: invalid CRLF in request\r\n"


@pytest.mark.parametrize("one_by_one", [False, True])
@pytest.mark.parametrize(
    ("place", "instead", "answer"),
    [
        (2, b"x\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
        (2, b"\rx", NO_LINE_END),
        (6, b"x\n", b"-ERR Protocol error: invalid bulk length\r\n"),
        (6, b"\rx", NO_LINE_END),
        (12, b"x\n", NO_LINE_END),
        (12, b"\rx", NO_LINE_END),
        (16, b"\rx", NO_LINE_END),
        (23, b"x\n", NO_LINE_END),
        (23, b"\rx", NO_LINE_END),
    ],
)
def test_lines_end_where_they_should(
    start_run: StartRun, place: int, instead: bytes, answer: bytes, *, one_by_one: bool
) -> None:
    request = WHOLE[:place] + instead + WHOLE[place + 2 :]
    pieces = [request[at : at + 1] for at in range(len(request))] if one_by_one else [request]
    run = start_run("valkey-9.1")
    replies = b"".join([run.client.feed(piece) for piece in pieces])
    assert replies == answer
    assert run.client.closing


def test_until_9_1_what_ends_a_line_is_stepped_over(start_run: StartRun) -> None:
    run = start_run("valkey-9.0")
    assert run.client.feed(WHOLE[:12] + b"??" + WHOLE[14:23] + b"??") == b"$5\r\nvalue\r\n"


def test_words_may_be_quoted_in_parts_since_valkey_9(start_run: StartRun) -> None:
    line = 'set """tes"t-\'k\'e"y" "test"\'-\'value'
    run = start_run("valkey-9.0")
    assert run(line) == b"+OK\r\n"
    assert run("get test'-'key") == b"$10\r\ntest-value\r\n"
    assert start_run("valkey-8.1")(line) == b"-ERR Protocol error: unbalanced quotes in request\r\n"
    assert start_run("valkey-9.0")("set foo 'b'a'r") == b"-ERR Protocol error: unbalanced quotes in request\r\n"
