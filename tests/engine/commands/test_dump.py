"""RESTORE takes bytes from strangers."""

import struct

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.engine.hosts import KeepsItsLog
from tests.engine.in_process import Run, start

from cachetwin_engine.core.rdb.packed import listpack
from cachetwin_engine.core.text.crc64 import crc64

MAKE = [
    "SET k {long}",
    "SET k 12",
    "RPUSH k a b 1 {long} -5000 70000",
    "SADD k 1 2 3",
    "SADD k a b 1",
    "HSET k f v g 2",
    "ZADD k 1 a 2.5 b",
    "XADD k 1-1 f v g w",
]


def payload_of(run: Run, line: str) -> bytes:
    run("DEL k")
    assert not run(line.format(long="abc" * 200)).startswith(b"-")
    reply = run("DUMP k")
    head, body = reply.split(b"\r\n", 1)
    assert head.startswith(b"$")
    return body[:-2]


def sealed(body: bytes, version: int = 11) -> bytes:
    """``body`` with a tail that fits it."""
    body += struct.pack("<H", version)
    return body + struct.pack("<Q", crc64(body))


def test_a_payload_of_a_later_version_is_refused(run: Run) -> None:
    body = payload_of(run, "SET k v")[:-10]
    assert run.args("RESTORE", "j", 0, sealed(body, 11)) == b"+OK\r\n"
    assert run.args("RESTORE", "i", 0, sealed(body, 12)).startswith(b"-ERR DUMP payload version")


def test_restore_does_not_overwrite_unless_told(run: Run) -> None:
    payload = payload_of(run, "SET k v")
    assert run.args("RESTORE", "k", 0, payload) == b"-BUSYKEY Target key name already exists.\r\n"
    assert run.args("RESTORE", "k", 5000, payload, "REPLACE") == b"+OK\r\n"
    assert run("PTTL k") == b":5000\r\n"


def test_a_time_that_is_over_restores_nothing(run: Run) -> None:
    payload = payload_of(run, "SET k v")
    assert run.args("RESTORE", "k", 1, payload, "REPLACE", "ABSTTL") == b"+OK\r\n"
    assert run("EXISTS k") == b":0\r\n"


def test_idle_time_comes_along(run: Run) -> None:
    payload = payload_of(run, "SET k v")
    assert run.args("RESTORE", "j", 0, payload, "IDLETIME", 1000) == b"+OK\r\n"
    assert run("OBJECT IDLETIME j") == b":1000\r\n"


@pytest.mark.parametrize("line", MAKE)
def test_cut_short_at_any_place_it_is_an_error_and_nothing_worse(run: Run, line: str) -> None:
    body = payload_of(run, line)[:-10]
    for size in range(len(body)):
        assert run.args("RESTORE", "cut", 0, sealed(body[:size])).startswith(b"-ERR Bad data format")
    assert run("EXISTS cut") == b":0\r\n"


@pytest.mark.no_cover
@settings(max_examples=400, deadline=None)
@example("SADD k a b 1", 3, 0, 3530, 133)  # an element that ends behind the last byte
@given(st.sampled_from(MAKE), st.integers(0, 10_000), st.integers(0, 255), st.integers(0, 10_000), st.integers(0, 255))
def test_with_any_two_bytes_changed_it_is_a_value_or_an_error(
    line: str, first: int, one: int, second: int, other: int
) -> None:
    run = start()
    body = bytearray(payload_of(run, line)[:-10])
    body[first % len(body)] = one
    body[second % len(body)] = other
    reply = run.args("RESTORE", "j", 0, sealed(bytes(body)))
    assert reply in {b"+OK\r\n", b"-ERR Bad data format\r\n"}
    if reply == b"+OK\r\n":
        assert not run("DUMP j").startswith(b"-")


@pytest.mark.parametrize("line", ["SADD k 1 2 3 z", "SADD k 1 2 3", "SADD k 1 2 70000 -5000000000 z"])
def test_a_set_of_integers_comes_back_in_the_form_it_was_dumped_in(run: Run, line: str) -> None:
    run("DEL k")
    run(line)
    run("SREM k z")
    encoding = run("OBJECT ENCODING k")
    payload = run("DUMP k").split(b"\r\n", 1)[1][:-2]
    assert run.args("RESTORE", "copy", 0, payload) == b"+OK\r\n"
    assert run("OBJECT ENCODING copy") == encoding
    assert run("DUMP copy") == run("DUMP k")


