"""Integers and floats as clients write them. Python's own parsers take more (blanks, underscores, plus signs)."""

from typing import Final

from mypy_extensions import i64

from cachetwin_engine.core.protocol.errors import (
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
_NAN: Final = float("nan")
_MINUS: Final = 45
_POINT: Final = 46
_UNDERSCORE: Final = 95
_ZERO: Final = 48
_NINE: Final = 57
_SHORT_DIGITS_MAX: Final = 18  # any number with as many fits 64 bits
_NOT_SHORT: Final = -1_000_000_000_000_000_000  # one digit more
_SMALL_MAX: Final = 2**61  # far below where an integer stops being one machine word in the compiled build
_EXACT_DIGITS_MAX: Final = 15  # integers with as many are doubles, and so are the powers of ten to divide them by
_POWERS_OF_10: Final[list[float]] = [float(10**n) for n in range(_EXACT_DIGITS_MAX + 1)]


def integer_or_none(text: bytes) -> int | None:
    """The signed 64-bit integer that ``text`` spells in its one canonical way, or None (string2ll)."""
    short = _short_integer(text)
    if short != _NOT_SHORT:
        return short
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


def _short_integer(text: bytes) -> i64:
    """What ``integer_or_none`` answers for a text of at most 18 digits that spells an integer, else ``_NOT_SHORT``."""
    size: i64 = len(text)
    if size == 0 or size > _SHORT_DIGITS_MAX:
        return _NOT_SHORT
    at: i64 = 1 if text[0] == _MINUS else 0
    if at == size or (text[at] == _ZERO and size > 1):
        return _NOT_SHORT
    negative = at == 1
    value: i64 = 0
    while at < size:
        byte: i64 = text[at]
        if byte < _ZERO or byte > _NINE:
            return _NOT_SHORT
        value = value * 10 + (byte - _ZERO)
        at += 1
    return -value if negative else value


def is_int64(value: int) -> bool:
    """Whether ``value`` fits into a signed 64-bit integer."""
    return -_SMALL_MAX < value < _SMALL_MAX or INT64_MIN <= value <= INT64_MAX


def parse_int(text: bytes) -> int:
    """A signed 64-bit integer argument. Raises CommandError."""
    short = _short_integer(text)
    if short != _NOT_SHORT:
        return short
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


def _plain_float(text: bytes) -> float:
    """The double that ``text`` spells if it is short and has no exponent, else NaN. One division rounds right."""
    size: i64 = len(text)
    if size == 0 or size > _EXACT_DIGITS_MAX:
        return _NAN
    at: i64 = 1 if text[0] == _MINUS else 0
    negative = at == 1
    number: i64 = 0
    digits: i64 = 0
    whole: i64 = -1  # digits before the point
    while at < size:
        byte: i64 = text[at]
        if _ZERO <= byte <= _NINE:
            number = number * 10 + (byte - _ZERO)
            digits += 1
        elif byte == _POINT and whole < 0:
            whole = digits
        else:
            return _NAN
        at += 1
    if digits == 0:
        return _NAN
    value = float(number)
    if whole >= 0:
        value /= _POWERS_OF_10[digits - whole]
    return -value if negative else value


def float_or_none(text: bytes, hexadecimal: bool = True) -> float | None:
    """The double that ``text`` spells, None if it spells none or one that is too large or too small (string2d)."""
    value = unbounded_float_or_none(text, hexadecimal)
    if value is None:
        return None
    if (value in (_INFINITY, -_INFINITY) and b"inf" not in text.lower()) or (value == 0 and _has_digits(text)):
        return None
    return value


def unbounded_float_or_none(text: bytes, hexadecimal: bool = True) -> float | None:
    """As strtod reads it: decimal or ``hexadecimal``, ``inf``, ``infinity``, infinite if too large. No blanks, no NaN."""
    if not text or text[0] in b" \t\n\r\v\f" or text[-1] in b" \t\n\r\v\f" or _UNDERSCORE in text:
        return None
    try:
        if hexadecimal and text.lstrip(b"+-")[:2].lower() == b"0x":
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
    """Whether a digit other than 0 precedes the exponent."""
    number, _, _ = text.lower().partition(b"p" if b"x" in text.lower() else b"e")
    return len(number.strip(b"+-0.x")) > 0


def parse_float(text: bytes, hexadecimal: bool = True) -> float:
    """A double argument, ``hexadecimal`` if the profile reads such. Raises CommandError."""
    plain = _plain_float(text)
    if plain == plain:  # noqa: PLR0124  (the test for NaN)
        return plain
    value = float_or_none(text, hexadecimal)
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
