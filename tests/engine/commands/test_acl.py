"""ACL: users, what they may do, and what becomes of their connections when that changes."""

from pathlib import Path

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.admin.elasticache import rename_commands_of
from cachetwin_engine.server.valkey.host import ProcessHost

NOPERM_KEY = b"-NOPERM No permissions to access a key\r\n"
NOPERM_CHANNEL = b"-NOPERM No permissions to access a channel\r\n"


def as_user(run: Run, *rules: str) -> Run:
    """Another client that is logged in as a user with these rules."""
    assert run.args("ACL", "SETUSER", "ann", "reset", "on", ">secret", *rules) == b"+OK\r\n"
    client = run.session()
    assert client("AUTH ann secret") == b"+OK\r\n"
    return client


def test_a_new_user_may_do_nothing(run: Run) -> None:
    ann = as_user(run)
    assert ann("GET k") == b"-NOPERM User ann has no permissions to run the 'get' command\r\n"
    assert ann("AUTH ann secret") == b"+OK\r\n"  # logging in is nobody's privilege


def test_commands_categories_and_subcommands_are_allowed_one_by_one(run: Run) -> None:
    ann = as_user(run, "~*", "+@string", "-set", "+client|id")
    assert ann("GET k") == b"$-1\r\n"
    assert ann("SET k v") == b"-NOPERM User ann has no permissions to run the 'set' command\r\n"
    assert ann("CLIENT ID").startswith(b":")
    assert ann("CLIENT LIST") == b"-NOPERM User ann has no permissions to run the 'client|list' command\r\n"


def test_the_first_argument_of_a_command_can_be_a_condition(run: Run) -> None:
    ann = as_user(run, "+select|0")
    assert ann("SELECT 0") == b"+OK\r\n"
    assert ann("SELECT 1") == b"-NOPERM User ann has no permissions to run the 'select' command\r\n"


def test_key_patterns_tell_reading_from_writing(run: Run) -> None:
    ann = as_user(run, "+@all", "%R~r*", "%W~w*", "~rw*")
    assert ann("GET r1") == b"$-1\r\n"
    assert ann("SET r1 v") == NOPERM_KEY
    assert ann("SET w1 v") == b"+OK\r\n"
    assert ann("GET w1") == NOPERM_KEY
    assert ann("SET w1 v GET") == NOPERM_KEY  # with GET it reads as well
    assert ann("BITFIELD r1 GET u4 0") == b"*1\r\n:0\r\n"
    assert ann("BITFIELD r1 SET u4 0 1") == NOPERM_KEY
    assert ann("COPY r1 w1") == b":0\r\n"
    assert ann("COPY w1 r1") == NOPERM_KEY


def test_a_second_selector_allows_what_the_first_one_does_not(run: Run) -> None:
    ann = as_user(run, "+get", "~a*", "(+set ~b*)")
    assert ann("GET a") == b"$-1\r\n"
    assert ann("SET b 1") == b"+OK\r\n"
    assert ann("SET a 1") == NOPERM_KEY
    assert ann("GET b") == NOPERM_KEY


def test_channels_are_matched_and_patterns_must_be_granted_literally(run: Run) -> None:
    ann = as_user(run, "+@all", "~*", "&news:*")
    assert ann("PUBLISH news:1 x") == b":0\r\n"
    assert ann("PUBLISH other x") == NOPERM_CHANNEL
    assert ann("PSUBSCRIBE news:*").startswith(b"*3\r\n")
    assert ann("PSUBSCRIBE news:1*") == NOPERM_CHANNEL


def test_a_listener_that_loses_its_channel_is_disconnected(run: Run) -> None:
    ann = as_user(run, "+@all", "&news", "&sport")
    ann("SUBSCRIBE news")
    run("ACL SETUSER ann &more")
    assert not ann.client.closing
    run("ACL SETUSER ann resetchannels &sport")
    assert ann.client.closing


def test_rights_change_for_connected_clients_at_once(run: Run) -> None:
    ann = as_user(run, "+@all", "~*")
    ann("SET k v")
    run("ACL SETUSER ann -get")
    assert ann("GET k") == b"-NOPERM User ann has no permissions to run the 'get' command\r\n"


