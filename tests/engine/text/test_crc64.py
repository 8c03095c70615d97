"""The check sum of payloads and files."""

from cachetwin_engine.core.text.crc64 import crc64


def test_the_check_sum_is_the_known_one() -> None:
    assert crc64(b"123456789") == 0xE9C6D914C4B8D9CA
