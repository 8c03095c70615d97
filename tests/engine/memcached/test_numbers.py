"""Numbers and base64 as memcached reads them."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetwin_engine.memcached.base64_keys import decoded, encoded
from cachetwin_engine.memcached.numbers import NOT_A_NUMBER, decimal, real, signed_32, unsigned_32, unsigned_64


@pytest.mark.parametrize(
    ("word", "number"),
    [(b"0", 0), (b"+5", 5), (b"5\r", 5), (b"5 x", 5), (b"\t7", 7), (b"18446744073709551615", 2**64 - 1), (b"-0", 0),
     (b"18446744073709551616", -1), (b"-1", -1), (b"", -1), (b"-", -1), (b"x", -1), (b"5x", -1), (b"0x10", -1),
     (b"-18446744073709551615", 1), (b"1" * 5000, -1)],
)  # fmt: skip
def test_unsigned_numbers_of_64_bits(word: bytes, number: int) -> None:
    assert unsigned_64(word) == number


@pytest.mark.parametrize(("word", "number"), [(b"4294967295", 2**32 - 1), (b"4294967296", 0), (b"-1", -1), (b"x", -1)])
def test_unsigned_numbers_of_32_bits_are_cut(word: bytes, number: int) -> None:
    assert unsigned_32(word) == number


@pytest.mark.parametrize(
    ("word", "number"),
    [(b"-1", -1), (b"2147483648", -(2**31)), (b"4294967297", 1), (b"9223372036854775808", NOT_A_NUMBER),
     (b"x", NOT_A_NUMBER)],
)  # fmt: skip
def test_signed_numbers_of_32_bits_are_cut(word: bytes, number: int) -> None:
    assert signed_32(word) == number


@given(st.integers(0, 2**64 - 1))
def test_digits_are_read_back(number: int) -> None:
    assert unsigned_64(decimal(number)) == number


@pytest.mark.parametrize(("word", "number"), [(b"1.5", 1.5), (b"1_0", None), (b"x", None), (b"", None)])
def test_floating_point_numbers(word: bytes, number: float | None) -> None:
    assert real(word) == number


@given(st.binary(min_size=1, max_size=180))
def test_keys_survive_base64(key: bytes) -> None:
    assert encoded(key) == base64.b64encode(key)
    assert decoded(encoded(key)) == key


@pytest.mark.parametrize(
    ("word", "key"),
    [(b"AAEC", b"\0\1\2"), (b"AA==", b"\0"), (b"AAE=", b"\0\1"), (b"AA=", b""), (b"A===", b""), (b"!AA!EC!", b"\0\1\2"),
     (b"AA==AAEC", b"\0"), (b"====", b"")],
)  # fmt: skip
def test_base64_is_read_laxly(word: bytes, key: bytes) -> None:
    assert decoded(word) == key
