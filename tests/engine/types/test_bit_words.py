"""Bits by machine words are the bits that Python's integers have, whatever the length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetwin_engine.core.types.bit_words import (
    AND,
    OR,
    XOR,
    combined,
    combined_words,
    count_bits,
    count_in_words,
    find_other,
    find_other_in_words,
    inverted,
    inverted_words,
)

TEXTS = st.binary(max_size=80)


@given(TEXTS, st.integers(0, 80), st.integers(0, 80))
def test_counts_are_those_of_integers(text: bytes, begin: int, end: int) -> None:
    begin, end = min(begin, len(text)), min(end, len(text))
    expected = int.from_bytes(text[begin:end], "little").bit_count()
    assert count_bits(text, begin, end) == expected
    assert count_in_words(text, begin, end) == expected


@pytest.mark.parametrize("size", [0, 1, 7, 8, 23, 24, 25, 48, 1000])
def test_every_bit_of_ones_counts(size: int) -> None:
    assert count_bits(b"\xff" * size, 0, size) == count_in_words(b"\xff" * size, 0, size) == 8 * size


@given(st.sampled_from([0x00, 0xFF]), st.integers(0, 40), st.binary(max_size=40), st.integers(0, 30))
def test_a_search_ends_at_the_first_other_byte(byte: int, run: int, rest: bytes, begin: int) -> None:
    text = bytes([byte]) * run + rest
    begin = min(begin, len(text))
    expected = begin
    while expected < len(text) and text[expected] == byte:
        expected += 1
    assert find_other(text, begin, len(text), byte) == expected
    assert find_other_in_words(text, begin, len(text), byte) == expected


@given(TEXTS, TEXTS)
def test_the_shorter_text_counts_as_padded_with_zeros(one: bytes, other: bytes) -> None:
    size = max(len(one), len(other))
    a, b = int.from_bytes(one, "little"), int.from_bytes(other, "little")
    longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
    for operation, total in ((AND, a & b), (OR, a | b), (XOR, a ^ b)):
        expected = total.to_bytes(size, "little")
        assert combined(operation, one, other) == expected
        assert combined_words(operation, longer, shorter) == expected


@given(TEXTS)
def test_inverting_twice_gives_the_text(text: bytes) -> None:
    assert inverted(inverted(text)) == text
    assert inverted(text) == inverted_words(text) == bytes(byte ^ 0xFF for byte in text)
