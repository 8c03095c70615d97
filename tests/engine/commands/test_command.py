"""COMMAND: what the table says of itself to clients."""

from tests.engine.commands.conftest import Run, StartRun


def test_docs_hold_the_tree_of_arguments(run: Run) -> None:
    docs = run("COMMAND DOCS GETEX")
    assert docs.startswith(b"*2\r\n$5\r\ngetex\r\n")
    assert (
        b"$4\r\nname\r\n$10\r\nexpiration\r\n$4\r\ntype\r\n$5\r\noneof\r\n"
        b"$5\r\nflags\r\n*1\r\n+optional\r\n$9\r\narguments\r\n*5\r\n"
        b"*8\r\n$4\r\nname\r\n$7\r\nseconds\r\n$4\r\ntype\r\n$7\r\ninteger\r\n"
        b"$12\r\ndisplay_text\r\n$7\r\nseconds\r\n$5\r\ntoken\r\n$2\r\nEX\r\n"
    ) in docs


def test_docs_tell_only_of_what_the_version_has(run: Run, start_run: StartRun) -> None:
    older = start_run("redis-7.1")
    assert b"IFEQ" in run("COMMAND DOCS SET")
    assert b"IFEQ" not in older("COMMAND DOCS SET")
    assert b"display_text" not in older("COMMAND DOCS SET")
    assert b"NOVALUES" in run("COMMAND DOCS HSCAN")
    assert b"NOVALUES" not in older("COMMAND DOCS HSCAN")


def test_docs_name_what_is_better_as_the_version_sees_it(run: Run, start_run: StartRun) -> None:
    deprecated = b"+deprecated\r\n"
    assert deprecated in run("COMMAND DOCS HMSET")
    assert deprecated in run("COMMAND DOCS SETEX")
    assert deprecated not in start_run("redis-7.1")("COMMAND DOCS SETEX")
    assert deprecated not in start_run("valkey-9.0")("COMMAND DOCS HMSET")
    assert b"+syscmd\r\n" in run("COMMAND DOCS DEBUG")


def test_docs_hold_subcommands_and_leave_unknown_names_out(run: Run) -> None:
    assert run("COMMAND DOCS nosuch") == b"*0\r\n"
    assert run("COMMAND DOCS client|getname nosuch").startswith(b"*2\r\n$14\r\nclient|getname\r\n")
    assert b"$11\r\nsubcommands\r\n" in run("COMMAND DOCS OBJECT")


def test_info_says_where_keys_stand_even_when_nothing_can(run: Run) -> None:
    sort = run("COMMAND INFO SORT")
    assert sort.count(b"$4\r\ntype\r\n$7\r\nunknown\r\n$4\r\nspec\r\n*0\r\n") == 4
    assert b"+variable_flags\r\n" in run("COMMAND INFO SET")
    assert b"nondeterministic_output_order" in run("COMMAND INFO COMMAND")
    assert run("COMMAND INFO nosuch") == b"*1\r\n*-1\r\n"


def test_help_shows_usage_without_what_is_only_for_docs(run: Run) -> None:
    lines = run("CLIENT HELP").split(b"\r\n")
    assert b"+UNBLOCK client-id [TIMEOUT | ERROR]" in lines


def test_keys_of_migrate_stand_in_one_of_two_places(run: Run) -> None:
    assert run("COMMAND GETKEYS MIGRATE h 1 a 0 5") == b"*1\r\n$1\r\na\r\n"
    assert run('COMMAND GETKEYS MIGRATE h 1 "" 0 5 COPY KEYS a b') == b"*2\r\n$1\r\na\r\n$1\r\nb\r\n"
