"""EVAL and SCRIPT on the wire: values both ways, the sandbox, scripts that run for too long."""

import hashlib
import socket
from typing import TYPE_CHECKING

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.admin.elasticache import rename_commands_of
from cachetwin_engine.core.admin.host import Host
from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.scripting.bytecode import keep_callers

if TYPE_CHECKING:
    from tests.engine.conftest import StartEngine

OK = b"+OK\r\n"
READONLY = b"Attempt to modify a readonly table"


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


def test_values_of_lua_become_replies(run: Run) -> None:
    assert run.args("EVAL", "return {1, 2.9, 'x', true, false, {ok='fine'}, nil, 5}", 0) == (
        b"*6\r\n:1\r\n:2\r\n$1\r\nx\r\n:1\r\n$-1\r\n+fine\r\n"
    )


def test_replies_of_resp3_reach_a_script_that_asks_for_them(run: Run) -> None:
    run("HSET h a 1")
    script = "redis.setresp(3); return redis.call('hgetall', 'h')"
    assert run.args("EVAL", script, 0) == b"*2\r\n$1\r\na\r\n$1\r\n1\r\n"
    assert run.resp3().args("EVAL", script, 0) == b"%1\r\n$1\r\na\r\n$1\r\n1\r\n"


def test_false_in_resp3_is_zero_to_a_client_of_resp2(run: Run) -> None:
    assert run.args("EVAL", "redis.setresp(3) return {true, false}", 0) == b"*2\r\n:1\r\n:0\r\n"


@pytest.mark.parametrize(
    ("value", "reply"),
    [
        ("{'a', 1, -2.9, 2^63, true, false}", b"*6\r\n$1\r\na\r\n:1\r\n:-2\r\n:-9223372036854775808\r\n:1\r\n$-1\r\n"),
        ("{'a', nil, 'c'}", b"*1\r\n$1\r\na\r\n"),
        ("{nil, 'b'}", b"*0\r\n"),
        ("{'a', {'b', {ok='c'}}, print}", b"*3\r\n$1\r\na\r\n*2\r\n$1\r\nb\r\n+c\r\n$-1\r\n"),
        ("{'a', print, 'b'}", b"*3\r\n$1\r\na\r\n$-1\r\n$1\r\nb\r\n"),
        ("{'a', ok='b'}", b"+b\r\n"),
        ("{'a', 'b', n=2}", b"*2\r\n$1\r\na\r\n$1\r\nb\r\n"),
        ("setmetatable({'a'}, {__index=function() return 'b' end})", b"*1\r\n$1\r\na\r\n"),
    ],
)
def test_arrays_of_lua_become_replies(run: Run, value: str, reply: bytes) -> None:
    assert run.args("EVAL", f"local print = function() end return {value}", 0) == reply
    run.resp3()
    assert run.args("EVAL", f"local print = function() end return {value}", 0) == reply.replace(b"$-1\r\n", b"_\r\n")


def test_minus_zero_is_zero(run: Run) -> None:
    assert run.args("EVAL", "return {{-0, 0}, -0, 0}", 0) == b"*3\r\n*2\r\n:0\r\n:0\r\n:0\r\n:0\r\n"


def test_a_metamethod_cannot_make_a_reply_endless(run: Run) -> None:
    assert run.args("EVAL", "return setmetatable({1}, {__index=function() return 1 end})", 0) == b"*1\r\n:1\r\n"


def test_a_reply_that_contains_itself_ends_in_an_error(run: Run) -> None:
    reply = run.args("EVAL", "local a = {} a[1] = a return a", 0)
    assert reply.endswith(b"*1\r\n-ERR reached lua stack limit\r\n")
    assert reply.count(b"*1\r\n") == 7995


def test_an_error_says_where_it_was_raised(run: Run) -> None:
    script = "\nreturn redis.call('nosuch')"
    assert run.args("EVAL", script, 0) == (
        b"-ERR Unknown command called from script script: " + sha_of(script) + b", on @user_script:2.\r\n"
    )


def test_pcall_gives_the_error_to_the_script(run: Run) -> None:
    run("SET s text")
    assert run.args("EVAL", "return redis.pcall('incr', 's').err", 0) == (
        b"$43\r\nERR value is not an integer or out of range\r\n"
    )


