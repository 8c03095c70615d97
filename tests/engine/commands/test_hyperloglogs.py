"""PFADD, PFCOUNT, PFMERGE and PFDEBUG. How registers lie in the bytes is tested in ``types/``."""

import pytest
from tests.engine.in_process import Run, StartRun

OK = b"+OK\r\n"
WRONG_TYPE = b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
NOT_ONE = b"-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n"
STANDARD_ERROR = 0.0081  # 1.04 / sqrt(16384 registers)


def count_of(run: Run, *keys: str) -> int:
    return int(run(f"PFCOUNT {' '.join(keys)}")[1:])


def add(run: Run, key: str, first: int, last: int) -> None:
    run.args("PFADD", key, *(f"element:{number}" for number in range(first, last)))


def test_pfadd_says_whether_the_estimate_may_have_changed(run: Run) -> None:
    assert run("PFADD h") == b":1\r\n"  # the key is new
    assert run("PFADD h") == b":0\r\n"
    assert run("PFADD h a b c") == b":1\r\n"
    assert run("PFADD h c b a") == b":0\r\n"
    assert run("TYPE h") == b"+string\r\n"


@pytest.mark.parametrize("elements", [0, 1, 10, 1000, 20_000])
def test_the_estimate_is_within_three_standard_errors(run: Run, elements: int) -> None:
    run("PFADD h")
    if elements:
        add(run, "h", 0, elements)
    assert abs(count_of(run, "h") - elements) <= 3 * STANDARD_ERROR * elements
    assert count_of(run, "h") == count_of(run, "h")  # the kept count too


def test_several_keys_are_counted_as_their_union(run: Run) -> None:
    add(run, "one", 0, 100)
    add(run, "two", 50, 150)
    assert abs(count_of(run, "one", "two", "none") - 150) <= 4
    assert count_of(run, "none") == count_of(run, "none", "nothing") == 0


def test_pfmerge_stores_the_union(run: Run) -> None:
    add(run, "one", 0, 100)
    add(run, "two", 50, 150)
    expected = count_of(run, "one", "two")
    assert run("PFMERGE all one two none") == OK
    assert count_of(run, "all") == expected
    assert run("PFMERGE one two") == OK  # the destination counts too
    assert count_of(run, "one") == expected
    assert run("PFMERGE empty") == OK
    assert count_of(run, "empty") == 0


def test_a_merge_is_dense_as_soon_as_one_source_is(run: Run) -> None:
    add(run, "small", 0, 10)
    assert run("PFDEBUG ENCODING small") == b"+sparse\r\n"
    add(run, "large", 0, 5000)
    assert run("PFDEBUG ENCODING large") == b"+dense\r\n"
    run("PFMERGE sum small")
    assert run("PFDEBUG ENCODING sum") == b"+sparse\r\n"
    run("PFMERGE sum large")
    assert run("PFDEBUG ENCODING sum") == b"+dense\r\n"
    assert run("STRLEN sum") == b":12304\r\n"


def test_the_sparse_form_ends_at_its_limit(run: Run) -> None:
    run("CONFIG SET hll-sparse-max-bytes 30")
    run("PFADD h a")
    assert run("PFDEBUG ENCODING h") == b"+sparse\r\n"
    run("PFADD h b c d e f")
    assert run("PFDEBUG ENCODING h") == b"+dense\r\n"
    assert count_of(run, "h") == 6


def test_a_hyperloglog_is_a_string_that_can_be_copied(run: Run) -> None:
    add(run, "h", 0, 500)
    text = run("GET h").split(b"\r\n", 1)[1][:-2]
    run.args("SET", "copy", text)
    assert count_of(run, "copy") == count_of(run, "h")


def test_pfcount_that_works_the_count_out_tells_who_watches(run: Run) -> None:
    run("PFADD h a")
    run("WATCH h")
    other = run.session()
    other("PFCOUNT h")
    run("MULTI")
    run("PING")
    assert run("EXEC") == b"*-1\r\n"
    run("WATCH h")
    other("PFCOUNT h")  # the count is known by now
    run("MULTI")
    run("PING")
    assert run("EXEC") == b"*1\r\n+PONG\r\n"


def test_additions_reach_replicas_and_listeners_when_they_change_something(run: Run) -> None:
    run("CONFIG SET notify-keyspace-events K$")
    listener = run.session()
    listener("SUBSCRIBE __keyspace@0__:h")
    run.replicate()
    run("PFADD h a")
    run("PFADD h a")
    assert run.propagated() == [(0, [b"PFADD", b"h", b"a"])]
    assert listener.received().count(b"$5\r\npfadd\r\n") == 1


def test_pfdebug_shows_runs_and_registers(run: Run) -> None:
    run("PFADD h a")
    described = run("PFDEBUG DECODE h")
    assert b"Z:" in described
    assert b"v:" in described
    registers = run("PFDEBUG GETREG h").split(b"\r\n")
    assert registers[0] == b"*16384"
    assert len([value for value in registers[1:-1] if value != b":0"]) == 1
    assert run("PFDEBUG DECODE h") == b"-ERR HLL encoding is not sparse\r\n"  # GETREG made it dense
    assert run("PFDEBUG TODENSE h") == b":0\r\n"
    run("PFADD other a")
    assert run("PFDEBUG TODENSE other") == b":1\r\n"


def test_pfdebug_switches_simd_since_valkey_8_1(run: Run, start_run: StartRun) -> None:
    assert run("PFDEBUG SIMD OFF") == run("PFDEBUG SIMD ON") == OK
    assert run("PFDEBUG SIMD no") == b"-ERR Argument must be ON or OFF\r\n"
    assert start_run("valkey-8.0")("PFDEBUG SIMD ON") == b"-ERR The specified key does not exist\r\n"


@pytest.mark.no_cover
def test_pfselftest_passes(run: Run) -> None:
    assert run("PFSELFTEST") == OK


@pytest.mark.parametrize("line", ["PFADD {} a", "PFCOUNT {}", "PFCOUNT {} none", "PFMERGE d {}", "PFMERGE {} d"])
def test_what_is_no_hyperloglog_is_refused(run: Run, line: str) -> None:
    run("SET text HYLLO")
    run("RPUSH list x")
    run.args("SET", "short", b"HYLL" + bytes(12))  # dense, but with no registers
    assert run(line.format("text")) == NOT_ONE
    assert run(line.format("short")) == NOT_ONE
    assert run(line.format("list")) == WRONG_TYPE


def test_damaged_runs_are_called_corrupted(run: Run) -> None:
    run("PFADD h a b c")
    run.args("SETRANGE", "h", 16, b"\x80")
    assert run("PFCOUNT h") == b"-INVALIDOBJ Corrupted HLL object detected\r\n"
    assert run("PFMERGE other h") == b"-INVALIDOBJ Corrupted HLL object detected\r\n"


def test_pfdebug_refuses_what_it_does_not_know(run: Run) -> None:
    run("PFADD h a")
    assert run("PFDEBUG nothing h") == b"-ERR Unknown PFDEBUG subcommand 'nothing'\r\n"
    assert run("PFDEBUG ENCODING none") == b"-ERR The specified key does not exist\r\n"
