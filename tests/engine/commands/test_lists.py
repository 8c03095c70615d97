"""Lists on the wire."""

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.protocol.replies import bulk, bulk_array


def elements(run: Run, key: str) -> bytes:
    return run(f"LRANGE {key} 0 -1")


def test_elements_pushed_one_by_one_at_the_head_come_back_in_reverse(run: Run) -> None:
    assert run("LPUSH l a b c") == b":3\r\n"
    assert elements(run, "l") == bulk_array([b"c", b"b", b"a"])


def test_the_last_element_takes_the_key_with_it(run: Run) -> None:
    run("RPUSH l a")
    assert run("LPOP l") == bulk(b"a")
    assert run("EXISTS l") == b":0\r\n"


def test_a_count_of_zero_pops_nothing_but_wants_a_list(run: Run) -> None:
    run("RPUSH l a")
    assert run("LPOP l 0") == b"*0\r\n"
    assert run("LPOP missing 0") == b"*-1\r\n"
    assert run("EXISTS l") == b":1\r\n"


def test_moving_within_one_list_rotates_it(run: Run) -> None:
    run("RPUSH l a b c")
    assert run("LMOVE l l LEFT RIGHT") == bulk(b"a")
    assert run("RPOPLPUSH l l") == bulk(b"a")
    assert elements(run, "l") == bulk_array([b"a", b"b", b"c"])


def test_moving_the_only_element_within_a_list_keeps_key_and_time_to_live(run: Run) -> None:
    run("RPUSH l a")
    run("EXPIRE l 100")
    assert run("LMOVE l l LEFT LEFT") == bulk(b"a")
    assert run("TTL l") == b":100\r\n"


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


def test_what_replicas_are_told_of_a_pop_from_several_keys_names_the_key_and_the_count(run: Run) -> None:
    run.replicate()
    run("RPUSH second a b c")
    run("LMPOP 2 first second RIGHT COUNT 5")
    assert run.propagated()[-1] == (0, [b"RPOP", b"second", b"3"])


def test_pushing_at_a_million_elements_costs_what_it_costs_at_ten(run: Run) -> None:
    for _ in range(100):
        run.args("RPUSH", "l", *range(10_000))
    assert run("LPUSH l first") == b":1000001\r\n"
    assert run("LINDEX l 0") == bulk(b"first")
    assert run("LRANGE l -2 -1") == bulk_array([b"9998", b"9999"])
    assert run("LPOP l") == bulk(b"first")
