"""The sandbox, and what errors say."""

import hashlib

import pytest
from tests.engine.in_process import Run

from cachetwin_engine.core.scripting.bytecode import keep_callers

READONLY = b"Attempt to modify a readonly table"


def sha_of(script: str) -> bytes:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest().encode()


def error_of(run: Run, script: str) -> bytes:
    """What a script fails with."""
    reply = run.args("EVAL", script, 0)
    assert reply.startswith(b"-"), reply
    return reply


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
