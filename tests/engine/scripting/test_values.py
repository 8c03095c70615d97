"""Values of Lua become replies, and replies become values."""

import pytest
from tests.engine.in_process import Run


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


def test_resp3_types_reach_the_script_and_the_client(run: Run) -> None:
    run("HSET h f v")
    run.resp3()
    assert run.args("EVAL", "redis.setresp(3) return redis.call('HGETALL', 'h')", 0) == b"%1\r\n$1\r\nf\r\n$1\r\nv\r\n"
    assert run.args("EVAL", "return {double=3.5}", 0) == b",3.5\r\n"
