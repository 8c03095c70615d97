"""RESTORE takes bytes from strangers."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.commands.conftest import Run, start

from cachetwin_engine.core.crc64 import crc64
from cachetwin_engine.core.rdb import lzf

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


def test_the_check_sum_is_the_known_one() -> None:
    assert crc64(b"123456789") == 0xE9C6D914C4B8D9CA


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


@settings(max_examples=400, deadline=None)
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


@given(st.binary(max_size=300).map(lambda data: data * 3))
def test_compression_gives_back_what_it_got(data: bytes) -> None:
    packed = lzf.compress(data)
    assert packed is None or lzf.decompress(packed, len(data)) == data


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