@pytest.mark.parametrize(
    "script",
    [
        "string.x = 1", "redis.call = 1", "rawset(_G, 'a', 1)", "setmetatable(_G, {})", "table.insert(math, 'x')",
        "getmetatable('').__index = 1", "local m = getmetatable(_G) m.x = 1", "cjson.encode = 1", "rawset(redis, 'a', 1)",
    ],
)  # fmt: skip
def test_what_scripts_share_is_read_only(run: Run, script: str) -> None:
    assert READONLY in error_of(run, script)
    assert run.args("EVAL", "return {type(string.rep), type(redis.call), type(math.x)}", 0) == (
        b"*3\r\n$8\r\nfunction\r\n$8\r\nfunction\r\n$3\r\nnil\r\n"
    )


@pytest.mark.parametrize(
    "name", ["python", "io", "debug", "require", "dofile", "getfenv", "setfenv", "newproxy", "print"]
)
def test_the_way_out_is_shut(run: Run, name: str) -> None:
    assert b"nonexistent global variable '" + name.encode() + b"'" in error_of(run, f"return {name}")


@pytest.mark.parametrize("value", ["redis.call", "cjson.encode", "math.random", "struct.pack", "redis.sha1hex"])
def test_functions_of_the_server_show_nothing_of_it(run: Run, value: str) -> None:
    assert run.args(
        "EVAL", f"return {{type({value}), tostring(getmetatable({value})), tostring({value}):sub(1, 12)}}", 0
    ) == (b"*3\r\n$8\r\nfunction\r\n$3\r\nnil\r\n$12\r\nfunction: 0x\r\n")


def test_errors_of_the_server_are_text_or_tables_to_scripts(run: Run) -> None:
    assert run.args("EVAL", "local _, e = pcall(cjson.decode, 'bad') return type(e)", 0) == b"$6\r\nstring\r\n"
    assert (
        run.args("EVAL", "local _, e = xpcall(redis.call, function(e) return type(e) end) return e", 0)
        == b"$5\r\ntable\r\n"
    )
    script = "local co = coroutine.create(function() redis.call() end) local _, e = coroutine.resume(co) return type(e)"
    assert run.args("EVAL", script, 0) == b"$5\r\ntable\r\n"


def test_bytecode_is_not_loaded(run: Run) -> None:
    assert b"unexpected symbol near 'char(27)'" in run.args("EVAL", b"\x1bLua", 0)
    script = "local _, e = loadstring(string.dump(function() return 1 end)) return e"
    assert b"unexpected symbol near 'char(27)'" in run.args("EVAL", script, 0)


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


def test_a_refused_command_of_a_script_is_counted_as_rejected(run: Run) -> None:
    run.args("EVAL", "redis.pcall('get')", 0)
    assert b"cmdstat_get:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0" in run("INFO commandstats")


class OtherClient(Host):
    """Serves another client whenever a script lets it."""

    def __init__(self, other: Run, requests: list[str]) -> None:
        super().__init__()
        self.other = other
        self.requests = requests
        self.replies: list[bytes] = []

    def serve_others(self) -> None:
        if self.requests:
            self.replies.append(self.other(self.requests.pop(0)))


def busy(run: Run, *requests: str) -> OtherClient:
    """From now on every script runs for too long at once, and another client sends ``requests`` meanwhile."""
    host = OtherClient(run.session(), list(requests))
    run.engine.config.busy_reply_threshold_ms = 0
    run.engine.host = host
    return host


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


def test_a_command_that_got_another_name_has_it_in_scripts_too(run: Run) -> None:
    script = "return redis.call('get', KEYS[1])"
    assert run.args("EVAL", script, 1, "k") == b"$-1\r\n"
    rename_commands_of(run.engine, "get fetch")
    assert run.args("EVAL", script, 1, "k").startswith(b"-ERR Unknown command called from script")
    assert run.args("EVAL", "return redis.call('fetch', KEYS[1])", 1, "k") == b"$-1\r\n"


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 23, 24, 25, 48, 49, 200])
def test_a_command_of_any_length_gets_its_words_in_order(run: Run, count: int) -> None:
    words = [str(n) for n in range(count)]
    script = "local a = {} for i = 1, #ARGV do a[i] = i % 2 == 0 and ARGV[i] or tonumber(ARGV[i]) end "
    script += "redis.call('del', 'l') redis.call('rpush', 'l', unpack(a)) return redis.call('lrange', 'l', 0, -1)"
    expected = b"*%d\r\n" % count + b"".join(b"$%d\r\n%b\r\n" % (len(word), word.encode()) for word in words)
    assert run.args("EVAL", script, 0, *words) == expected


