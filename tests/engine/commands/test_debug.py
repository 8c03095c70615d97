"""DEBUG: test aids, which must be opened."""

import pytest
from tests.engine.in_process import Run

from cachetwin_engine.core.state.host import Host

OK = b"+OK\r\n"
ATTRIBUTE = b"|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n"


@pytest.fixture
def opened(run: Run) -> Run:
    """A client that may use DEBUG."""
    run.engine.config.set_at_start("enable-debug-command", "yes")
    return run


def test_debug_is_closed_unless_it_was_opened(run: Run) -> None:
    assert run("DEBUG DIGEST").startswith(b"-ERR DEBUG command not allowed.")


def test_an_unknown_subcommand_points_to_help(opened: Run) -> None:
    unknown = b"-ERR unknown subcommand or wrong number of arguments for 'NOTHING'. Try DEBUG HELP.\r\n"
    assert opened("DEBUG NOTHING") == unknown
    assert opened("DEBUG SLEEP").startswith(b"-ERR unknown subcommand or wrong number of arguments for 'SLEEP'.")
    assert b"+RELOAD\r\n" in opened("DEBUG HELP")


@pytest.mark.parametrize(
    ("kind", "resp2", "resp3"),
    [
        ("string", b"$11\r\nHello World\r\n", b"$11\r\nHello World\r\n"),
        ("integer", b":12345\r\n", b":12345\r\n"),
        ("double", b"$5\r\n3.141\r\n", b",3.141\r\n"),
        ("null", b"$-1\r\n", b"_\r\n"),
        ("array", b"*3\r\n:0\r\n:1\r\n:2\r\n", b"*3\r\n:0\r\n:1\r\n:2\r\n"),
        ("set", b"*3\r\n:0\r\n:1\r\n:2\r\n", b"~3\r\n:0\r\n:1\r\n:2\r\n"),
        ("map", b"*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n", b"%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n"),
        ("true", b":1\r\n", b"#t\r\n"),
        ("false", b":0\r\n", b"#f\r\n"),
        ("verbatim", b"$25\r\nThis is a verbatim\nstring\r\n", b"=29\r\ntxt:This is a verbatim\nstring\r\n"),
        (
            "bignum",
            b"$37\r\n1234567999999999999999999999999999999\r\n",
            b"(1234567999999999999999999999999999999\r\n",
        ),
        (
            "attrib",
            b"$39\r\nSome real reply following the attribute\r\n",
            ATTRIBUTE + b"$39\r\nSome real reply following the attribute\r\n",
        ),
    ],
)
def test_every_type_of_reply_can_be_asked_for(opened: Run, kind: str, resp2: bytes, resp3: bytes) -> None:
    assert opened(f"DEBUG PROTOCOL {kind}") == resp2
    assert opened.resp3()(f"DEBUG PROTOCOL {kind}") == resp3


def test_a_push_needs_resp3_and_other_types_are_named(opened: Run) -> None:
    assert opened("DEBUG PROTOCOL push") == b"-ERR RESP2 is not supported by this command\r\n"
    assert b">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n" in opened.resp3()("DEBUG PROTOCOL push")
    assert opened("DEBUG PROTOCOL no").startswith(b"-ERR Wrong protocol type name.")


def test_populate_makes_keys_that_are_not_there(opened: Run) -> None:
    opened("SET key:1 mine")
    assert opened("DEBUG POPULATE 3") == OK
    assert opened("MGET key:0 key:1 key:2") == b"*3\r\n$7\r\nvalue:0\r\n$4\r\nmine\r\n$7\r\nvalue:2\r\n"
    opened("DEBUG POPULATE 1 other 10")
    assert opened("GET other:0") == b"$10\r\nvalue:0\0\0\0\r\n"
    assert opened("DEBUG POPULATE -1").startswith(b"-ERR value is out of range")


def test_reload_keeps_the_data_and_drops_what_has_expired(opened: Run) -> None:
    opened("RPUSH list a b")
    opened("SET gone v PX 1")
    opened.advance_silently(5)
    assert opened("DEBUG RELOAD") == OK
    assert opened("KEYS *") == b"*1\r\n$4\r\nlist\r\n"
    assert opened("DEBUG LOADAOF").startswith(b"-ERR Error trying to load the AOF files")  # nothing wrote one
    assert opened("LRANGE list 0 -1") == b"*2\r\n$1\r\na\r\n$1\r\nb\r\n"
    assert opened("DEBUG RELOAD MERGE NOFLUSH NOSAVE no").startswith(b"-ERR")
    assert opened("DEBUG RELOAD NOFLUSH").startswith(b"-ERR Error trying to load the RDB dump")


def test_digests_are_of_one_key_or_of_all(opened: Run) -> None:
    assert opened("DEBUG DIGEST") == b"+" + b"0" * 40 + b"\r\n"
    opened("SET k v")
    assert opened("DEBUG DIGEST") == b"+264ccf65edec66bccfa7cc659414ccca432057d2\r\n"
    values = opened("DEBUG DIGEST-VALUE k none").split(b"\r\n")
    assert values[0] == b"*2"
    assert len(values[1]) == 41
    assert values[2] == b"+" + b"0" * 40


