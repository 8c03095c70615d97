"""Integers and floats as clients write them. Python's own parsers take more (blanks, underscores, plus signs)."""

from typing import Final

from .errors import (
    MUST_BE_POSITIVE,
    SYMMETRIC_RANGE,
    TIMEOUT_NEGATIVE,
    TIMEOUT_NOT_A_FLOAT,
    TIMEOUT_OUT_OF_RANGE,
    CommandError,
    not_a_float,
    not_an_integer,
)
from .long_double import parse_long_double

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1
_INFINITY: Final = float("inf")


def integer_or_none(text: bytes) -> int | None:
    """The signed 64-bit integer that ``text`` spells in its one canonical way, or None (string2ll)."""
    size = len(text)
    if size == 0 or size > 20:
        return None
    first = text[0]
    digits = text[1:] if first == 45 else text
    if not digits.isdigit() or (digits[0] == 48 and (len(digits) > 1 or first == 45)):
        return None
    value = int(text)
    if size > 18 and not INT64_MIN <= value <= INT64_MAX:
        return None
    return value


def parse_int(text: bytes) -> int:
    """A signed 64-bit integer argument. Raises CommandError."""
    value = integer_or_none(text)
    if value is None:
        raise not_an_integer()
    return value


def parse_int_or(text: bytes, line: bytes) -> int:
    """A signed 64-bit integer argument; ``line`` is the error text otherwise."""
    value = integer_or_none(text)
    if value is None:
        raise CommandError(line)
    return value


def float_or_none(text: bytes) -> float | None:
    """The double that ``text`` spells, None if it spells none or one that is too large or too small (string2d)."""
    value = unbounded_float_or_none(text)
    if value is None:
        return None
    if (value in (_INFINITY, -_INFINITY) and b"inf" not in text.lower()) or (value == 0 and _has_digits(text)):
        return None
    return value


def unbounded_float_or_none(text: bytes) -> float | None:
    """As strtod reads it: decimal or hexadecimal, ``inf``, ``infinity``, infinite if too large. No blanks, no NaN."""
    if not text or text[0] in b" \t\n\r\v\f" or text[-1] in b" \t\n\r\v\f" or b"_" in text:
        return None
    try:
        if text.lstrip(b"+-")[:2].lower() == b"0x":
            value = float.fromhex(text.decode("latin-1"))
        else:
            value = float(text)
    except ValueError:
        return None
    except OverflowError:
        return -_INFINITY if text.startswith(b"-") else _INFINITY
    if value != value:  # noqa: PLR0124  (the test for NaN)
        return None
    return value


def _has_digits(text: bytes) -> bool:
    """Is there a digit that is not 0 before the exponent?"""
    number, _, _ = text.lower().partition(b"p" if b"x" in text.lower() else b"e")
    return len(number.strip(b"+-0.x")) > 0


def parse_float(text: bytes) -> float:
    """A double argument. Raises CommandError."""
    value = float_or_none(text)
    if value is None:
        raise not_a_float()
    return value


def parse_positive(text: bytes) -> int:
    """A count from 0 up. Raises CommandError."""
    value = parse_int_or(text, MUST_BE_POSITIVE)
    if value < 0:
        raise CommandError(MUST_BE_POSITIVE)
    return value


def parse_symmetric(text: bytes) -> int:
    """A signed 64-bit integer that can be negated. Raises CommandError."""
    value = parse_int(text)
    if value == INT64_MIN:
        raise CommandError(SYMMETRIC_RANGE)
    return value


def parse_timeout(text: bytes, now_ms: int) -> int:
    """A blocking command's timeout in seconds: the Unix time in ms at which it ends, 0 for never. Raises CommandError."""
    seconds = parse_long_double(text)
    if seconds is None:
        raise CommandError(TIMEOUT_NOT_A_FLOAT)
    if seconds.mantissa < 0:
        raise CommandError(TIMEOUT_NEGATIVE)
    if seconds.mantissa == 0:
        return 0
    if seconds.exponent > 0:
        wait_ms = INT64_MAX if seconds.exponent > 63 else (seconds.mantissa * 1000) << seconds.exponent
    else:
        wait_ms = -(-seconds.mantissa * 1000 >> -seconds.exponent)  # any part of a millisecond counts as a whole one
    if wait_ms > INT64_MAX - now_ms:
        raise CommandError(TIMEOUT_OUT_OF_RANGE)
    return now_ms + wait_ms