@pytest.mark.parametrize(
    "words", ["nil", "'get', nil", "'set', 'k', nil", "'set', 'k', 1, nil", "'set', 'k', 1, {}, 'x'"]
)
def test_what_is_no_text_or_number_is_no_word_of_a_command(run: Run, words: str) -> None:
    problem = b"-ERR Command arguments must be strings or integers script: "
    assert error_of(run, f"return redis.call({words})").startswith(problem)
    assert run.args("EVAL", f"return redis.pcall({words}).err", 0) == bulk_of(problem[1:-9])


def test_a_call_needs_a_command(run: Run) -> None:
    assert error_of(run, "redis.call()").startswith(b"-ERR Please specify at least one argument for this call script: ")


@pytest.mark.parametrize("count", [0, 1, 1999, 2000, 2001, 3999, 4000, 4001, 8000, 9001])
def test_long_replies_reach_a_script_whole(run: Run, count: int) -> None:
    for start in range(0, count, 500):
        run.args("RPUSH", "l", *range(start, min(start + 500, count)))
    script = (
        "local r = redis.call('lrange', 'l', 0, -1) for i = 1, #r do if r[i] ~= tostring(i - 1) then return i end end"
    )
    assert run.args("EVAL", script + " return {#r}", 0) == b"*1\r\n:%d\r\n" % count
    assert run.args("EVAL", "return redis.call('lrange', 'l', 0, -1)", 0) == run("LRANGE l 0 -1")


def test_nested_replies_reach_a_script_as_tables(run: Run) -> None:
    run("XADD s 1-1 f v g w")
    run("XADD s 2-1 h x")
    for command in ("xrange', 's', '-', '+", "xread', 'STREAMS', 's', '0", "scan', '0", "command', 'info', 'get"):
        words = command.replace("', '", " ").split()
        assert run.args("EVAL", f"return redis.call('{command}')", 0) == run.args(*words)


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


def test_a_failing_command_names_the_script_and_its_line(run: Run) -> None:
    run("LPUSH list x")
    reply = run.args("EVAL", "return redis.call('INCR', 'list')", 0)
    assert reply.startswith(b"-WRONGTYPE Operation against a key holding the wrong kind of value script: ")
    assert reply.endswith(b", on @user_script:1.\r\n")


def test_globals_are_closed(run: Run) -> None:
    assert b"Attempt to modify a readonly table" in run.args("EVAL", "x = 1", 0)
    assert b"nonexistent global variable 'os2'" in run.args("EVAL", "return os2", 0)
    assert b"Attempt to modify a readonly table" in run.args("EVAL", "redis.call = nil", 0)


def test_json_and_messagepack_round_trip(run: Run) -> None:
    text = '{"a":[1,null,true,"x"]}'
    assert text.encode() in run.args("EVAL", "return cjson.encode(cjson.decode(ARGV[1]))", 0, text)
    assert run.args("EVAL", "return cmsgpack.unpack(cmsgpack.pack({1, 'x', 2.5}))[2]", 0) == b"$1\r\nx\r\n"


def test_struct_and_bit(run: Run) -> None:
    assert run.args("EVAL", "return struct.pack('>I2s', 258, 'a')", 0) == b"$4\r\n\x01\x02a\x00\r\n"
    assert (
        run.args("EVAL", "return {bit.band(255, 15), bit.bnot(0), bit.lshift(1, 31)}", 0)
        == b"*3\r\n:15\r\n:-1\r\n:-2147483648\r\n"
    )


def test_resp3_types_reach_the_script_and_the_client(run: Run) -> None:
    run("HSET h f v")
    run.resp3()
    assert run.args("EVAL", "redis.setresp(3) return redis.call('HGETALL', 'h')", 0) == b"%1\r\n$1\r\nf\r\n$1\r\nv\r\n"
    assert run.args("EVAL", "return {double=3.5}", 0) == b",3.5\r\n"


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


def test_a_command_takes_as_many_arguments_as_a_script_can_unpack(run: Run) -> None:
    script = "local a = {} for i = 1, 7999 do a[i] = i end return redis.%s('rpush', KEYS[1], unpack(a))"
    assert run.args("EVAL", script % "call", 1, "k") == b":7999\r\n"
    assert run.args("EVAL", script % "pcall", 1, "k") == b":15998\r\n"
    assert run("LRANGE k 7998 7999") == b"*2\r\n$4\r\n7999\r\n$1\r\n1\r\n"


