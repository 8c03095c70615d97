"""FUNCTION and FCALL on the wire: libraries, what they see, how they travel."""

from itertools import count

import pytest
from tests.engine.hosts import busy
from tests.engine.in_cluster import OK
from tests.engine.in_process import Clock, Run

from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.engine import Engine

HEAD = "#!lua name=lib\n"
LIBRARY = (
    b"#!lua name=mylib\n"
    b"server.register_function('put', function(keys, args) return server.call('SET', keys[1], args[1]) end)"
)
BAD_NAME = (
    b"ERR Function names can only contain letters, numbers, or underscores(_) and must be at least one character long"
)
ONLY_NAMED = (
    b"ERR Error registering functions: ERR calling server.register_function with a single argument is only applicable "
    b"to Lua table (representing named arguments)."
)


def load(run: Run, body: str, *options: str) -> bytes:
    return run.args("FUNCTION", "LOAD", *options, HEAD + body)


def test_a_function_gets_keys_and_arguments(run: Run) -> None:
    assert (
        load(run, "redis.register_function('f', function(keys, args) return {keys[1], args[1]} end)")
        == b"$3\r\nlib\r\n"
    )
    assert run("FCALL f 1 k a") == b"*2\r\n$1\r\nk\r\n$1\r\na\r\n"


def test_names_of_functions_go_by_any_case(run: Run) -> None:
    load(run, "redis.register_function('Sum', function() return 3 end)")
    assert run("FCALL sUM 0") == b":3\r\n"


def test_a_library_that_loads_sees_nothing_but_registering(run: Run) -> None:
    for name in ("string", "pairs", "error", "_G", "KEYS"):
        assert load(run, f"local x = {name}") == (
            b"-ERR Error registering functions: ERR user_function:2: Script attempted to access nonexistent global "
            b"variable '" + name.encode() + b"'\r\n"
        )
    assert b"nonexistent global variable 'call'" in load(run, "redis.call('ping')")
    assert b"readonly table" in load(run, "x = 1")


def test_what_a_library_kept_while_it_loaded_stays_powerless(run: Run) -> None:
    load(run, "local r = redis redis.register_function('f', function() return r.call('ping') end)")
    assert b"nonexistent global variable 'call'" in run("FCALL f 0")


def test_functions_are_registered_only_while_a_library_loads(run: Run) -> None:
    load(
        run,
        "local r = redis redis.register_function('f', function() return r.register_function('x', r.log) end) "
        "redis.register_function('g', function() return redis.register_function('x', r.log) end)",
    )
    assert run("FCALL f 0").startswith(
        b"-ERR server.register_function can only be called on FUNCTION LOAD command script: f,"
    )
    assert b"attempt to call field 'register_function' (a nil value)" in run("FCALL g 0")


def test_functions_have_no_debugger(run: Run) -> None:
    load(run, "redis.register_function('f', function() return {type(redis.debug), type(redis.breakpoint)} end)")
    assert run("FCALL f 0") == b"*2\r\n$3\r\nnil\r\n$3\r\nnil\r\n"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("return 1", b"ERR No functions registered"),
        ("redis.register_function('f-x', redis.log)", BAD_NAME),
        ("redis.register_function('f', redis.log) redis.register_function('f', redis.log)",
         b"ERR Function already exists in the library"),
        ("redis.register_function{function_name='f', callback=redis.log, flags={'bad'}}",
         b"ERR Error registering functions: ERR unknown flag given"),
        ("redis.register_function('f')", ONLY_NAMED),
    ],
)  # fmt: skip
def test_a_bad_library_is_refused_and_leaves_nothing(run: Run, body: str, problem: bytes) -> None:
    assert load(run, body) == b"-" + problem + b"\r\n"
    assert run("FUNCTION LIST") == b"*0\r\n"


def test_a_library_may_not_load_for_ever() -> None:
    clock = count(0, 100_000_000)  # nanoseconds: a tenth of a second passes whenever somebody looks
    run = Run(Engine(PROFILES["valkey-8.1"], clock.__next__, 7), Clock())
    assert load(run, "while true do end") == b"-ERR Error registering functions: ERR FUNCTION LOAD timeout\r\n"


def test_numbers_are_taken_for_names(run: Run) -> None:
    assert load(run, "redis.register_function{function_name=1, callback=redis.log, description=2}") == b"$3\r\nlib\r\n"


def test_a_library_replaces_only_when_asked(run: Run) -> None:
    body = "redis.register_function('f', function() return %d end)"
    load(run, body % 1)
    assert load(run, body % 2) == b"-ERR Library 'lib' already exists\r\n"
    assert load(run, body % 2, "REPLACE") == b"$3\r\nlib\r\n"
    assert run("FCALL f 0") == b":2\r\n"
    assert run.args("FUNCTION", "LOAD", "#!lua name=other\n" + body % 3) == b"-ERR Function f already exists\r\n"