def test_what_was_queued_is_judged_again_when_it_runs(run: Run) -> None:
    ann = as_user(run, "+@all", "~*")
    ann("MULTI")
    ann("INCR n")
    ann("INCR m")
    run("ACL SETUSER ann resetkeys ~m")
    assert ann("EXEC") == (
        b"*2\r\n-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This "
        b"command is no longer allowed for the following reason: no permission to touch the specified keys\r\n:1\r\n"
    )
    assert run("EXISTS n") == b":0\r\n"


def test_a_waiting_command_is_judged_again_when_its_key_is_there(run: Run) -> None:
    ann = as_user(run, "+@all", "~*")
    ann("BLPOP l 0")
    run("ACL SETUSER ann -blpop")
    run("RPUSH l x")
    assert ann.received() == b"-NOPERM User ann has no permissions to run the 'blpop' command\r\n"
    assert run("LLEN l") == b":1\r\n"
    assert b"cmdstat_blpop:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1" in run("INFO commandstats")


def test_deleted_users_are_disconnected(run: Run) -> None:
    ann = as_user(run, "+@all")
    assert run("ACL DELUSER ann nobody") == b":1\r\n"
    assert ann.client.closing
    assert run("ACL DELUSER default") == b"-ERR The 'default' user cannot be removed\r\n"


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("+nonsense", "Unknown command or category name in ACL"),
        ("+@nonsense", "Unknown command or category name in ACL"),
        ("+config|get|appendonly", "Allowing first-arg of a subcommand is not supported"),
        ("#short", "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"),
        ("<unknown", "The password you are trying to remove from the user does not exist"),
        ("%X~k", "Syntax error"),
        ("nonsense", "Syntax error"),
        ("+config|", "Syntax error"),
        ("-config|", "Unknown command or category name in ACL"),
        ("(+get +nonsense)", "Unknown command or category name in ACL"),
    ],
)
def test_a_wrong_rule_is_named_and_changes_nothing(run: Run, rule: str, reason: str) -> None:
    run("ACL SETUSER ann on ~a")
    before = run("ACL GETUSER ann")
    expected = f"-ERR Error in ACL SETUSER modifier '{rule}': {reason}\r\n"
    assert run.args("ACL", "SETUSER", "ann", "off", "~b", rule) == expected.encode()
    assert run("ACL GETUSER ann") == before


def test_an_open_parenthesis_is_named(run: Run) -> None:
    assert run("ACL SETUSER ann on (+get ~a") == (
        b"-ERR Unmatched parenthesis in acl selector starting at '(+get'.\r\n"
    )


def test_later_rules_supersede_earlier_ones_in_the_listing(run: Run) -> None:
    run("ACL SETUSER ann +@all -@hash -@slow +hget")
    run("ACL SETUSER ann -@hash")
    assert b"+@all -@slow +hget -@hash" in run("ACL GETUSER ann")
    run("ACL SETUSER ann -@all +client|list +client|list +config|get +config -acl")
    assert b"-@all +client|list +config -acl" in run("ACL GETUSER ann")


def test_passwords_are_several_and_kept_as_digests(run: Run) -> None:
    run("ACL SETUSER ann on >one >two")
    client = run.session()
    assert client("AUTH ann one") == b"+OK\r\n"
    assert client("AUTH ann two") == b"+OK\r\n"
    assert b"one" not in run("ACL LIST")
    run("ACL SETUSER ann <one")
    assert client("AUTH ann one") == b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"


def test_dry_runs_say_what_would_be_refused(run: Run) -> None:
    run("ACL SETUSER ann on +get ~a*")
    assert run("ACL DRYRUN ann GET a1") == b"+OK\r\n"
    assert b"User ann has no permissions to run the 'set' command" in run("ACL DRYRUN ann SET a1 v")
    assert b"User ann has no permissions to access the 'b' key" in run("ACL DRYRUN ann GET b")
    assert run("ACL DRYRUN bob GET b") == b"-ERR User 'bob' not found\r\n"
    assert run("ACL DRYRUN ann NOPE") == b"-ERR Command 'NOPE' not found\r\n"


