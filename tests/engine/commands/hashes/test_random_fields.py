"""HRANDFIELD."""

from tests.engine.in_process import Run

from cachetwin_engine.core.protocol.replies import bulk_array


def test_random_fields_with_values_come_as_pairs_in_resp3(run: Run) -> None:
    run("HSET h a 1")
    assert run("HRANDFIELD h 1 WITHVALUES") == bulk_array([b"a", b"1"])
    run.resp3()
    assert run("HRANDFIELD h 1 WITHVALUES") == b"*1\r\n" + bulk_array([b"a", b"1"])


def test_a_negative_count_may_repeat_and_a_positive_one_may_not(run: Run) -> None:
    run("HSET h a 1 b 2 c 3")
    assert run("HRANDFIELD h 10").startswith(b"*3\r\n")
    assert run("HRANDFIELD h -10").startswith(b"*10\r\n")
    assert run("HRANDFIELD h 0") == b"*0\r\n"
    pairs = run("HRANDFIELD h -2 WITHVALUES").split(b"\r\n")
    assert pairs[0] == b"*4"
    assert {pairs[2] + pairs[4], pairs[6] + pairs[8]} <= {b"a1", b"b2", b"c3"}


def test_one_field_or_none(run: Run) -> None:
    run("HSET h only 1")
    assert run("HRANDFIELD h") == b"$4\r\nonly\r\n"
    assert run("HRANDFIELD none") == b"$-1\r\n"
    assert run("HRANDFIELD none 3") == b"*0\r\n"


def test_every_field_of_a_large_hash_can_come(run: Run) -> None:
    for number in range(600):
        run(f"HSET h f{number} {number}")
    assert run("HRANDFIELD h 600").startswith(b"*600\r\n")
    assert len(set(run("HRANDFIELD h 300").split(b"\r\n")[2::2])) == 300


def test_refusals(run: Run) -> None:
    assert run("HRANDFIELD h x") == b"-ERR value is not an integer or out of range\r\n"
    assert run("HRANDFIELD h 1 NO") == b"-ERR syntax error\r\n"
    assert run("HRANDFIELD h -5000000000000000000 WITHVALUES") == b"-ERR value is out of range\r\n"
    run("SET text v")
    assert run("HRANDFIELD text").startswith(b"-WRONGTYPE")
