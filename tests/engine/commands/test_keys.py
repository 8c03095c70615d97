"""Keys of any type: names and copies."""

from tests.engine.in_process import Run

from cachetwin_engine.core.protocol.replies import bulk, bulk_array

NULL = b"$-1\r\n"


def test_rename_takes_value_and_time_to_live_along(run: Run) -> None:
    run("SET a 1 EX 100")
    run("SET b 2")
    assert run("RENAME a b") == b"+OK\r\n"
    assert run("GET b") == bulk(b"1")
    assert run("TTL b") == b":100\r\n"
    assert run("RENAME a c") == b"-ERR no such key\r\n"


def test_renamenx_leaves_a_name_that_is_taken(run: Run) -> None:
    run("MSET a 1 b 2")
    assert run("RENAMENX a b") == b":0\r\n"
    assert run("RENAMENX a c") == b":1\r\n"


def test_a_copy_is_independent(run: Run) -> None:
    run("RPUSH l a b")
    assert run("COPY l m") == b":1\r\n"
    run("RPUSH l c")
    assert run("LRANGE m 0 -1") == bulk_array([b"a", b"b"])
    assert run("COPY l m") == b":0\r\n"
    assert run("COPY l m REPLACE") == b":1\r\n"
    assert run("LLEN m") == b":3\r\n"
    assert run("COPY l l DB 3") == b":1\r\n"
    run("SELECT 3")
    assert run("LLEN l") == b":3\r\n"


def test_randomkey_finds_the_only_key_that_lives(run: Run) -> None:
    assert run("RANDOMKEY") == NULL
    for number in range(100):
        run(f"SET k{number} v PX 10")
    run("SET stays v")
    run.advance_silently(20)
    assert run("RANDOMKEY") == bulk(b"stays")