def test_the_log_tells_of_refusals_and_counts_up_alike_ones(run: Run) -> None:
    ann = as_user(run, "+get", "~a")
    for _ in range(3):
        ann("GET b")
    ann("SET a 1")
    ann("AUTH ann wrong")
    log = run("ACL LOG")
    assert log.startswith(b"*3\r\n")
    newest, refused_command, refused_key = log.split(b"*20\r\n")[1:]
    assert b"$4\r\nauth\r\n" in newest
    assert b"$4\r\nAUTH\r\n" in newest
    assert b"$7\r\ncommand\r\n" in refused_command
    assert b"cmd=set" in refused_command
    assert refused_key.startswith(b"$5\r\ncount\r\n:3\r\n$6\r\nreason\r\n$3\r\nkey\r\n")
    assert run("ACL LOG RESET") == b"+OK\r\n"
    assert run("ACL LOG") == b"*0\r\n"


def test_the_log_names_the_key_that_the_last_selector_missed(run: Run) -> None:
    ann = as_user(run, "+mget", "~key", "(+mget ~key ~other)")
    ann("MGET other third")
    assert b"$6\r\nobject\r\n$5\r\nthird\r\n" in run("ACL LOG")


def test_sub_commands_with_too_many_words_say_so(run: Run) -> None:
    assert run("ACL CAT string more") == (
        b"-ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP.\r\n"
    )


def with_file(run: Run, path: Path, text: str) -> Run:
    """``run`` with an engine whose users are in a file."""
    path.write_text(text)
    run.engine.host = ProcessHost()
    run.engine.config.set_at_start("aclfile", str(path))
    return run


FILE = "user ann on nopass ~a* +@all\nuser default on nopass ~* &* +@all\n"


def test_load_and_save_need_a_file(run: Run) -> None:
    for line in ("ACL LOAD", "ACL SAVE"):
        assert run(line).startswith(b"-ERR This instance is not configured to use an ACL file.")