@pytest.mark.parametrize(
    "script",
    [
        "\n\nreturn redis.call('nosuch')",
        "local function f(x)\n local y = x\n return redis.call('nosuch', y, f and 'a' or 'b', 1.5)\nend\nreturn f(1)",
        "local call = {call = redis.call}\nlocal f = function()\n return call.call('nosuch') end\nreturn (f())",
        "return loadstring('\\n\\nreturn redis.call(\"nosuch\")')()",
        "local call = redis.call\n\nreturn call('nosuch')",
        "local call = redis.call\nlocal f = function()\n return call('nosuch') end\nreturn (f())",
        "local r = redis\nlocal f = function() local c = r.call return (function()\n return c('nosuch') end)() end\nf()",
    ],
)
def test_an_error_names_its_line_although_the_call_is_the_last_that_is_done(run: Run, script: str) -> None:
    reply = error_of(run, script)
    assert b"Unknown command called from script" in reply
    assert reply.endswith(b":3.\r\n")


def test_other_tail_calls_need_no_stack(run: Run) -> None:
    script = "local function f(n) if n == 0 then return redis.call('PING').ok end return f(n - 1) end return f(100000)"
    assert run.args("EVAL", script, 0) == b"$4\r\nPONG\r\n"


@pytest.mark.parametrize("name", ["rawget", "rawset", "setmetatable"])
def test_an_argument_that_is_no_table_is_named_at_its_line(run: Run, name: str) -> None:
    problem = b"-ERR user_script:2: bad argument #1 to '%b' (table expected, got number) script: " % name.encode()
    assert error_of(run, f"\nreturn {name}(1)").startswith(problem)


@pytest.mark.parametrize(
    "call", ["cjson.decode('x')", "bit.band({})", "struct.unpack('>I', 'x')", "cmsgpack.unpack(nil)"]
)
def test_functions_of_libraries_know_who_called_them(run: Run, call: str) -> None:
    function, _, arguments = call.partition("(")
    for script in (f"\n\nreturn {call}", f"local f = {function}\n\nreturn f({arguments}"):
        reply = error_of(run, script)
        assert reply.startswith(b"-ERR user_script:3: ")
        assert reply.endswith(b", on @user_script:3.\r\n")


def test_what_is_no_chunk_of_lua_is_left_alone() -> None:
    for data in (b"", b"return 1", b"\x1bLua\x51\x00\x01\x08\x08\x04\x08\x00rest"):
        assert keep_callers(data) == data


def test_valkey_9_1_does_not_name_the_script_that_failed(start_run: StartRun) -> None:
    reply = start_run("valkey-9.1").args("EVAL", "return redis.call('GET')", 0)
    assert reply == b"-ERR Wrong number of args calling command from script script: on @user_script:1.\r\n"


@pytest.mark.parametrize("bounds", ["-2, 2147483647", "0, 2147483647", "-2147483648, -2", "1, 2^31 - 1", "1, 7998"])
def test_more_results_than_fit_are_not_unpacked(run: Run, bounds: str) -> None:
    assert b"user_script:1: too many results to unpack" in error_of(run, f"local t = {{unpack({{1}}, {bounds})}}")


def test_unpack_takes_any_bounds(run: Run) -> None:
    script = "local n = select('#', unpack({1, 2, 3}, %s)) return n"
    for bounds, count in [
        ("-1, 5", 7),
        ("1, -1", 0),
        ("-2147483648, -2147483646", 3),
        ("'1', 2.9", 2),
        ("1, 2^32 + 1", 1),
    ]:
        assert run.args("EVAL", script % bounds, 0) == b":%d\r\n" % count
    assert run.args("EVAL", "return #{unpack(redis)}", 0) == b":0\r\n"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("", b"#1 to 'unpack' (table expected, got no value)"),
        ("'x'", b"#1 to 'unpack' (table expected, got string)"),
        ("{}, 'x'", b"#2 to 'unpack' (number expected, got string)"),
        ("{}, 1, {}", b"#3 to 'unpack' (number expected, got table)"),
    ],
)
def test_unpack_says_what_it_expected(run: Run, arguments: str, problem: bytes) -> None:
    assert b"user_script:1: bad argument " + problem in error_of(run, f"local x = unpack({arguments})")
