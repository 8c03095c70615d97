"""EVAL and SCRIPT on the wire: what scripts may do, and scripts that run for too long."""

import hashlib
import socket
from typing import TYPE_CHECKING

import pytest
from tests.engine.hosts import busy
from tests.engine.in_cluster import OK, start_in_cluster
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.state.host import Host

if TYPE_CHECKING:
    from tests.engine.conftest import StartEngine


def sha_of(script: str) -> bytes:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest().encode()


def debugging() -> Config:
    """A configuration with DEBUG open."""
    config = Config(PROFILES["valkey-8.1"])
    config.set_at_start("enable-debug-command", "yes")
    return config


def bulk_of(text: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(text), text)


def error_of(run: Run, script: str) -> bytes:
    """What a script fails with."""
    reply = run.args("EVAL", script, 0)
    assert reply.startswith(b"-"), reply
    return reply


def test_keys_and_arguments_reach_the_script(run: Run) -> None:
    assert run.args("EVAL", "return {KEYS[1], KEYS[2], ARGV[1]}", 2, "a", "b", "c") == (
        b"*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n"
    )


def test_random_numbers_follow_the_seed(run: Run) -> None:
    """The values are Valkey's."""
    script = "math.randomseed(3) return {tostring(math.random()), tostring(math.random()), math.random(1000)}"
    expected = b"*3\r\n$16\r\n0.78323496216127\r\n$16\r\n0.86367337352767\r\n:312\r\n"
    assert run.args("EVAL", script, 0) == expected
    assert run.args("EVAL", script, 0) == expected


def test_time_stands_still_for_a_script(run: Run) -> None:
    script = "local a = redis.call('time') local b = redis.call('time') return a[1] == b[1] and a[2] == b[2]"
    assert run.args("EVAL", script, 0) == b":1\r\n"


def test_a_read_only_script_may_not_write(run: Run) -> None:
    assert run.args("EVAL_RO", "redis.call('set', 'a', 'b')", 0).startswith(
        b"-ERR Write commands are not allowed from read-only scripts."
    )
    assert run("EXISTS a") == b":0\r\n"


def test_scripts_are_kept_by_their_digest(run: Run) -> None:
    assert run.args("SCRIPT", "LOAD", "return 1") == b"$40\r\n" + sha_of("return 1") + b"\r\n"
    assert run.args("EVALSHA", sha_of("return 1").upper(), 0) == b":1\r\n"
    assert run.args("SCRIPT", "EXISTS", sha_of("return 1"), "nothing") == b"*2\r\n:1\r\n:0\r\n"
    assert run.args("SCRIPT", "SHOW", sha_of("return 1")) == b"$8\r\nreturn 1\r\n"
    assert run("SCRIPT FLUSH") == OK
    assert run.args("EVALSHA", sha_of("return 1"), 0) == b"-NOSCRIPT No matching script.\r\n"


def test_of_what_only_eval_brought_the_least_recently_used_is_forgotten(run: Run) -> None:
    for number in range(1, 501):
        run.args("EVAL", f"return {number}", 0)
    run.args("EVAL", "return 1", 0)
    run.args("EVALSHA", sha_of("return 2"), 0)
    run.args("EVAL", "return 501", 0)
    found = run.args("SCRIPT", "EXISTS", *[sha_of(f"return {number}") for number in (1, 2, 3, 4, 501)])
    assert found == b"*5\r\n:1\r\n:1\r\n:0\r\n:1\r\n:1\r\n"
    assert b"evicted_scripts:1\r\n" in run("INFO stats")
    run("CONFIG RESETSTAT")
    assert b"evicted_scripts:0\r\n" in run("INFO stats")


@pytest.mark.parametrize(
    "script",
    [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "while true do redis.pcall('nosuch') end",
        "local co = coroutine.wrap(function() while true do end end) co()",
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    ],
)
def test_script_kill_ends_a_script_that_runs_for_too_long(run: Run, script: str) -> None:
    host = busy(run, "PING", "FUNCTION KILL", "SCRIPT KILL")
    assert run.args("EVAL", script, 0).startswith(b"-ERR Script killed by user with SCRIPT KILL. script: ")
    busy_line = b"-BUSY Valkey is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n"
    assert host.replies == [busy_line, busy_line, OK]
    run.engine.host = Host()
    assert run.args("EVAL", "return 1", 0) == b":1\r\n"
    assert run("PING") == b"+PONG\r\n"


