"""Fields of hashes, and the forms of a hash."""

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.protocol.replies import bulk, bulk_array


def test_hset_counts_new_fields_only(run: Run) -> None:
    assert run("HSET h a 1 b 2") == b":2\r\n"
    assert run("HSET h a 3 c 4") == b":1\r\n"
    assert run("HGETALL h") == bulk_array([b"a", b"3", b"b", b"2", b"c", b"4"])


def test_resp3_has_maps(run: Run) -> None:
    run("HSET h a 1 b 2")
    run.resp3()
    assert run("HGETALL h") == b"%2\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n"
    assert run("HGETALL missing") == b"%0\r\n"


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        ([word for number in range(512) for word in (number, number)], b"listpack"),
        ([word for number in range(513) for word in (number, number)], b"hashtable"),
        (["f", "v" * 64], b"listpack"),
        (["f", "v" * 65], b"hashtable"),
        (["f" * 65, "v"], b"hashtable"),
    ],
)
def test_the_form_follows_the_thresholds(run: Run, words: list[object], encoding: bytes) -> None:
    run.args("HSET", "h", *[str(word) for word in words])
    assert run("OBJECT ENCODING h") == bulk(encoding)


def test_a_listpack_of_6_2_is_a_ziplist(start_run: StartRun) -> None:
    run = start_run("redis-6.2")
    run("HSET h a 1")
    assert run("OBJECT ENCODING h") == bulk(b"ziplist")


def test_the_last_field_takes_the_key_with_it(run: Run) -> None:
    run("HSET h a 1 b 2")
    assert run("HDEL h a x") == b":1\r\n"
    assert run("HDEL h b b") == b":1\r\n"
    assert run("EXISTS h") == b":0\r\n"


def test_decimal_sums_reach_replicas_as_results(run: Run) -> None:
    run("HSET h f 10.5")
    run.replicate()
    assert run("HINCRBYFLOAT h f 0.1") == bulk(b"10.6")
    assert run.propagated() == [(0, [b"HSET", b"h", b"f", b"10.6"])]


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("HINCRBY h text 1", b"-ERR hash value is not an integer\r\n"),
        ("HINCRBY h big 1", b"-ERR increment or decrement would overflow\r\n"),
        ("HINCRBYFLOAT h text 1", b"-ERR hash value is not a float\r\n"),
        ("HINCRBYFLOAT h big inf", b"-ERR value is NaN or Infinity\r\n"),
        ("HINCRBYFLOAT h big x", b"-ERR value is not a valid float\r\n"),
        ("HSET h odd", b"-ERR wrong number of arguments for 'hset' command\r\n"),
        ("HMSET h a 1 odd", b"-ERR wrong number of arguments for 'hmset' command\r\n"),
        ("HRANDFIELD h -9223372036854775807 WITHVALUES", b"-ERR value is out of range\r\n"),
    ],
)
def test_refusals_are_valkeys(run: Run, command: str, problem: bytes) -> None:
    run("HSET h text x big 9223372036854775807")
    assert run(command) == problem


def test_novalues_came_with_valkey_8(run: Run, start_run: StartRun) -> None:
    for client in (run, start_run("redis-7.1")):
        client("HSET h a 1")
    assert run("HSCAN h 0 NOVALUES") == b"*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n"
    assert start_run("redis-7.1")("HSCAN missing 0 NOVALUES") == b"*2\r\n$1\r\n0\r\n*0\r\n"


@pytest.mark.parametrize("size", [30, 1000])
def test_a_walk_returns_every_field(run: Run, size: int) -> None:
    run.args("HSET", "h", *[word for number in range(size) for word in (f"f{number}", number)])
    found: dict[bytes, bytes] = {}
    cursor = b"0"
    while True:
        reply = run.args("HSCAN", "h", cursor, "MATCH", "f*", "COUNT", 64).split(b"\r\n")
        cursor = reply[2]
        flat = reply[5::2]
        found.update(zip(flat[::2], flat[1::2], strict=True))
        if cursor == b"0":
            break
    assert found == {b"f%d" % number: b"%d" % number for number in range(size)}
