"""Compression of strings."""

from hypothesis import given
from hypothesis import strategies as st

from cachetwin_engine.core.rdb import lzf


@given(st.binary(max_size=300).map(lambda data: data * 3))
def test_compression_gives_back_what_it_got(data: bytes) -> None:
    packed = lzf.compress(data)
    assert packed is None or lzf.decompress(packed, len(data)) == data