def test_a_script_that_another_one_ran_leaves_the_protocols_alone(start_run: StartRun) -> None:
    run = start_run(config=debugging())
    run("DEBUG SET-DISABLE-DENY-SCRIPTS 1")
    run.resp3()
    inner = "redis.call('eval', 'redis.setresp(2) return {1, false}', 0)"
    assert run.args("EVAL", f"redis.setresp(3) {inner} return {{true, {{double=1.5}}}}", 0) == b"*2\r\n#t\r\n,1.5\r\n"


@pytest.mark.parametrize("keys", range(11))
def test_any_number_of_keys_and_arguments_are_told_apart(run: Run, keys: int) -> None:
    script = "return {#KEYS, #ARGV, KEYS[#KEYS] or '', ARGV[1] or '', ARGV[#ARGV] or ''}"
    for more in (0, 1, 2, 70):
        words = [f"k{n}" for n in range(keys)] + [f"a{n}" for n in range(more)]
        last_key = words[keys - 1] if keys else ""
        first, last = (words[keys], words[-1]) if more else ("", "")
        values = b":%d\r\n:%d\r\n" % (keys, more) + bulk_of(last_key.encode()) + bulk_of(first.encode())
        assert run.args("EVAL", script, keys, *words) == b"*5\r\n" + values + bulk_of(last.encode())


def test_a_script_that_wrote_cannot_be_killed(run: Run) -> None:
    host = busy(run, "SCRIPT KILL")
    assert run.args("EVAL", "redis.call('set', 'a', 1) for i = 1, 200000 do end return 7", 0) == b":7\r\n"
    assert host.replies[0].startswith(b"-UNKILLABLE Sorry the script already executed write commands")


def test_a_waiting_client_gets_nothing_before_the_script_has_ended(run: Run) -> None:
    waiting = run.session()
    assert waiting("BLPOP x 0") == b""
    busy(run, "HELLO 2 SETNAME abort", "CLIENT SETNAME other")
    script = "redis.call('lpush', 'x', 'y') for i = 1, 200000 do end redis.call('lpush', 'x', 'z')"
    assert run.args("EVAL", script, 0) == b"$-1\r\n"
    assert waiting.received() == b"*2\r\n$1\r\nx\r\n$1\r\nz\r\n"


def test_replicas_hear_of_a_script_as_one_change_although_others_were_served_meanwhile(run: Run) -> None:
    run.replicate()
    busy(run, "HELLO 2 SETNAME abort", "CLIENT SETNAME other")
    run.args("EVAL", "redis.call('set', 'a', 1) for i = 1, 200000 do end redis.call('set', 'b', 2)", 0)
    backlog = run.engine.replication.backlog
    assert backlog is not None
    stream = backlog.since(backlog.first)
    assert stream.count(b"MULTI") == stream.count(b"EXEC") == 1
    assert stream.index(b"MULTI") < stream.index(b"$1\r\na\r\n") < stream.index(b"$1\r\nb\r\n") < stream.index(b"EXEC")


def test_nothing_is_killed_when_nothing_runs(run: Run) -> None:
    assert run("SCRIPT KILL") == b"-NOTBUSY No scripts in execution right now.\r\n"


def test_a_transaction_meets_a_busy_server(run: Run) -> None:
    host = busy(run, "MULTI", "SET a 1", "EXEC", "SCRIPT KILL")
    run.args("EVAL", "while true do end", 0)
    assert host.replies[0] == OK
    assert host.replies[1].startswith(b"-BUSY ")
    assert host.replies[2].startswith(b"-EXECABORT Transaction discarded because of: BUSY ")


def test_sockets_are_served_while_a_script_runs(start_engine: "StartEngine") -> None:
    engine = start_engine("--busy-reply-threshold", "50")
    with engine.connect() as runner, engine.connect() as other:
        other.sendall(b"PING\r\n")
        assert other.recv(100) == b"+PONG\r\n"
        runner.sendall(b'EVAL "while true do end" 0\r\n')
        assert answer_while_busy(other).startswith(b"-BUSY ")
        other.sendall(b"SCRIPT KILL\r\n")
        assert other.recv(100) == OK
        assert runner.recv(200).startswith(b"-ERR Script killed by user with SCRIPT KILL.")


