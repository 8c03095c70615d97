"""CLIENT: what connections say of themselves and do to others; logs, monitors, pauses and tracking."""

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


def test_writes_wait_for_the_end_of_a_pause(run: Run) -> None:
    other = run.session()
    run("CLIENT PAUSE 1000 WRITE")
    assert other("GET k") == b"$-1\r\n"
    assert other("SET k v") == b""
    assert run("GET k") == b"$-1\r\n"
    run("CLIENT UNPAUSE")
    assert other.received() == b"+OK\r\n"


def test_a_pause_ends_by_itself(run: Run) -> None:
    other = run.session()
    run("CLIENT PAUSE 1000 ALL")
    assert other("PING") == b""
    run.advance(1001)
    assert other.received() == b"+PONG\r\n"


def test_a_pause_starts_at_the_end_of_its_transaction(run: Run) -> None:
    run("MULTI")
    run("CLIENT PAUSE 1000 WRITE")
    run("SET k v")
    assert run("EXEC") == b"*2\r\n+OK\r\n+OK\r\n"
    other = run.session()
    assert other("SET k w") == b""
    run("CLIENT UNPAUSE")
    assert other.received() == b"+OK\r\n"


@pytest.mark.parametrize(
    "line",
    [
        "PUBLISH channel message",
        "PFCOUNT k",
        'EVAL "return 1" 0',
        'EVAL "#!lua\\nreturn 1" 0',
        "FCALL f 0",
    ],
)
def test_what_may_replicate_waits_for_the_end_of_a_pause_of_writes(run: Run, line: str) -> None:
    run("CLIENT PAUSE 1000 WRITE")
    other = run.session()
    assert other(line) == b""
    assert b"blocked_clients:1\r\n" in run("INFO clients")
    run("CLIENT UNPAUSE")
    assert other.received() != b""


@pytest.mark.parametrize(
    "line", ['EVAL_RO "return 1" 0', 'EVAL "#!lua flags=no-writes\\nreturn 1" 0', "FCALL f 0", "SET k"]
)
def test_what_cannot_write_is_answered_during_a_pause_of_writes(run: Run, line: str) -> None:
    function = "{function_name='f', callback=function() return 1 end, flags={'no-writes'}}"
    run.args("FUNCTION", "LOAD", "#!lua name=l\nredis.register_function" + function)
    run("CLIENT PAUSE 1000 WRITE")
    assert run.session()(line) != b""
    run("MULTI")
    run("PING")
    run(line) if line != "SET k" else b""
    assert run("EXEC").startswith(b"*")


def test_info_says_what_is_paused(run: Run) -> None:
    run("CLIENT PAUSE 1000 WRITE")
    assert b"paused_reason:client_pause\r\npaused_actions:write\r\npaused_timeout_milliseconds:1000\r\n" in run(
        "INFO clients"
    )
    run("CLIENT UNPAUSE")
    assert b"paused_reason:none\r\npaused_actions:none\r\npaused_timeout_milliseconds:0\r\n" in run("INFO clients")


def test_nothing_is_evicted_or_expired_during_a_pause(run: Run) -> None:
    run("SET k v PX 10")
    run("SET other v")
    run("CONFIG SET maxmemory-policy allkeys-random")
    run("CLIENT PAUSE 1000 WRITE")
    run("CONFIG SET maxmemory 1")
    run.advance(11)
    assert run("GET k") == b"$-1\r\n"
    assert b"expired_keys:0\r\n" in run("INFO stats")
    assert b"evicted_keys:0\r\n" in run("INFO stats")
    run("CLIENT UNPAUSE")
    run("PING")
    assert b"evicted_keys:2\r\n" in run("INFO stats")


def test_randomkey_ends_when_all_keys_are_over_and_none_may_go(run: Run) -> None:
    run("SET k v PX 10")
    run("CLIENT PAUSE 1000 WRITE")
    run.advance(11)
    assert run("RANDOMKEY") == b"$1\r\nk\r\n"
    run("CLIENT UNPAUSE")
    assert run("RANDOMKEY") == b"$-1\r\n"


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


def test_monitors_see_commands_but_no_administration(run: Run) -> None:
    other = run.session()
    run("MONITOR")
    other("SET k v")
    other("CONFIG GET maxmemory")
    line = run.received()
    assert line.endswith(b'[0 127.0.0.1:50000] "SET" "k" "v"\r\n')
    assert line.count(b"\r\n") == 1


def test_slow_commands_are_logged_with_their_arguments(run: Run) -> None:
    run("CONFIG SET slowlog-log-slower-than 0")
    run("SET k v")
    assert b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n" in run("SLOWLOG GET 1")
    run("CONFIG SET slowlog-log-slower-than -1")
    run("SLOWLOG RESET")
    assert run("SLOWLOG LEN") == b":0\r\n"


def test_large_requests_and_replies_are_logged(run: Run) -> None:
    run("CONFIG SET commandlog-request-larger-than 1000 commandlog-reply-larger-than 1000")
    run.args("SET", "k", "x" * 2000)
    run("GET k")
    assert run("COMMANDLOG LEN large-request") == b":1\r\n"
    assert run("COMMANDLOG LEN large-reply") == b":1\r\n"


def test_histograms_count_calls(run: Run) -> None:
    run("SET k v")
    run("SET k v")
    assert b"$3\r\nset\r\n*4\r\n$5\r\ncalls\r\n:2\r\n" in run("LATENCY HISTOGRAM set")