def test_object_shows_the_form_of_a_value(opened: Run) -> None:
    opened("SET k 12")
    shown = opened("DEBUG OBJECT k")
    assert b" refcount:1 encoding:int serializedlength:" in shown
    opened.args("RPUSH", "list", *("x" * 100 for _ in range(200)))
    assert b"encoding:quicklist" in opened("DEBUG OBJECT list")
    assert b" ql_nodes:" in opened("DEBUG OBJECT list")
    assert opened("DEBUG OBJECT none") == b"-ERR no such key\r\n"


def test_forms_are_asked_for_one_by_one(opened: Run) -> None:
    opened("SET k value")
    opened("RPUSH list a")
    opened.args("SADD", "set", *(f"member:{number}" * 5 for number in range(200)))
    assert opened("DEBUG SDSLEN k").startswith(b"+key_sds_len:1, key_sds_avail:0,")
    assert opened("DEBUG SDSLEN list") == b"-ERR Not an sds encoded string.\r\n"
    assert opened("DEBUG LISTPACK list").startswith(b"+Listpack structure")
    assert opened("DEBUG LISTPACK k") == b"-ERR Not a listpack encoded object.\r\n"
    assert b"hash table" in opened("DEBUG HTSTATS-KEY k")
    assert opened("DEBUG HTSTATS-KEY set").startswith(b"$")
    for name in ("SDSLEN", "LISTPACK", "HTSTATS-KEY"):
        assert opened(f"DEBUG {name} none") == b"-ERR no such key\r\n"


def test_tables_of_a_database_are_described(opened: Run) -> None:
    opened("SET k v EX 100")
    assert opened("DEBUG HTSTATS 0").count(b"number of entries: 1\n") == 2
    assert b"No stats available" in opened("DEBUG HTSTATS 1")
    assert opened("DEBUG HTSTATS 99") == b"-ERR Out of range database\r\n"


def test_expiry_can_be_left_to_look_ups(opened: Run) -> None:
    assert opened("DEBUG SET-ACTIVE-EXPIRE 0") == OK
    opened("SET k v PX 10")
    opened.advance(1000)
    assert len(opened.engine.databases[0]) == 1
    opened("DEBUG SET-ACTIVE-EXPIRE 1")
    opened.advance(1000)
    assert len(opened.engine.databases[0]) == 0


def test_the_periodic_work_can_be_paused(opened: Run) -> None:
    opened("SET k v PX 10")
    opened("DEBUG PAUSE-CRON 1")
    opened.advance(1000)
    assert len(opened.engine.databases[0]) == 1
    opened("DEBUG PAUSE-CRON 0")
    opened.advance(1000)
    assert len(opened.engine.databases[0]) == 0


def test_sleep_is_the_hosts(opened: Run) -> None:
    class Sleeper(Host):
        slept = 0.0

        def sleep(self, seconds: float) -> None:
            self.slept += seconds

    host = Sleeper()
    opened.engine.host = host
    assert opened("DEBUG SLEEP 0.5") == OK
    assert host.slept == 0.5


def test_replicate_tells_replicas_any_command(opened: Run) -> None:
    opened.replicate()
    assert opened("DEBUG REPLICATE SET k v") == OK
    assert opened.propagated() == [(0, [b"SET", b"k", b"v"])]
    assert opened("EXISTS k") == b":0\r\n"


def test_the_history_of_replication_can_get_another_name(opened: Run) -> None:
    before = opened("INFO replication")
    assert opened("DEBUG CHANGE-REPL-ID") == OK
    assert opened("INFO replication") != before


@pytest.mark.parametrize(
    "words", ["PEAK-RESET-TIME 50", "PEAK-RESET-TIME NEVER", "PEAK-RESET-TIME RESET", "RESIZING 0"]
)
def test_buffers_of_replies_can_be_held(opened: Run, words: str) -> None:
    assert opened(f"DEBUG REPLYBUFFER {words}") == OK
    assert opened("DEBUG REPLYBUFFER no 1") == b"-ERR syntax error\r\n"


def test_errors_and_small_facts(opened: Run) -> None:
    assert opened('DEBUG ERROR "MY error\\r\\nline"') == b"-MY error  line\r\n"
    assert opened("DEBUG STRUCTSIZE").startswith(b"+bits:64 ")
    assert opened("DEBUG LOG anything") == opened("DEBUG DICT-RESIZING 0") == OK
    assert opened("DEBUG STRINGMATCH-TEST").startswith(b"$")
    assert opened("DEBUG CLIENT-EVICTION") == b"-ERR maxmemory-clients is disabled.\r\n"
    opened("CONFIG SET maxmemory-clients 1mb")
    assert opened("DEBUG CLIENT-EVICTION").startswith(b"$")
