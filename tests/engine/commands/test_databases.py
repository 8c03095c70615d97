"""Databases: moving a key, swapping and flushing."""

from tests.engine.in_process import Run

from cachetwin_engine.core.protocol.replies import bulk


def test_move_needs_a_free_name(run: Run) -> None:
    run("SET k 0")
    run.session()
    assert run("MOVE k 1") == b":1\r\n"
    run("SET k again")
    assert run("MOVE k 1") == b":0\r\n"


def test_swapdb_exchanges_what_clients_see(run: Run) -> None:
    other = run.session()
    other("SELECT 1")
    run("SET k zero")
    other("SET k one")
    assert run("SWAPDB 0 1") == b"+OK\r\n"
    assert run("GET k") == bulk(b"one")
    assert other("GET k") == bulk(b"zero")


def test_flushall_spoils_a_transaction_that_watches_a_key(run: Run) -> None:
    run("SET k v")
    run("WATCH k")
    run.session()("FLUSHALL")
    run("MULTI")
    assert run("EXEC") == b"*-1\r\n"
