"""Pushes and pops."""

import pytest
from tests.engine.in_process import Run

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


def test_what_replicas_are_told_of_a_pop_from_several_keys_names_the_key_and_the_count(run: Run) -> None:
    run.replicate()
    run("RPUSH second a b c")
    run("LMPOP 2 first second RIGHT COUNT 5")
    assert run.propagated()[-1] == (0, [b"RPOP", b"second", b"3"])


@pytest.mark.no_cover
def test_pushing_at_a_million_elements_costs_what_it_costs_at_ten(run: Run) -> None:
    for _ in range(100):
        run.args("RPUSH", "l", *range(10_000))
    assert run("LPUSH l first") == b":1000001\r\n"
    assert run("LINDEX l 0") == bulk(b"first")
    assert run("LRANGE l -2 -1") == bulk_array([b"9998", b"9999"])
    assert run("LPOP l") == bulk(b"first")
