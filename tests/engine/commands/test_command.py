"""COMMAND: the table of commands as clients read it."""

import pytest
from tests.engine.in_process import Run, StartRun


def keys_of(run: Run, line: str) -> list[str]:
    """What COMMAND GETKEYS finds."""
    reply = run(f"COMMAND GETKEYS {line}")
    assert reply.startswith(b"*"), reply
    return [part.decode() for part in reply.split(b"\r\n")[2::2]]


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        ("GET k", ["k"]),
        ("MSET a 1 b 2", ["a", "b"]),
        ("EVAL script 2 a b c", ["a", "b"]),
        ("EVAL script 0", []),
        ("ZUNIONSTORE out 2 a b WEIGHTS 1 2", ["out", "a", "b"]),
        ("XREAD COUNT 1 STREAMS a b 0 0", ["a", "b"]),
        ("SORT k STORE out", ["k", "out"]),
        ("MIGRATE h 1 k 0 5", ["k"]),
        ('MIGRATE h 1 "" 0 5 KEYS a b', ["a", "b"]),
        ("MEMORY USAGE k", ["k"]),
        ("OBJECT ENCODING k", ["k"]),
        ("LMOVE a b LEFT RIGHT", ["a", "b"]),
        ("GEORADIUS k 1 1 1 km STORE out", ["k", "out"]),
    ],
)
def test_keys_are_found_where_each_command_has_them(run: Run, line: str, keys: list[str]) -> None:
    assert keys_of(run, line) == keys


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("PING", "ERR The command has no key arguments"),
        ("NOPE a", "ERR Invalid command specified"),
        ("GET", "ERR Invalid number of arguments specified for command"),
        ("ZUNION 3 a b", "ERR Invalid arguments specified for command"),
    ],
)
def test_what_has_no_keys_says_why(run: Run, line: str, error: str) -> None:
    assert run(f"COMMAND GETKEYS {line}") == f"-{error}\r\n".encode()


@pytest.mark.parametrize(
    ("line", "flags"),
    [
        ("SET k v", ["OW", "update"]),
        ("SET k v GET", ["RW", "access", "update"]),
        ("BITFIELD k GET u4 0", ["RO", "access"]),
        ("BITFIELD k OVERFLOW FAIL INCRBY u4 0 1", ["RW", "access", "update"]),
        ("GET k", ["RO", "access"]),
        ("DEL k", ["RM", "delete"]),
    ],
)
def test_what_happens_to_a_key_depends_on_the_arguments(run: Run, line: str, flags: list[str]) -> None:
    encoded = b"".join(b"+%b\r\n" % flag.encode() for flag in flags)
    assert run(f"COMMAND GETKEYSANDFLAGS {line}") == b"*1\r\n*2\r\n$1\r\nk\r\n*%d\r\n" % len(flags) + encoded


def test_list_names_commands_and_sub_commands(run: Run) -> None:
    names = run("COMMAND LIST").split(b"\r\n")
    assert {b"get", b"client|list", b"client"} <= set(names)


def test_list_is_filtered_by_pattern_category_and_module(run: Run) -> None:
    assert run("COMMAND LIST FILTERBY PATTERN xack") == b"*1\r\n$4\r\nxack\r\n"
    scripting = run("COMMAND LIST FILTERBY ACLCAT scripting")
    assert b"\r\neval\r\n" in scripting
    assert b"\r\nget\r\n" not in scripting
    assert run("COMMAND LIST FILTERBY ACLCAT nonsense") == b"*0\r\n"
    assert run("COMMAND LIST FILTERBY MODULE json") == b"*0\r\n"
    assert run("COMMAND LIST FILTERBY NONSENSE x") == b"-ERR syntax error\r\n"


def test_count_counts_what_the_whole_table_holds(run: Run) -> None:
    count = int(run("COMMAND COUNT")[1:-2])
    assert run("COMMAND").startswith(b"*%d\r\n" % count)
    assert count > 200


def test_info_answers_null_for_what_there_is_not(run: Run) -> None:
    reply = run("COMMAND INFO get nope config|get config|nope")
    assert reply.startswith(b"*4\r\n*10\r\n$3\r\nget\r\n:2\r\n")
    assert b"*10\r\n$10\r\nconfig|get\r\n:-3\r\n" in reply
    assert reply.endswith(b"$-1\r\n")


def test_profiles_have_the_commands_of_their_version(start_run: StartRun) -> None:
    old, new = start_run("redis-7.1"), start_run("valkey-9.0")
    assert old("COMMAND INFO hexpire commandlog") == b"*2\r\n$-1\r\n$-1\r\n"
    assert b"hexpire" in new("COMMAND INFO hexpire")
    later = b"COMMAND INFO msetex hgetdel clusterscan"
    assert new(later.decode()) == b"*3\r\n" + b"$-1\r\n" * 3
    newest = start_run("valkey-9.1")(later.decode())
    assert all(name in newest for name in (b"msetex", b"hgetdel", b"clusterscan"))


def test_docs_describe_only_what_exists(run: Run) -> None:
    run.resp3()
    assert run("COMMAND DOCS nope") == b"%0\r\n"
    docs = run("COMMAND DOCS get")
    assert docs.startswith(b"%1\r\n$3\r\nget\r\n%")
    for field in (b"summary", b"since", b"group", b"complexity", b"arguments"):
        assert b"\r\n" + field + b"\r\n" in docs


def test_what_has_no_order_is_a_set_in_resp3(start_run: StartRun) -> None:
    for version, subcommands in (("redis-7.1", b"~0"), ("valkey-8.1", b"~0"), ("valkey-9.1", b"*0")):
        run = start_run(version).resp3()
        assert run("COMMAND INFO scan").endswith(b"response_policy:special\r\n~0\r\n" + subcommands + b"\r\n")
        assert b"\r\n~1\r\n%3\r\n$5\r\nflags\r\n" in run("COMMAND INFO get")


@pytest.mark.parametrize("count", ["2147483647", "abc", "-1", "1"])
def test_a_script_has_no_keys_where_their_count_makes_no_sense(run: Run, count: str) -> None:
    assert run(f"COMMAND GETKEYS EVAL 'return 1' {count}") == b"*0\r\n"


def test_migrate_has_the_empty_key_unless_keys_follow(run: Run) -> None:
    assert run('COMMAND GETKEYS MIGRATE h 1 "" 0 1') == b"*1\r\n$0\r\n\r\n"
    assert run('COMMAND GETKEYS MIGRATE h 1 "" 0 1 KEYS a b') == b"*2\r\n$1\r\na\r\n$1\r\nb\r\n"