def test_whoever_connects_while_a_script_runs_can_end_it(start_engine: "StartEngine") -> None:
    engine = start_engine("--busy-reply-threshold", "50")
    with engine.connect() as runner, engine.connect() as other:
        other.sendall(b"PING\r\n")
        assert other.recv(100) == b"+PONG\r\n"
        runner.sendall(b'EVAL "while true do end" 0\r\n')
        assert answer_while_busy(other).startswith(b"-BUSY ")
        with engine.connect() as guest, engine.connect() as gone:
            gone.sendall(b"PING\r\n")
            assert gone.recv(200).startswith(b"-BUSY ")
            gone.close()
            guest.sendall(b"PING\r\n")
            assert guest.recv(200).startswith(b"-BUSY ")
            guest.sendall(b"SCRIPT KILL\r\n")
            assert guest.recv(100) == OK
            assert runner.recv(200).startswith(b"-ERR Script killed by user with SCRIPT KILL.")
            guest.sendall(b"SUBSCRIBE news\r\n")
            assert guest.recv(100).endswith(b":1\r\n")
            runner.sendall(b"PUBLISH news late\r\n")
            assert guest.recv(100).endswith(b"$4\r\nlate\r\n")


def answer_while_busy(client: socket.socket) -> bytes:
    """The first answer to PING that is no PONG."""
    while True:
        client.sendall(b"PING\r\n")
        answer = client.recv(200)
        if answer != b"+PONG\r\n":
            return answer


def test_older_versions_speak_of_redis(start_run: StartRun) -> None:
    run = start_run("redis-7.1")
    assert b"-ERR Unknown Redis command called from script" in run.args("EVAL", "redis.call('nosuch')", 0)
    assert b"nonexistent global variable 'server'" in run.args("EVAL", "return server", 0)
    assert run.args("EVALSHA", "x", 0) == b"-NOSCRIPT No matching script. Please use EVAL.\r\n"


def test_users_rights_hold_inside_scripts(run: Run) -> None:
    run("ACL SETUSER u on nopass ~ok:* +@all")
    run("AUTH u x")
    assert run.args("EVAL", "return redis.call('SET', 'ok:1', 'v')", 0) == b"+OK\r\n"
    assert run.args("EVAL", "return redis.call('SET', 'no', 'v')", 0).startswith(
        b"-ERR ACL failure in script: No permissions to access a key script: "
    )


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("'SET', 'no', 'v'", b"can't access at least one of the keys mentioned in the command arguments"),
        ("'GET', 'ok:1'", b"can't run this command or subcommand"),
        ("'PUBLISH', 'news', 'v'", b"can't publish to the channel mentioned in the command"),
    ],
)
def test_redis_7_0_said_it_in_other_words(start_run: StartRun, call: str, problem: bytes) -> None:
    run = start_run("redis-7.1")
    run("ACL SETUSER u on nopass resetchannels ~ok:* +@all -get")
    run("AUTH u x")
    line = run.args("EVAL", f"return redis.call({call})", 0)
    assert line.startswith(b"-ERR The user executing the script " + problem)


def test_what_only_clients_may_is_named_after_the_engine(start_run: StartRun) -> None:
    for version, name in (("valkey-9.1", b"Valkey"), ("valkey-9.0", b"Redis")):
        reply = start_run(version).args("EVAL", "return redis.call('SUBSCRIBE', 'x')", 0)
        assert reply.startswith(b"-ERR This " + name + b" command is not allowed from script")


def test_flushing_scripts_gives_their_memory_back_and_leaves_functions_alone(run: Run) -> None:
    run.args("FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function() return 1 end)")
    run.args("EVAL", "return #string.rep('x', 1000000) + #{" + "'word'," * 5000 + "}", 0)
    before = int(run("INFO memory").split(b"used_memory_lua:")[1].split(b"\r\n")[0])
    run("SCRIPT FLUSH")
    assert b"used_memory_lua:0\r\n" in run("INFO memory")
    assert before > 10_000
    assert run("FCALL f 0") == b":1\r\n"


def test_a_key_that_is_over_still_exists_for_debug_until_a_script_looks_at_it(start_run: StartRun) -> None:
    run = start_run(config=debugging())
    run("SET k v PX 1")
    run.advance_silently(2)
    assert run("DEBUG OBJECT k").startswith(b"+Value at:")
    assert run.args("EVAL", "return redis.call('EXISTS', KEYS[1])", 1, "k") == b":0\r\n"
    assert run("DEBUG OBJECT k") == b"-ERR no such key\r\n"