def test_debug_is_closed_unless_it_was_opened(run: Run) -> None:
    assert run("DEBUG DIGEST").startswith(b"-ERR DEBUG command not allowed.")


def test_an_idle_client_has_a_small_reply_buffer(run: Run) -> None:
    idle = run.session()
    idle("CLIENT SETNAME idle")
    assert b"name=idle" in run("CLIENT LIST")
    assert run("CLIENT LIST").count(b"rbs=16384") == 2
    run.advance(5001)
    assert run("CLIENT LIST").count(b"rbs=1024 ") == 1


def test_latency_latest_sums_up_from_8_1_on(start_run: StartRun) -> None:
    for profile, fields in (("valkey-8.1", 6), ("redis-7.1", 4)):
        run = start_run(profile)
        run("CONFIG SET latency-monitor-threshold 1")
        run.engine.call_logs.note_latency(b"command", 2000)
        assert run("LATENCY LATEST").startswith(b"*1\r\n*%d\r\n" % fields)


def test_a_node_that_passes_for_redis_has_a_redis_mode(run: Run) -> None:
    assert b"\r\nserver_mode:standalone\r\n" in run("INFO server")
    run("CONFIG SET extended-redis-compatibility yes")
    assert b"\r\nredis_mode:standalone\r\n" in run("INFO server")


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


def test_ids_and_buffers_of_clients_are_told_as_the_version_tells_them(start_run: StartRun) -> None:
    older = start_run("redis-7.1")
    assert older("CLIENT KILL ID x") == b"-ERR client-id should be greater than 0\r\n"
    assert older("CLIENT LIST ID x") == b"-ERR Invalid client ID\r\n"
    assert b" qbuf=26 " in older.args("client", "list")
    newer = start_run()
    assert newer("CLIENT KILL ID x") == b"-ERR syntax error\r\n"
    assert b" qbuf=0 " in newer.args("client", "list")


def listed(run: Run, words: str) -> int:
    """How many connections CLIENT LIST shows."""
    return run(f"CLIENT LIST {words}").count(b"\nid=")


def test_connections_are_found_by_what_they_are_and_by_what_they_are_not(start_run: StartRun) -> None:
    run = start_run("valkey-9.0")
    other = run.session()
    for line in (
        "CLIENT SETNAME ann",
        "CLIENT SETINFO lib-name glide",
        "CLIENT SETINFO lib-ver 2",
        "CLIENT CAPA redirect",
    ):
        other(line)
    other("SELECT 3")
    other("MULTI")
    for words in ("NAME ann", "LIB-NAME glide", "LIB-VER 2", "CAPA r", "DB 3", "FLAGS x", "NOT-FLAGS N", "NOT-DB 0"):
        assert run(f"CLIENT LIST {words}").count(b" name=ann ") == listed(run, words) == 1, words
    for words in ("NOT-NAME ann", "NOT-LIB-NAME glide", "NOT-CAPA r", "NOT-DB 3", "FLAGS N", "NOT-FLAGS x"):
        assert run(f"CLIENT LIST {words}").count(b" name= ") == listed(run, words) == 1, words
    assert listed(run, "IP 127.0.0.1") == listed(run, "NOT-IP 127.0.0") == listed(run, "NOT-TYPE pubsub") == 2
    assert listed(run, "IP 127.0.0") == listed(run, 'NAME ""') == listed(run, "NOT-USER default") == 0
    assert listed(run, "ID 1 NOT-ID 1") == listed(run, "SKIPME no ID") == listed(run, "FLAGS xN") == 0
    run.clock.now_us += 5_000_000
    assert listed(run, "IDLE 5") == 1  # the one that does not ask
    assert listed(run, "IDLE 6") == 0
    assert run("CLIENT KILL NOT-NAME bob SKIPME yes") == b":1\r\n"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("IDLE x", b"idle is not an integer or out of range"),
        ("IDLE 0", b"idle should be greater than 0"),
        ("FLAGS Nq", b"Unknown flags found in the provided filter: Nq"),
        ("NOT-FLAGS q", b"Unknown flags found in the NOT-FLAGS filter: q"),
        ("CAPA x", b"Unknown capa found in the provided filter: x"),
        ("NOT-CAPA x", b"Unknown capa found in the NOT-CAPA filter: x"),
        ("DB x", b"DB is not an integer or out of range"),
        ("DB 99999999999", b"DB is not an integer or out of range"),
        ("NOT-DB 16", b"NOT-DB number should be between 0 and 15"),
        ("NOT-TYPE foo", b"Unknown client type 'foo'"),
        ("NOT-USER nobody", b"No such user 'nobody'"),
        ("NOT-IDLE 5", b"syntax error"),
        ("NOT-SKIPME no", b"syntax error"),
        ("NAME", b"syntax error"),
        ("ID", b"syntax error"),
        ("ID x", b"syntax error"),
    ],
)
def test_filters_are_judged_by_their_values(start_run: StartRun, words: str, problem: bytes) -> None:
    assert start_run("valkey-9.0")(f"CLIENT LIST {words}") == b"-ERR " + problem + b"\r\n"


def test_those_filters_came_with_valkey_9(start_run: StartRun) -> None:
    for words in ("NAME x", "NOT-ID 1", "DB 0"):
        assert start_run("valkey-8.1")(f"CLIENT LIST {words}") == b"-ERR syntax error\r\n"


def test_lists_of_numbers_count_together(start_run: StartRun) -> None:
    run = start_run("valkey-8.1")
    run.session()
    assert listed(run, "ID 1 ID 2") == 2
    assert listed(run, "ID TYPE normal") == 0