def test_a_function_without_writes_may_be_called_read_only(run: Run) -> None:
    load(run, "redis.register_function{function_name='f', callback=function() return 1 end, flags={'no-writes'}} "
         "redis.register_function('g', function() return 2 end)")  # fmt: skip
    assert run("FCALL_RO f 0") == b":1\r\n"
    assert run("FCALL_RO g 0") == b"-ERR Can not execute a script with write flag using *_ro command.\r\n"
    assert b"+no-writes\r\n" in run("FUNCTION LIST LIBRARYNAME l*")


def test_libraries_travel_by_dump_and_restore(run: Run) -> None:
    load(run, "redis.register_function('f', function() return 'from afar' end)" + " " * 200)
    dump = run("FUNCTION DUMP")
    payload = dump[dump.index(b"\n") + 1 : -2]
    assert len(payload) < 200
    assert run.args("FUNCTION", "RESTORE", payload) == b"-ERR Library lib already exists\r\n"
    assert run("FUNCTION FLUSH") == OK
    assert run.args("FUNCTION", "RESTORE", payload) == OK
    assert run("FCALL f 0") == b"$9\r\nfrom afar\r\n"


@pytest.mark.parametrize(
    "damage", [lambda payload: payload[:-1], lambda payload: b"\x00" + payload[1:], lambda _: b"x"]
)
def test_a_damaged_dump_is_refused(run: Run, damage: object) -> None:
    load(run, "redis.register_function('f', redis.log)")
    dump = run("FUNCTION DUMP")
    assert callable(damage)
    payload = damage(dump[dump.index(b"\n") + 1 : -2])
    assert run.args("FUNCTION", "RESTORE", payload, "REPLACE") == b"-ERR DUMP payload version or checksum are wrong\r\n"
    assert b"lib" in run("FUNCTION LIST")


def test_options_too_many_are_told(run: Run) -> None:
    assert run("FUNCTION FLUSH ASYNC x") == (
        b"-ERR unknown subcommand or wrong number of arguments for 'FLUSH'. Try FUNCTION HELP.\r\n"
    )
    assert run("FCALL nothing 0") == b"-ERR Function not found\r\n"
    load(run, "redis.register_function('f', redis.log)")
    assert run("FCALL f x") == b"-ERR Bad number of keys provided\r\n"


def test_a_function_that_runs_for_too_long_is_seen_and_killed(run: Run) -> None:
    load(run, "redis.register_function('f', function() while true do end end)")
    host = busy(run, "FUNCTION STATS", "SCRIPT KILL", "FUNCTION KILL")
    assert run("FCALL f 0").startswith(
        b"-ERR Script killed by user with FUNCTION KILL. script: f, on @user_function:2."
    )
    stats, script_kill, function_kill = host.replies
    assert b"$14\r\nrunning_script\r\n*6\r\n$4\r\nname\r\n$1\r\nf\r\n" in stats
    assert script_kill.startswith(b"-BUSY ")
    assert b"FUNCTION KILL or SHUTDOWN NOSAVE" in script_kill
    assert function_kill == OK


def test_functions_are_loaded_called_listed_and_deleted(run: Run) -> None:
    assert run.args("FUNCTION", "LOAD", LIBRARY) == b"$5\r\nmylib\r\n"
    assert run("FCALL put 1 k v") == b"+OK\r\n"
    assert run("GET k") == b"$1\r\nv\r\n"
    assert b"already exists" in run.args("FUNCTION", "LOAD", LIBRARY)
    assert run("FUNCTION LIST").startswith(b"*1\r\n")
    assert run("FCALL_RO put 1 k v").startswith(b"-ERR Can not execute a script with write flag")
    assert run("FUNCTION DELETE mylib") == b"+OK\r\n"
    assert run("FCALL put 1 k v") == b"-ERR Function not found\r\n"


def test_dumped_functions_are_restored(run: Run) -> None:
    run.args("FUNCTION", "LOAD", LIBRARY)
    dump = run("FUNCTION DUMP")
    payload = dump[dump.index(b"\n") + 1 : -2]
    run("FUNCTION FLUSH")
    assert run.args("FUNCTION", "RESTORE", payload) == b"+OK\r\n"
    assert run("FCALL put 1 k v") == b"+OK\r\n"
    assert b"checksum are wrong" in run.args("FUNCTION", "RESTORE", payload[:-1] + b"\0")