def test_reloading_needs_to_be_told_to_merge_what_is_there(start_run: StartRun) -> None:
    run = start_run(config=debugging())
    assert run("DEBUG RELOAD NOFLUSH") == OK
    run("SET k v")
    assert run("DEBUG RELOAD NOFLUSH").startswith(b"-ERR Error trying to load the RDB dump")
    assert run("DEBUG RELOAD NOSAVE NOFLUSH MERGE") == OK
    assert run("DEBUG RELOAD OTHER").startswith(b"-ERR DEBUG RELOAD only supports")


def test_scripts_need_the_replicas_that_were_asked_for_unless_they_wrote_already(run: Run) -> None:
    refused = b"NOREPLICAS Not enough good replicas to write."
    run("CONFIG SET min-replicas-to-write 1")
    assert run.args("EVAL", "return redis.call('GET', 'k')", 0) == b"$-1\r\n"
    assert error_of(run, "return redis.call('SET', 'k', 1)").startswith(b"-" + refused)
    assert run.args("EVAL", "#!lua\nreturn 1", 0) == b"-" + refused + b"\r\n"
    assert run.args("EVAL", "#!lua flags=no-writes\nreturn 1", 0) == b":1\r\n"


def test_a_script_is_held_to_the_memory_there_was_when_it_began(run: Run) -> None:
    run("CONFIG SET maxmemory 1")
    assert error_of(run, "return redis.call('SET', 'k', 1)").startswith(b"-OOM command not allowed")
    assert run.args("EVAL", "#!lua\nreturn 1", 0).startswith(b"-OOM ")
    assert run.args("EVAL", "#!lua flags=allow-oom\nreturn redis.call('SET', 'k', 1)", 0) == OK
    assert run.args("EVAL", "#!lua flags=no-writes\nreturn redis.call('GET', 'k')", 0) == b"$1\r\n1\r\n"


def test_what_may_replicate_is_no_reading(run: Run) -> None:
    refused = b"-ERR Write commands are not allowed from read-only scripts."
    assert run.args("EVAL_RO", "return redis.call('PUBLISH', 'c', 'm')", 0).startswith(refused)
    assert run.args("EVAL", "#!lua flags=no-writes\nreturn redis.call('PFCOUNT', 'k')", 0).startswith(refused)
    assert run.args("EVAL", "return redis.call('PUBLISH', 'c', 'm')", 0) == b":0\r\n"


def test_until_7_2_scripts_may_not_ask_to_block(start_run: StartRun) -> None:
    script = "return redis.call('xread', 'BLOCK', 0, 'STREAMS', 's', '$')"
    refused = b"-ERR xread command is not allowed with BLOCK option from scripts"
    assert start_run("redis-7.1").args("EVAL", script, 0).startswith(refused)
    assert start_run().args("EVAL", script, 0) == b"$-1\r\n"


def test_valkey_9_1_does_not_name_the_script_that_failed(start_run: StartRun) -> None:
    reply = start_run("valkey-9.1").args("EVAL", "return redis.call('GET')", 0)
    assert reply == b"-ERR Wrong number of args calling command from script script: on @user_script:1.\r\n"


@pytest.fixture
def clustered(start_run: StartRun) -> Run:
    """A client of a node of Valkey 9.1 in cluster mode with 16 databases."""
    return start_in_cluster(start_run, "valkey-9.1", cluster_databases="16")


def test_the_debugger_of_scripts_is_one_of_an_engine(start_run: StartRun) -> None:
    clustered = start_run("valkey-9.1")
    assert clustered("SCRIPT DEBUG NO LUA") == clustered("SCRIPT DEBUG NO") == OK
    assert clustered("SCRIPT DEBUG x js") == b"-ERR No scripting engine found with name 'js' to enable debug\r\n"
    assert clustered("SCRIPT DEBUG NO lua x").startswith(
        b"-ERR unknown subcommand or wrong number of arguments for 'DEBUG'."
    )
    assert start_run("valkey-9.0")("SCRIPT DEBUG NO lua") == (
        b"-ERR wrong number of arguments for 'script|debug' command\r\n"
    )
