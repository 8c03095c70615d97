"""Scripts and functions, on the wire."""

from tests.engine.commands.conftest import Run

LIBRARY = (
    b"#!lua name=mylib\n"
    b"server.register_function('put', function(keys, args) return server.call('SET', keys[1], args[1]) end)"
)


def test_a_script_sees_its_keys_and_arguments(run: Run) -> None:
    assert (
        run.args("EVAL", "return {KEYS[1], ARGV[1], ARGV[2]}", 1, "k", "a", "b")
        == b"*3\r\n$1\r\nk\r\n$1\r\na\r\n$1\r\nb\r\n"
    )


def test_a_failing_command_names_the_script_and_its_line(run: Run) -> None:
    run("LPUSH list x")
    reply = run.args("EVAL", "return redis.call('INCR', 'list')", 0)
    assert reply.startswith(b"-WRONGTYPE Operation against a key holding the wrong kind of value script: ")
    assert reply.endswith(b", on @user_script:1.\r\n")


def test_pcall_hands_the_error_to_the_script(run: Run) -> None:
    assert run.args("EVAL", "return redis.pcall('INCR').err", 0).endswith(
        b"Wrong number of args calling command from script\r\n"
    )


def test_globals_are_closed(run: Run) -> None:
    assert b"Attempt to modify a readonly table" in run.args("EVAL", "x = 1", 0)
    assert b"nonexistent global variable 'os2'" in run.args("EVAL", "return os2", 0)
    assert b"Attempt to modify a readonly table" in run.args("EVAL", "redis.call = nil", 0)


def test_scripts_cannot_reach_the_host(run: Run) -> None:
    for word in ("python", "io", "debug", "package", "require", "dofile", "loadfile", "getfenv", "setfenv", "newproxy"):
        assert b"nonexistent global variable" in run.args("EVAL", f"return {word}", 0), word


def test_a_loaded_script_is_run_by_its_digest(run: Run) -> None:
    sha = run.args("SCRIPT", "LOAD", "return 7").split(b"\r\n")[1]
    assert run.args("EVALSHA", sha, 0) == b":7\r\n"
    assert run.args("SCRIPT", "EXISTS", sha, "0" * 40) == b"*2\r\n:1\r\n:0\r\n"
    run("SCRIPT FLUSH")
    assert run.args("EVALSHA", sha, 0) == b"-NOSCRIPT No matching script.\r\n"


def test_read_only_scripts_may_not_write(run: Run) -> None:
    assert b"Write commands are not allowed from read-only scripts" in run.args(
        "EVAL_RO", "return redis.call('SET','a',1)", 0
    )


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


def test_users_rights_hold_inside_scripts(run: Run) -> None:
    run("ACL SETUSER u on nopass ~ok:* +@all")
    run("AUTH u x")
    assert run.args("EVAL", "return redis.call('SET', 'ok:1', 'v')", 0) == b"+OK\r\n"
    assert run.args("EVAL", "return redis.call('SET', 'no', 'v')", 0).startswith(b"-NOPERM ACL failure in script: ")
