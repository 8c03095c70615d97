"""Doubles as text. Two manners: Redis OSS up to 7.0 prints 17 digits, everything later the fewest that read back the same.

Both print whole numbers of up to half the 64-bit range without exponent where they say so (double2ll in util.c).
"""

from typing import Final

_WHOLE_MAX: Final = float(2**62)
_INFINITY: Final = float("inf")


def shortest(value: float) -> bytes:
    """The fewest digits that read back as ``value``, laid out as fpconv does: ``0.00001``, ``1.5e-7``, ``1e+20``."""
    if -_WHOLE_MAX <= value <= _WHOLE_MAX:
        whole = int(value)
        if whole == value:
            return b"-0" if whole == 0 and repr(value)[0] == "-" else b"%d" % whole
    elif value != value:  # noqa: PLR0124  (the test for NaN)
        return b"nan"
    elif value == _INFINITY:
        return b"inf"
    elif value == -_INFINITY:
        return b"-inf"
    text = repr(value)
    if "e" not in text and not text.startswith(("0.0000", "-0.0000")):
        return text.encode()
    return _laid_out(text)


def is_whole(value: float) -> bool:
    """A whole number that half of the 64-bit range holds: a listpack stores it as an integer."""
    return -_WHOLE_MAX <= value <= _WHOLE_MAX and int(value) == value


def _laid_out(text: str) -> bytes:
    """Where Python's and fpconv's ideas of when to use an exponent differ."""
    sign = "-" if text[0] == "-" else ""
    mantissa, _, tail = text.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    power = (int(tail) if tail else 0) - len(fraction)  # value = digits * 10**power
    digits = (whole + fraction).lstrip("0")
    stripped = digits.rstrip("0")
    power += len(digits) - len(stripped)
    digits = stripped
    exponent = power + len(digits) - 1
    if power >= 0 and exponent < len(digits) + 7:
        return f"{sign}{digits}{'0' * power}".encode()
    if power < 0 and (power > -7 or abs(exponent) < 4):
        point = len(digits) + power
        if point <= 0:
            return f"{sign}0.{'0' * -point}{digits}".encode()
        return f"{sign}{digits[:point]}.{digits[point:]}".encode()
    rest = "." + digits[1:] if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{'-' if exponent < 0 else '+'}{abs(exponent)}".encode()


def digits_17(value: float) -> bytes:
    """``value`` with up to 17 significant digits (printf ``%.17g``)."""
    return b"%.17g" % value
