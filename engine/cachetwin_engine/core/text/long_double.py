"""Decimal sums as an x86 ``long double`` gives them: INCRBYFLOAT and HINCRBYFLOAT promise 17 decimals of that.

A number is an integer mantissa of at most 64 bits times a power of two, rounded to nearest, ties to even, after parsing
and after adding. Exact integer arithmetic, so the build and the machine do not matter.
"""

from typing import Final

MANTISSA_BITS: Final = 64
TEXT_BYTES_MAX: Final = 5 * 1024  # util.h, MAX_LONG_DOUBLE_CHARS
EXPONENT_MAX: Final = 4932  # of the largest long double, in powers of ten
DECIMALS: Final = 17
INFINITE: Final = 1 << 40  # the exponent that marks an infinity


class LongDouble:
    """``mantissa * 2**exponent``."""

    def __init__(self, mantissa: int, exponent: int) -> None:
        self.mantissa = mantissa
        self.exponent = exponent

    def is_infinite(self) -> bool:
        """Infinities can be written down, but no sum may be one."""
        return self.exponent == INFINITE


def parse_long_double(text: bytes) -> LongDouble | None:
    """The number that ``text`` spells (decimal, exponent, hexadecimal, ``inf``), None for anything else."""
    if not text or len(text) > TEXT_BYTES_MAX or not text.isascii() or text[-1] in b" \t\n\r\v\f":
        return None
    negative = text[0] == 45
    body = text[1:] if text[0] in b"+-" else text
    if body.lower() in {b"inf", b"infinity"}:
        return LongDouble(-1 if negative else 1, INFINITE)
    if body[:2].lower() == b"0x":
        number = _hexadecimal(body[2:].lower())
    else:
        number = _decimal(body.lower())
    if number is not None and negative:
        number.mantissa = -number.mantissa
    return number


def add_long_doubles(left: LongDouble, right: LongDouble) -> LongDouble:
    """The rounded sum."""
    if left.is_infinite():
        return left
    if right.is_infinite():
        return right
    low = min(left.exponent, right.exponent)
    total = (left.mantissa << (left.exponent - low)) + (right.mantissa << (right.exponent - low))
    return _rounded(total, low, exact=True)


def format_long_double(number: LongDouble) -> bytes:
    """Up to 17 decimals, no exponent, no trailing zeros."""
    mantissa = abs(number.mantissa)
    scaled = mantissa * 10**DECIMALS
    if number.exponent >= 0:
        units = scaled << number.exponent
    else:
        units = _shifted(scaled, -number.exponent, exact=True)
    digits = b"%d" % units
    if len(digits) <= DECIMALS:
        digits = digits.rjust(DECIMALS + 1, b"0")
    whole, decimals = digits[:-DECIMALS], digits[-DECIMALS:].rstrip(b"0")
    text = whole + b"." + decimals if decimals else whole
    return b"-" + text if number.mantissa < 0 and text != b"0" else text


def _decimal(body: bytes) -> LongDouble | None:
    mantissa, mark, exponent = body.partition(b"e")
    whole, _, decimals = mantissa.partition(b".")
    digits = whole + decimals
    if not digits.isdigit():
        return None
    power = -len(decimals)
    if mark:
        power += _signed(exponent)
        if not exponent or not exponent.lstrip(b"+-").isdigit() or len(exponent.lstrip(b"+-")) < len(exponent) - 1:
            return None
    value = int(digits)
    if value == 0:
        return LongDouble(0, 0)
    magnitude = len(digits.lstrip(b"0")) + power
    if magnitude > EXPONENT_MAX + 1 or magnitude < -EXPONENT_MAX - 20:
        return None  # beyond what a long double holds, either way
    if power >= 0:
        return _rounded(value * 10**power, 0, exact=True)
    divisor: int = 10**-power
    shift = max(0, MANTISSA_BITS + 2 + divisor.bit_length() - value.bit_length())
    quotient, rest = divmod(value << shift, divisor)
    return _rounded(quotient, -shift, exact=rest == 0)


def _hexadecimal(body: bytes) -> LongDouble | None:
    mantissa, mark, exponent = body.partition(b"p")
    whole, _, decimals = mantissa.partition(b".")
    digits = whole + decimals
    if not digits or digits.strip(b"0123456789abcdef"):
        return None
    if mark and not exponent.lstrip(b"+-").isdigit():
        return None
    power = _signed(exponent) if mark else 0
    if abs(power) > 1 << 14:
        return None
    return _rounded(int(digits, 16), power - 4 * len(decimals), exact=True)


def _signed(text: bytes) -> int:
    """An exponent; absurdly long ones count as absurdly large."""
    digits = text.lstrip(b"+-")
    if not digits.isdigit():
        return 0
    digits = digits.lstrip(b"0") or b"0"
    size = int(digits) if len(digits) < 9 else 10**8
    return -size if text[:1] == b"-" else size


def _rounded(value: int, exponent: int, exact: bool) -> LongDouble:
    """Cut to 64 bits. ``exact`` is False when something below the last bit of ``value`` was lost already."""
    excess = abs(value).bit_length() - MANTISSA_BITS
    if excess <= 0:
        return LongDouble(value, exponent)
    mantissa = _shifted(abs(value), excess, exact)
    return LongDouble(mantissa if value > 0 else -mantissa, exponent + excess)


def _shifted(value: int, bits: int, exact: bool) -> int:
    """``value / 2**bits`` to the nearest integer, ties to even."""
    kept = value >> bits
    rest = value & ((1 << bits) - 1)
    half = 1 << (bits - 1)
    if rest > half or (rest == half and (not exact or kept & 1)):
        kept += 1
    return kept
