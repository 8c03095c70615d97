"""SORT and SORT_RO."""

import pytest
from tests.engine.in_cluster import start_in_cluster
from tests.engine.in_process import Run, StartRun


def test_sort_takes_patterns_that_stay_in_the_slot(start_run: StartRun) -> None:
    run = start_in_cluster(start_run)
    run("RPUSH {x}l 1 2")
    run("MSET {x}w1 2 {x}w2 1")
    assert run("SORT {x}l BY {x}w*") == b"*2\r\n$1\r\n2\r\n$1\r\n1\r\n"
    assert run("SORT {x}l BY w*").startswith(b"-ERR BY option of SORT denied in Cluster mode")
    assert run("SORT {x}l GET #") == b"*2\r\n$1\r\n1\r\n$1\r\n2\r\n"
    older = start_in_cluster(start_run, "redis-7.1")
    assert older("SORT {x}l GET {x}w*") == b"-ERR GET option of SORT denied in cluster mode.\r\n"


def items(reply: bytes) -> list[bytes]:
    return reply.split(b"\r\n")[2::2]


@pytest.fixture
def shop(run: Run) -> Run:
    """Numbers that point to weights and names."""
    run("RPUSH l 3 1 2")
    run("MSET w_1 30 w_2 20 w_3 10")
    run("HSET h_1 name one")
    run("HSET h_2 name two")
    return run


def test_numbers_and_text_have_orders_of_their_own(shop: Run) -> None:
    assert items(shop("SORT l")) == [b"1", b"2", b"3"]
    assert items(shop("SORT l DESC")) == [b"3", b"2", b"1"]
    shop("RPUSH t b 10 9 a")
    assert items(shop("SORT t ALPHA")) == [b"10", b"9", b"a", b"b"]
    assert shop("SORT t") == b"-ERR One or more scores can't be converted into double\r\n"
    assert shop("SORT none") == b"*0\r\n"


def test_sets_and_sorted_sets_are_sorted_too(shop: Run) -> None:
    shop("SADD s 5 4 6")
    shop("ZADD z 1 b 2 a 3 c")
    assert items(shop("SORT s DESC")) == [b"6", b"5", b"4"]
    assert items(shop("SORT z ALPHA")) == [b"a", b"b", b"c"]
    assert items(shop("SORT z BY nosort")) == [b"b", b"a", b"c"]
    assert items(shop("SORT z BY nosort DESC LIMIT 0 2")) == [b"c", b"a"]


def test_limits_cut_the_result(shop: Run) -> None:
    assert items(shop("SORT l LIMIT 1 1")) == [b"2"]
    assert items(shop("SORT l LIMIT -1 2")) == [b"1", b"2"]
    assert items(shop("SORT l LIMIT 2 -1")) == [b"3"]
    assert shop("SORT l LIMIT 5 1") == b"*0\r\n"


def test_patterns_lead_to_weights_and_to_what_is_returned(shop: Run) -> None:
    assert items(shop("SORT l BY w_*")) == [b"3", b"2", b"1"]
    assert items(shop("SORT l BY h_*->name ALPHA")) == [b"3", b"1", b"2"]  # what is missing comes first
    assert shop("SORT l GET # GET h_*->name GET nothing") == (
        b"*9\r\n$1\r\n1\r\n$3\r\none\r\n$-1\r\n$1\r\n2\r\n$3\r\ntwo\r\n$-1\r\n$1\r\n3\r\n$-1\r\n$-1\r\n"
    )
    assert items(shop("SORT l BY nosort")) == [b"3", b"1", b"2"]


def test_results_are_stored_as_a_list(shop: Run) -> None:
    assert shop("SORT l GET h_*->name STORE d") == b":3\r\n"
    assert items(shop("LRANGE d 0 -1")) == [b"one", b"two", b""]
    assert shop("SORT none STORE d") == b":0\r\n"
    assert shop("EXISTS d") == b":0\r\n"


@pytest.mark.parametrize("line", ["SORT l NO", "SORT l LIMIT 1", "SORT l BY", "SORT_RO l STORE d", "SORT l STORE"])
def test_what_is_no_option(shop: Run, line: str) -> None:
    assert shop(line) == b"-ERR syntax error\r\n"


def test_patterns_need_the_right_to_read_every_key(shop: Run) -> None:
    shop("ACL SETUSER ann on nopass +@all ~l")
    ann = shop.session()
    ann("AUTH ann x")
    assert items(ann("SORT l")) == [b"1", b"2", b"3"]
    assert ann("SORT l BY w_*") == b"-ERR BY option of SORT denied due to insufficient ACL permissions.\r\n"
    shop("ACL SETUSER ann %R~*")
    assert items(ann("SORT l BY w_*")) == [b"3", b"2", b"1"]


def test_other_types_are_refused(shop: Run) -> None:
    assert shop("SORT w_1").startswith(b"-WRONGTYPE")