def test_users_come_from_a_file_and_go_back_to_it(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "users.acl"
    with_file(run, path, FILE)
    assert run("ACL LOAD") == b"+OK\r\n"
    assert run("ACL USERS") == b"*2\r\n$3\r\nann\r\n$7\r\ndefault\r\n"
    run("ACL SETUSER eve on >pw +get")
    assert run("ACL SAVE") == b"+OK\r\n"
    assert [line.split()[1] for line in path.read_text().splitlines()] == ["ann", "default", "eve"]
    run("ACL SETUSER eve off")
    run("ACL LOAD")
    assert run.session()("AUTH eve pw") == b"+OK\r\n"


def test_a_file_with_mistakes_changes_nothing_and_all_are_told(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "users.acl"
    with_file(run, path, FILE + "user ann off\nuse bob on\nuser carl +nonsense\n")
    before = run("ACL LIST")
    error = run("ACL LOAD").decode()
    assert "Duplicate user 'ann' found on line 3" in error
    assert ":4 should start with user keyword followed by the username." in error
    assert ":5: Error in applying operation '+nonsense'" in error
    assert error.endswith("no change to the previously active ACL rules was performed\r\n")
    assert run("ACL LIST") == before
    path.unlink()
    assert run("ACL LOAD").startswith(b"-ERR Error loading ACLs, opening file ")


def test_loading_disconnects_whom_it_takes_something_from(run: Run, tmp_path: Path) -> None:
    with_file(run, tmp_path / "users.acl", FILE + "user bob on nopass &news +@all\n")
    run("ACL LOAD")
    run("ACL SETUSER carl on nopass +@all")
    clients = {}
    for name in ("ann", "bob", "carl"):
        clients[name] = run.session()
        clients[name](f"AUTH {name} x")
    run("ACL SETUSER bob &sport")
    clients["bob"]("SUBSCRIBE sport")
    run("ACL LOAD")
    assert {name: client.client.closing for name, client in clients.items()} == {
        "ann": False, "bob": True, "carl": True,
    }  # fmt: skip


def test_a_renamed_command_keeps_its_name_in_rules(run: Run) -> None:
    rename_commands_of(run.engine, "GET FETCH PING blocked")
    ann = as_user(run, "~*", "+get")
    assert ann("FETCH k") == b"$-1\r\n"
    assert run("GET k").startswith(b"-ERR unknown command 'GET'")
    assert run("PING").startswith(b"-ERR unknown command 'PING'")


def test_new_users_get_the_channels_that_the_parameter_says(start_run: StartRun) -> None:
    run = start_run()
    run("CONFIG SET acl-pubsub-default allchannels")
    run("ACL SETUSER ann on")
    run("CONFIG SET acl-pubsub-default resetchannels")
    run("ACL SETUSER bob on")
    assert b"&*" in run("ACL GETUSER ann")
    assert b"&*" not in run("ACL GETUSER bob")


def test_a_category_that_does_not_exist_is_quoted_up_to_128_bytes(run: Run) -> None:
    assert run("ACL CAT " + "x" * 200) == b"-ERR Unknown category '" + b"x" * 128 + b"'\r\n"


NOPERM_DATABASE = b"-NOPERM No permissions to access database\r\n"


@pytest.fixture
def run91(start_run: StartRun) -> Run:
    """A client of Valkey 9.1, from which all replies here were taken."""
    return start_run("valkey-9.1")


def test_a_user_can_be_kept_to_some_databases(run91: Run) -> None:
    ann = as_user(run91, "~*", "+@all", "db=0,3,3,2")
    assert ann("GET k") == b"$-1\r\n"
    assert ann("SELECT 1") == NOPERM_DATABASE
    assert ann("SELECT 3") == b"+OK\r\n"
    assert ann("SELECT 99") == b"-ERR DB index is out of range\r\n"  # a number that is none is for the command to judge
    assert ann("SWAPDB 0 1") == ann("MOVE k 1") == ann("COPY k l DB 0 DB 1") == NOPERM_DATABASE
    assert ann("COPY k l DB 0") == b":0\r\n"
    assert ann("COPY k l DB 1 nonsense") == b"-ERR syntax error\r\n"
    assert ann("FLUSHDB") == b"+OK\r\n"
    assert ann("FLUSHALL") == NOPERM_DATABASE  # it reaches all of them


def test_what_touches_no_keys_is_free_in_any_database(run91: Run) -> None:
    ann = as_user(run91, "~*", "+@all", "db=3")
    assert ann("PING") == b"+PONG\r\n"
    assert ann("GET k") == ann("DBSIZE") == ann("WATCH k") == ann('EVAL "return 1" 1 k') == NOPERM_DATABASE
    assert ann('EVAL "return 1" 0') == NOPERM_DATABASE
    assert ann("MOVE k 3") == NOPERM_DATABASE  # the key would come from a database that is closed
    assert ann("SELECT 3") == b"+OK\r\n"
    assert ann("GET k") == b"$-1\r\n"


def test_a_transaction_is_checked_by_the_database_it_chooses(run91: Run) -> None:
    ann = as_user(run91, "~*", "+@all", "db=1,2")
    assert ann("MULTI") == b"+OK\r\n"
    assert ann("SELECT 1") == ann("SET k v") == b"+QUEUED\r\n"
    assert ann("EXEC") == b"*2\r\n+OK\r\n+OK\r\n"
    assert ann("MULTI") == b"+OK\r\n"
    assert ann("SELECT 2") == ann("GET k") == b"+QUEUED\r\n"
    run91("ACL SETUSER ann db=1")
    refused = b"-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: no permission\r\n"  # fmt: skip  # noqa: E501  (one line on the wire)
    assert ann("EXEC") == b"*2\r\n" + refused + b"$1\r\nv\r\n"


def test_selectors_have_databases_of_their_own(run91: Run) -> None:
    ann = as_user(run91, "resetdbs", "(db=0 +get ~a*)", "(db=1 +@all -@read ~*)", "(alldbs +select)")
    assert ann("GET a") == b"$-1\r\n"
    assert ann("SET a 1") == b"-NOPERM User ann has no permissions to run the 'set' command\r\n"
    assert ann("SELECT 1") == ann("SET a 1") == b"+OK\r\n"
    assert ann("GET a") == b"-NOPERM User ann has no permissions to run the 'get' command\r\n"


def test_databases_are_shown_unless_all_are_allowed(run91: Run) -> None:
    run91("ACL SETUSER ann alldbs (db=2,1 +get)")
    assert b"user ann off resetchannels -@all (resetchannels db=1,2 -@all +get)\r\n" in run91("ACL LIST")
    assert b"$9\r\ndatabases\r\n$6\r\nalldbs\r\n$9\r\nselectors" in run91("ACL GETUSER ann")
    run91("ACL SETUSER ann resetdbs")
    assert b" resetchannels resetdbs -@all (resetchannels db=1,2 -@all +get)\r\n" in run91("ACL LIST")
    assert b"$9\r\ndatabases\r\n$0\r\n\r\n$9\r\nselectors" in run91("ACL GETUSER ann")
    run91("ACL SETUSER ann reset")
    assert b"user ann off resetchannels -@all\r\n" in run91("ACL LIST")


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("db=", b"Syntax error"),
        ("db=1,", b"Syntax error"),
        ("db=,1", b"Syntax error"),
        ("db=1,,2", b"Syntax error"),
        ("db=abc", b"Syntax error"),
        ("db=1a", b"Syntax error"),
        ("db=-1", b"The provided database ID is out of range"),
        ("db=2147483648", b"The provided database ID is out of range"),
        ("db=99999999999999999999999999", b"The provided database ID is out of range"),
    ],
)
def test_a_database_is_a_number_that_may_be_one(run91: Run, rule: str, problem: bytes) -> None:
    line = b"-ERR Error in ACL SETUSER modifier '" + rule.encode() + b"': " + problem + b"\r\n"
    assert run91(f"ACL SETUSER ann {rule}") == line


