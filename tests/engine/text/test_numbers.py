"""Numbers as clients write them: what Valkey's parsers take, and what they refuse."""

import math

import pytest

from cachetwin_engine.core.text.numbers import float_or_none, unbounded_float_or_none


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"1.", 1.0), (b".5", 0.5), (b"+1", 1.0), (b"-0", 0.0), (b"1e+5", 1e5), (b"0e-500", 0.0), (b"1e-320", 1e-320),
        (b"0x10", 16.0), (b"0X1.8P1", 3.0), (b"-0x1p3", -8.0), (b"inf", math.inf), (b"-Infinity", -math.inf),
    ],
)  # fmt: skip
def test_a_float_is_what_strtod_reads(text: bytes, value: float) -> None:
    assert float_or_none(text) == value
    assert unbounded_float_or_none(text) == value


@pytest.mark.parametrize("text", [b"", b" 1", b"1 ", b"5e", b"nan", b"0x", b"1_0", b"1p5", b"abc", b"(1"])
def test_what_is_no_float_is_none(text: bytes) -> None:
    assert float_or_none(text) is None
    assert unbounded_float_or_none(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [(b"1e400", math.inf), (b"-1e400", -math.inf), (b"1e-400", 0.0), (b"0x1p9999", math.inf), (b"0x1p-2000", 0.0)],
)
def test_a_float_too_large_or_too_small_is_refused_unless_it_may_be_cut(text: bytes, value: float) -> None:
    assert float_or_none(text) is None
    assert unbounded_float_or_none(text) == value
