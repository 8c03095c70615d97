"""Compression of strings."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetwin_engine.core.rdb import lzf


def noise(size: int) -> bytes:
    """Bytes that do not compress."""
    return b"".join([hashlib.sha256(b"%d" % number).digest() for number in range(size // 32 + 1)])[:size]


@given(st.binary(max_size=300).map(lambda data: data * 3))
def test_compression_gives_back_what_it_got(data: bytes) -> None:
    packed = lzf.compress(data)
    assert packed is None or lzf.decompress(packed, len(data)) == data


@pytest.mark.parametrize("size", [0, 1, 3, 4, 20, 21, 263, 264, 265, 266, 8191, 8192, 8193, 20_000])
def test_a_repeated_pattern_becomes_short(size: int) -> None:
    for pattern in (b"a", b"abc", b"0123456789"):
        data = (pattern * size)[:size]
        packed = lzf.compress(data)
        assert packed is None or lzf.decompress(packed, size) == data
        assert (packed is not None and len(packed) < size / 4) or size < 64


def test_what_repeats_further_away_than_a_copy_reaches_is_not_copied() -> None:
    data = noise(9000) * 3
    packed = lzf.compress(data)
    assert packed is None or lzf.decompress(packed, len(data)) == data


def test_text_behind_what_does_not_compress_is_still_compressed() -> None:
    data = noise(3000) + b"the quick brown fox jumps over the lazy dog. " * 300
    packed = lzf.compress(data)
    assert packed is not None
    assert lzf.decompress(packed, len(data)) == data
    assert len(packed) < 5000


def test_random_bytes_are_left_as_they_are() -> None:
    assert lzf.compress(noise(1_000_000)) is None