def test_refused_databases_are_logged_and_counted(run91: Run) -> None:
    ann = as_user(run91, "~*", "+@all", "db=0")
    ann("SELECT 1")
    ann("FLUSHALL")
    log = run91("ACL LOG")
    assert (
        b"$6\r\nreason\r\n$8\r\ndatabase\r\n$7\r\ncontext\r\n$8\r\ntoplevel\r\n$6\r\nobject\r\n$8\r\nflushall\r\n"
        in log
    )
    assert b"$6\r\nobject\r\n$1\r\n1\r\n" in log
    assert b"acl_access_denied_db:2\r\n" in run91("INFO stats")
    assert run91("ACL DRYRUN ann SELECT 1") == b"$48\r\nUser ann has no permissions to access database 1\r\n"
    assert run91("ACL DRYRUN ann FLUSHALL") == b"$55\r\nUser ann has no permissions to access database FLUSHALL\r\n"


def test_rules_for_databases_came_with_valkey_9_1(start_run: StartRun) -> None:
    run = start_run("valkey-9.0")
    assert run("ACL SETUSER ann db=1") == b"-ERR Error in ACL SETUSER modifier 'db=1': Syntax error\r\n"
    assert b"databases" not in run("ACL GETUSER default")
    assert b"acl_access_denied_db" not in run("INFO stats")


def test_that_payloads_are_looked_at_is_no_flag_any_more(run91: Run, start_run: StartRun) -> None:
    assert run91("ACL SETUSER ann skip-sanitize-payload") == b"+OK\r\n"
    assert b"sanitize" not in run91("ACL LIST") + run91("ACL GETUSER ann")
    assert b"sanitize-payload" in start_run("valkey-9.0")("ACL LIST") + start_run("valkey-9.0")("ACL GETUSER default")


def test_refusals_outlive_a_reset_of_the_statistics(run: Run) -> None:
    as_user(run)("GET k")
    run("CONFIG RESETSTAT")
    assert b"acl_access_denied_cmd:1\r\n" in run("INFO stats")


def test_an_exec_that_is_refused_says_so_in_its_own_way(run: Run) -> None:
    discarded = b"-EXECABORT Transaction discarded because of: "
    assert run("EXEC now") == discarded + b"wrong number of arguments for 'exec' command\r\n"
    assert as_user(run)("EXEC") == discarded + b"NOPERM User ann has no permissions to run the 'exec' command\r\n"
