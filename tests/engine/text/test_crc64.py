"""The check sum of payloads and files."""

from hypothesis import given
from hypothesis import strategies as st

from cachetwin_engine.core.text.crc64 import crc64


def bit_by_bit(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x95AC9329AC4BC9B5 if crc & 1 else crc >> 1
    return crc


def test_the_check_sum_is_the_known_one() -> None:
    assert crc64(b"123456789") == 0xE9C6D914C4B8D9CA


@given(st.binary(max_size=100), st.integers(0, 100))
def test_the_check_sum_is_that_of_the_definition_however_the_data_is_cut(data: bytes, place: int) -> None:
    expected = bit_by_bit(data)
    assert crc64(data) == expected
    assert crc64(data[place:], crc64(data[:place])) == expected