def ziplist(entries: list[bytes], *, tail: int | None = None, count: int | None = None, first_before: int = 0) -> bytes:
    """A ziplist of short strings; what is given goes in place of the right numbers."""
    out, before, last = b"", first_before, 10
    for entry in entries:
        last = 10 + len(out)
        out += bytes([before, len(entry)]) + entry
        before = 2 + len(entry)
    head = struct.pack("<IIH", 11 + len(out), last if tail is None else tail, len(entries) if count is None else count)
    return head + out + b"\xff"


def short_string(data: bytes) -> bytes:
    assert len(data) < 64
    return bytes([len(data)]) + data


HASH_ZIPLIST, ZSET_ZIPLIST, HASH_LISTPACK, HASH_ZIPMAP, STREAM = b"\r", b"\f", b"\x10", b"\t", b"\x0f"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (HASH_ZIPLIST + short_string(ziplist([b"f", b"v"], tail=10)), "Hash ziplist integrity check failed"),
        (HASH_ZIPLIST + short_string(ziplist([b"f", b"v"], count=3)), "Hash ziplist integrity check failed"),
        (ZSET_ZIPLIST + short_string(ziplist([b"m", b"1"], first_before=9)), "Zset ziplist integrity check failed"),
        (HASH_LISTPACK + b"\x0d\x0d\0\0\0\x02\0\x81f\x02\x81v\x09\xff", "Hash listpack integrity check failed"),
        (HASH_ZIPMAP + b"\x02\0\xff", "Zipmap integrity check failed"),
        (HASH_ZIPMAP + b"\x07\x02\x01f\x01\0v\xff", "Zipmap integrity check failed"),
        (b"\x12\x01\x01\x00", ""),
        (STREAM + b"\0\0\0\0\1\1g\0\0\0\2\1c" + bytes(9) + b"\1c" + bytes(9), "Duplicate stream consumer detected"),
    ],
)
def test_numbers_that_only_walking_backwards_needs_must_be_right_too(run: Run, wrong: bytes, words: str) -> None:
    host = run.engine.host = KeepsItsLog()
    assert run.args("RESTORE", "k", 0, sealed(wrong)) == b"-ERR Bad data format\r\n"
    assert run("EXISTS k") == b":0\r\n"
    assert words in " ".join(host.lines)


def test_well_formed_ziplists_and_zipmaps_of_old_versions_are_taken(run: Run) -> None:
    assert run.args("RESTORE", "h", 0, sealed(HASH_ZIPLIST + short_string(ziplist([b"f", b"v"])))) == b"+OK\r\n"
    assert run("HGETALL h") == b"*2\r\n$1\r\nf\r\n$1\r\nv\r\n"
    assert run.args("RESTORE", "m", 0, sealed(HASH_ZIPMAP + b"\x07\x01\x01f\x01\0v\xff")) == b"+OK\r\n"
    assert run("HGET m f") == b"$1\r\nv\r\n"
    overlong = HASH_ZIPMAP + b"\x0b\x01\xfe\x01\0\0\0f\x01\0v\xff"  # a length in five bytes where one would do
    assert run.args("RESTORE", "n", 0, sealed(overlong)) == b"-ERR Bad data format\r\n"


def test_a_wrong_checksum_is_overlooked_while_debug_says_so(run: Run) -> None:
    run.engine.config.set_at_start("enable-debug-command", "yes")
    payload = payload_of(run, "SET k v")[:-8] + bytes(8)
    assert run.args("RESTORE", "j", 0, payload).startswith(b"-ERR DUMP payload version or checksum")
    assert run("DEBUG SET-SKIP-CHECKSUM-VALIDATION 1") == b"+OK\r\n"
    assert run.args("RESTORE", "j", 0, payload) == b"+OK\r\n"
    assert run("DEBUG SET-SKIP-CHECKSUM-VALIDATION 0") == b"+OK\r\n"
    assert run.args("RESTORE", "i", 0, payload).startswith(b"-ERR DUMP payload version or checksum")


def test_an_element_whose_length_fills_its_bytes_has_one_more_as_in_valkey(run: Run) -> None:
    run.args("XADD", "k", "1-1", "f", "v" * 16_378)  # with its head 16383 bytes: listpack.c compares by < there
    dumped = run.args("DUMP", "k").partition(b"\r\n")[2][:-2]
    assert listpack([b"v" * 16_378]).endswith(b"v\x00\xff\xff\xff")
    assert run.args("RESTORE", "other", 0, dumped) == b"+OK\r\n"
    assert run("XRANGE other - +") == run("XRANGE k - +")
