"""Bits of strings, one by one, in ranges, in fields and as whole strings."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.in_process import Run, StartRun, Word, start

from cachetwin_engine.core.protocol.replies import bulk

SYNTAX = b"-ERR syntax error\r\n"
NOT_AN_OFFSET = b"-ERR bit offset is not an integer or out of range\r\n"
NOT_A_TYPE = b"-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.\r\n"
WRONG_TYPE = b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"


def bits_of(text: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in text)


# -- single bits --------------------------------------------------------------------------------------------------------


def test_setbit_answers_the_former_bit_and_grows_the_string(run: Run) -> None:
    assert run("SETBIT k 7 1") == b":0\r\n"
    assert run("SETBIT k 7 0") == b":1\r\n"
    assert run("SETBIT k 17 1") == b":0\r\n"
    assert run("GET k") == bulk(b"\x00\x00\x40")
    assert run("SETBIT other 9 0") == b":0\r\n"
    assert run("STRLEN other") == b":2\r\n"


def test_getbit_reads_every_form_of_a_string(run: Run) -> None:
    run("SET number 1")  # 0x31
    run("SET text abc")
    run("SETBIT edited 0 1")
    assert [run(f"GETBIT number {at}") for at in range(9)] == [b":%d\r\n" % bit for bit in (0, 0, 1, 1, 0, 0, 0, 1, 0)]
    assert run("GETBIT text 1") == run("GETBIT edited 0") == b":1\r\n"
    assert run("GETBIT edited 1") == run("GETBIT none 100") == b":0\r\n"


def test_a_bit_that_stays_as_it_was_changes_nothing(run: Run) -> None:
    run("SETBIT k 7 1")
    run.replicate()
    run("SETBIT k 7 1")
    assert run.propagated() == []
    run("SETBIT k 6 1")
    assert run.propagated() == [(0, [b"SETBIT", b"k", b"6", b"1"])]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("SETBIT k -1 1", NOT_AN_OFFSET),
        ("SETBIT k x 1", NOT_AN_OFFSET),
        ("SETBIT k 4294967296 1", NOT_AN_OFFSET),
        ("SETBIT k 0 2", b"-ERR bit is not an integer or out of range\r\n"),
        ("SETBIT list 0 1", WRONG_TYPE),
        ("GETBIT k #1", NOT_AN_OFFSET),
        ("GETBIT list 0", WRONG_TYPE),
        ("BITCOUNT k 0 1 NO", SYNTAX),
        ("BITCOUNT k 0 1 BIT x", SYNTAX),
        ("BITCOUNT k x 1", b"-ERR value is not an integer or out of range\r\n"),
        ("BITCOUNT list", WRONG_TYPE),
        ("BITPOS k 2", b"-ERR The bit argument must be 1 or 0.\r\n"),
        ("BITPOS k x", b"-ERR value is not an integer or out of range\r\n"),
        ("BITPOS k 1 0 1 BIT x", SYNTAX),
        ("BITPOS list 1", WRONG_TYPE),
        ("BITOP NAND d k", SYNTAX),
        ("BITOP NOT d k k", b"-ERR BITOP NOT must be called with a single source key.\r\n"),
        ("BITOP AND d list", WRONG_TYPE),
        ("BITFIELD k GET u64 0", NOT_A_TYPE),
        ("BITFIELD k GET i65 0", NOT_A_TYPE),
        ("BITFIELD k GET x8 0", NOT_A_TYPE),
        ("BITFIELD k GET u8 -1", NOT_AN_OFFSET),
        ("BITFIELD k GET u8 #-1", NOT_AN_OFFSET),
        ("BITFIELD k GET u8", SYNTAX),
        ("BITFIELD k SET u8 0", SYNTAX),
        ("BITFIELD k SET u8 0 x", b"-ERR value is not an integer or out of range\r\n"),
        ("BITFIELD k OVERFLOW", SYNTAX),
        ("BITFIELD k OVERFLOW no", b"-ERR Invalid OVERFLOW type specified\r\n"),
        ("BITFIELD list SET u8 0 1", WRONG_TYPE),
        ("BITFIELD_RO k SET u8 0 1", b"-ERR BITFIELD_RO only supports the GET subcommand\r\n"),
    ],
)
def test_refusals(run: Run, line: str, error: bytes) -> None:
    run("SET k ab")
    run("RPUSH list x")
    assert run(line) == error
    assert run("GET k") == bulk(b"ab")


# -- ranges -------------------------------------------------------------------------------------------------------------


def test_bitcount_counts_all_bytes_or_bits_of_a_range(run: Run) -> None:
    run("SET k foobar")
    counted = {"": 26, "0 0": 4, "1 1": 6, "0 -1": 26, "-2 -1": 7, "1 1 BYTE": 6, "5 30 BIT": 17, "4 2": 0, "-1 -2": 0}
    for place, count in counted.items():
        assert run(f"BITCOUNT k {place}") == b":%d\r\n" % count, place
    assert run("BITCOUNT none") == run("BITCOUNT none 0 1") == b":0\r\n"


def test_bitcount_takes_a_start_alone_since_valkey_8(run: Run, start_run: StartRun) -> None:
    run("SET k foobar")
    assert run("BITCOUNT k -2") == run("BITCOUNT k -2 -1")
    older = start_run("redis-7.1")
    older("SET k foobar")
    assert older("BITCOUNT k -2") == SYNTAX


def test_before_valkey_8_a_missing_key_answers_before_the_range_is_read(run: Run, start_run: StartRun) -> None:
    older = start_run("redis-7.1")
    assert older("BITCOUNT none 0 1 NO") == b":0\r\n"
    assert older("BITPOS none 1 0 1 NO") == b":-1\r\n"
    assert older("BITPOS none 0 0 1 NO") == b":0\r\n"
    older("SET k v")
    assert older("BITCOUNT k -1 -2 NO") == b":0\r\n"
    assert run("BITCOUNT none 0 1 NO") == SYNTAX


def test_a_negative_range_of_bitpos_that_ends_before_the_string_is_its_first_byte(run: Run) -> None:
    run("SET k 1")
    assert run("BITPOS k 0 -1 -2") == b":0\r\n"
    assert run("BITPOS k 1 -1 -2") == b":2\r\n"
    assert run("BITCOUNT k -1 -2") == b":0\r\n"


def test_bitpos_finds_the_first_bit(run: Run) -> None:
    run.args("SET", "k", b"\xff\xf0\x00")
    run.args("SET", "ones", b"\xff\xff")
    run.args("SET", "zeros", b"\x00\x00")
    found = {
        "k 0": 12, "k 1": 0, "k 1 1": 8, "k 1 2": -1, "k 0 0 0": -1, "k 1 -2 -1 BYTE": 8, "k 0 7 15 BIT": 12,
        "k 1 12 -1 BIT": -1, "k 1 2 1": -1, "ones 0": 16, "ones 0 0 -1": -1, "ones 0 1": 16, "zeros 1": -1,
        "none 0": 0, "none 1": -1,
    }  # fmt: skip
    for words, place in found.items():
        assert run(f"BITPOS {words}") == b":%d\r\n" % place, words


PLACE = st.integers(-40, 40)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=5), PLACE, PLACE, st.sampled_from(["BIT", "BYTE"]), st.sampled_from([0, 1]))
def test_ranges_count_and_find_what_reading_bit_by_bit_finds(
    text: bytes, first: int, last: int, unit: str, wanted: int
) -> None:
    run = start()
    run.args("SET", "k", text)
    size = len(text) * (8 if unit == "BIT" else 1)
    low = max(first + size, 0) if first < 0 else first
    high = min(max(last + size, 0) if last < 0 else last, size - 1)
    width = 1 if unit == "BIT" else 8
    inside = "" if low > high else bits_of(text)[low * width : (high + 1) * width]
    counted = "" if first < 0 and last < 0 and first > last else inside  # BITPOS has no such check
    assert run(f"BITCOUNT k {first} {last} {unit}") == b":%d\r\n" % counted.count("1")
    at = inside.find(str(wanted))
    assert run(f"BITPOS k {wanted} {first} {last} {unit}") == b":%d\r\n" % (at if at < 0 else at + low * width)


# -- whole strings ------------------------------------------------------------------------------------------------------


def test_bitop_pads_shorter_strings_with_zeros(run: Run) -> None:
    run.args("MSET", "a", b"\xf0\x0f\xaa", "b", b"\x3c")
    results = {"AND": b"\x30\x00\x00", "OR": b"\xfc\x0f\xaa", "XOR": b"\xcc\x0f\xaa"}
    for operation, result in results.items():
        assert run(f"BITOP {operation} d a b") == b":3\r\n"
        assert run("GET d") == bulk(result)
    assert run("BITOP not d a") == b":3\r\n"
    assert run("GET d") == bulk(b"\x0f\xf0\x55")


def test_an_empty_result_of_bitop_deletes_the_destination(run: Run) -> None:
    run("SET d old")
    run.replicate()
    assert run("BITOP AND d none nothing") == b":0\r\n"
    assert run("EXISTS d") == b":0\r\n"
    assert run.propagated() == [(0, [b"BITOP", b"AND", b"d", b"none", b"nothing"])]
    assert run("BITOP OR d none") == b":0\r\n"


# -- fields -------------------------------------------------------------------------------------------------------------


def test_fields_are_read_written_and_counted_in_one_request(run: Run) -> None:
    line = "BITFIELD k INCRBY i5 100 1 GET u4 0 SET u8 #1 255 GET i8 #1"
    assert run(line) == b"*4\r\n:1\r\n:0\r\n:0\r\n:-1\r\n"
    assert run("GETRANGE k 0 1") == bulk(b"\x00\xff")
    assert run("STRLEN k") == b":14\r\n"
    assert run("BITFIELD_RO k GET i5 100 GET u8 #1") == b"*2\r\n:1\r\n:255\r\n"


def test_reading_fields_makes_no_key(run: Run) -> None:
    assert run("BITFIELD none GET u8 0 GET i64 1000") == b"*2\r\n:0\r\n:0\r\n"
    assert run("BITFIELD none") == b"*0\r\n"
    assert run("EXISTS none") == b":0\r\n"


def test_overflow_wraps_saturates_or_fails_from_where_it_is_said(run: Run) -> None:
    run("BITFIELD k SET u2 0 3 SET i4 8 7")
    assert run("BITFIELD k INCRBY u2 0 1") == b"*1\r\n:0\r\n"
    assert run("BITFIELD k OVERFLOW SAT INCRBY u2 0 9 INCRBY u2 0 -9 INCRBY i4 8 5 INCRBY i4 8 -50") == (
        b"*4\r\n:3\r\n:0\r\n:7\r\n:-8\r\n"
    )
    assert run("BITFIELD k OVERFLOW FAIL INCRBY u2 0 4 OVERFLOW WRAP INCRBY u2 0 5") == b"*2\r\n$-1\r\n:1\r\n"
    assert run("BITFIELD k OVERFLOW SAT SET u2 0 -1 GET u2 0") == b"*2\r\n:1\r\n:3\r\n"
    assert run.resp3()("BITFIELD k OVERFLOW FAIL SET u2 0 4") == b"*1\r\n_\r\n"


def test_a_request_of_fields_that_changes_nothing_reaches_no_replica(run: Run) -> None:
    run("BITFIELD k SET u8 0 5")
    run.replicate()
    run("BITFIELD k SET u8 0 5")
    run("BITFIELD k OVERFLOW FAIL INCRBY u8 0 255")
    assert run.propagated() == []
    run("BITFIELD k SET u8 0 6")
    assert run.propagated() == [(0, [b"BITFIELD", b"k", b"SET", b"u8", b"0", b"6"])]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from("iu"), st.integers(1, 63), st.integers(0, 70), st.integers(-(2**63), 2**63 - 1))
def test_a_field_holds_what_was_written_and_leaves_its_neighbours(
    kind: str, width: int, offset: int, value: int
) -> None:
    run = start()
    run.args("SET", "k", b"\xa5" * 20)
    before = bits_of(b"\xa5" * 20)
    field = f"{kind}{width}"
    words: list[Word] = ["BITFIELD", "k", "SET", field, offset, value, "GET", field, offset]
    raw = value & ((1 << width) - 1)
    kept = raw - (1 << width) if kind == "i" and raw >> (width - 1) else raw
    assert run.args(*words).split(b"\r\n")[2] == b":%d" % kept
    after = bits_of(run("GET k").split(b"\r\n", 1)[1][:-2])
    assert after == before[:offset] + f"{raw:0{width}b}" + before[offset + width :]
