"""Elements inside lists, and the forms of a list."""

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.protocol.replies import bulk, bulk_array


def elements(run: Run, key: str) -> bytes:
    return run(f"LRANGE {key} 0 -1")


def test_a_list_is_a_listpack_until_it_fills_a_node(run: Run) -> None:
    run("CONFIG SET list-max-listpack-size 3")
    run("RPUSH l a b c")
    assert run("OBJECT ENCODING l") == bulk(b"listpack")
    run("RPUSH l d")
    assert run("OBJECT ENCODING l") == bulk(b"quicklist")
    run("RPOP l 2")
    assert run("OBJECT ENCODING l") == bulk(b"quicklist")
    run("RPOP l")
    assert run("OBJECT ENCODING l") == bulk(b"listpack")
    assert elements(run, "l") == bulk_array([b"a"])


def test_redis_7_knows_only_quicklists(start_run: StartRun) -> None:
    run = start_run("redis-7.1")
    run("RPUSH l a")
    assert run("OBJECT ENCODING l") == bulk(b"quicklist")


@pytest.mark.parametrize("node_limit", [-2, 4])
def test_both_forms_do_the_same(run: Run, node_limit: int) -> None:
    run(f"CONFIG SET list-max-listpack-size {node_limit}")
    run("RPUSH l a b c d e f g h")
    assert run("LINDEX l -1") == bulk(b"h")
    assert run("LRANGE l 5 6") == bulk_array([b"f", b"g"])
    assert run("LSET l 3 D") == b"+OK\r\n"
    assert run("LINSERT l BEFORE D x") == b":9\r\n"
    assert run("LINSERT l AFTER D x") == b":10\r\n"
    assert run("LPOS l x") == b":3\r\n"
    assert run("LPOS l x RANK -1") == b":5\r\n"
    assert run("LPOS l x COUNT 0") == b"*2\r\n:3\r\n:5\r\n"
    assert run("LPOS l x RANK -1 MAXLEN 3") == b"$-1\r\n"
    assert run("LREM l -1 x") == b":1\r\n"
    assert run("LTRIM l 1 -2") == b"+OK\r\n"
    assert elements(run, "l") == bulk_array([b"b", b"c", b"x", b"D", b"e", b"f", b"g"])
