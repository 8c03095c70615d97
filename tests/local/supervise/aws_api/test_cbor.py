"""CBOR as CloudWatch's SDKs speak it; botocore's own reader and writer are the other end."""

import contextlib

import pytest
from botocore.parsers import RpcV2CBORParser  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from cachetwin_local.supervise.aws_api.protocol.cbor import Seconds, decode, encode

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(VALUES)
def test_a_value_comes_back(value: object) -> None:
    assert decode(encode(value)) == value


@given(st.binary(max_size=40))
def test_bytes_of_a_stranger_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        decode(data)


def test_a_time_is_read_by_botocore_as_one() -> None:
    stream = RpcV2CBORParser().get_peekable_stream_from_bytes(encode({"at": Seconds(1.5)}))
    assert RpcV2CBORParser().parse_data_item(stream)["at"].timestamp() == 1.5


def test_open_lists_maps_and_strings_are_read() -> None:
    assert decode(bytes.fromhex("bf6161 9f0102ff 6162 7f61786179ff ff".replace(" ", ""))) == {"a": [1, 2], "b": "xy"}


@pytest.mark.parametrize("data", ["", "ff", "9b7fffffffffffffff", "5bffffffffffffffff", "1c", "81" * 100])
def test_what_is_no_cbor_is_refused(data: str) -> None:
    with pytest.raises(ValueError, match=r"must|only"):
        decode(bytes.fromhex(data))
