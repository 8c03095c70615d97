"""Doubles as text: the digits of machine integers are those of the integers without limit, and read back as the number."""

import math
import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachetwin_engine.core.text.doubles import grisu2, machine_digits, shortest


def agrees(value: float) -> bool:
    """Both ways have the same digits, or the quick one gives up."""
    number, power = machine_digits(value)
    return number < 0 or (str(number), power) == grisu2(value)


@given(st.floats(min_value=0, exclude_min=True, allow_infinity=False))
@settings(max_examples=500)
def test_machine_integers_have_the_same_digits(value: float) -> None:
    assert agrees(value)


@pytest.mark.no_cover
def test_machine_integers_have_the_same_digits_over_the_whole_range() -> None:
    source = random.Random(1)  # noqa: S311  (the same numbers in every run)
    for _ in range(20_000):
        (value,) = struct.unpack("<d", source.randbytes(8))
        if math.isfinite(value) and value:
            assert agrees(abs(value)), value
        assert agrees(source.randrange(1, 10**9) / 10 ** source.randrange(1, 9) + 0.1)


def test_machine_integers_do_for_nearly_all_numbers() -> None:
    source = random.Random(2)  # noqa: S311  (the same numbers in every run)
    numbers = [source.uniform(0, 10.0 ** source.randrange(-20, 20)) for _ in range(2000)]
    assert sum(machine_digits(number)[0] < 0 for number in numbers) < 200


@given(st.floats(allow_nan=False))
@settings(max_examples=500)
def test_the_text_reads_back_as_the_number(value: float) -> None:
    assert float(shortest(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (98.72607, b"98.72607000000001"),  # Grisu2 is not always the shortest
        (0.1, b"0.1"), (-2.5, b"-2.5"), (1e100, b"1e+100"), (5e-324, b"5e-324"),
        (1.7976931348623157e308, b"1.7976931348623157e+308"),
        (1700000000.123456, b"1700000000.123456"), (0.00001, b"0.00001"), (3.0, b"3"), (-0.0, b"-0"),
    ],
)  # fmt: skip
def test_numbers_are_laid_out_as_fpconv_does(value: float, text: bytes) -> None:
    assert shortest(value) == text
