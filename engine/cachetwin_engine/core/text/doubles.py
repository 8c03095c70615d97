"""Doubles as text. Redis OSS up to 7.0 prints 17 digits, later versions the few that read back as the same number.

The few are found by Grisu2 (Loitsch, Printing Floating-Point Numbers Quickly and Accurately with Integers, 2010), as in
the fpconv library. The result always reads back as the same number, yet is not the shortest for one number in a
thousand (98.72607 becomes 98.72607000000001), so Python's ``repr``, which always is, would answer other bytes. Whole
numbers of up to half the 64-bit range bypass it.
"""

from math import frexp, ldexp
from typing import Final

_WHOLE_MAX: Final = float(2**62)
_INFINITY: Final = float("inf")
_HIDDEN_BIT: Final = 1 << 52
_HALF: Final = 1 << 63
_LOG_10_OF_2: Final = 0.30102999566398114
_FIRST_POWER: Final = -348  # the table of powers of ten that makes every double fit
_POWERS_STEP: Final = 8
_POWERS_COUNT: Final = 87


def shortest(value: float) -> bytes:
    """The few digits that read back as ``value``, laid out as fpconv does: ``0.00001``, ``1.5e-7``, ``1e+20``."""
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
    negative = value < 0
    digits, power = _grisu2(-value if negative else value)
    return _laid_out("-" if negative else "", digits, power)


def is_whole(value: float) -> bool:
    """A whole number that half of the 64-bit range holds: a listpack stores it as an integer."""
    return -_WHOLE_MAX <= value <= _WHOLE_MAX and int(value) == value


def _laid_out(sign: str, digits: str, power: int) -> bytes:
    """``digits`` times ten to the ``power``, with an exponent where fpconv uses one."""
    exponent = power + len(digits) - 1
    if power >= 0 and abs(exponent) < len(digits) + 7:
        return f"{sign}{digits}{'0' * power}".encode()
    if power < 0 and (power > -7 or abs(exponent) < 4):
        point = len(digits) + power
        if point <= 0:
            return f"{sign}0.{'0' * -point}{digits}".encode()
        return f"{sign}{digits[:point]}.{digits[point:]}".encode()
    rest = "." + digits[1:] if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{'-' if exponent < 0 else '+'}{abs(exponent)}".encode()


def _grisu2(value: float) -> tuple[str, int]:
    """Digits and power of ten of a positive ``value``."""
    fraction, exponent = frexp(value)
    significand = int(fraction * _HIDDEN_BIT * 2)
    exponent = max(exponent - 53, -1074)
    if exponent == -1074:
        significand = int(ldexp(value, 1074))
    # The middle between this double and its neighbours, as 64-bit significands with one exponent.
    low_shift = 2 if significand == _HIDDEN_BIT else 1
    high = 2 * significand + 1
    shift = 64 - high.bit_length()
    high_exponent = exponent - 1 - shift
    high <<= shift
    low = ((significand << low_shift) - 1) << (exponent - low_shift - high_exponent)
    middle = significand << (64 - significand.bit_length())
    k, power, power_exponent = _cached_power(high_exponent)
    middle = (middle * power + _HALF) >> 64
    high = ((high * power + _HALF) >> 64) - 1
    low = ((low * power + _HALF) >> 64) + 1
    return _digits(high, high - middle, high - low, -(high_exponent + power_exponent + 64), -k)


def _cached_power(exponent: int) -> tuple[int, int, int]:
    """A power of ten that brings a significand with ``exponent`` to between 32 and 60 bits behind the point.

    Its decimal exponent, its 64-bit significand, its binary exponent.
    """
    index = int((-(exponent + _POWERS_COUNT) * _LOG_10_OF_2 - _FIRST_POWER) / _POWERS_STEP)
    while True:
        power, power_exponent = _POWERS[index]
        reached = exponent + power_exponent + 64
        if reached < -60:
            index += 1
        elif reached > -32:
            index -= 1
        else:
            return _FIRST_POWER + index * _POWERS_STEP, power, power_exponent


def _digits(high: int, distance: int, delta: int, bits: int, power: int) -> tuple[str, int]:
    """Cut ``high`` (``bits`` of it behind the point) off where what is left is within ``delta``.

    In the compiled build an integer of more than 62 bits is an object, so what may have more is only made where it counts.
    """
    whole = high >> bits
    mask = (1 << bits) - 1
    part = high & mask
    delta_whole = delta >> bits
    number = 0
    kappa = 10
    unit = 1_000_000_000
    while kappa > 0:
        digit = whole // unit
        number = number * 10 + digit
        whole -= digit * unit
        kappa -= 1
        if whole <= delta_whole:
            rest = (whole << bits) + part
            if rest <= delta:
                return str(_rounded(number, delta, rest, unit << bits, distance)), power + kappa
        unit //= 10
    scale = 10
    while True:
        part *= 10
        delta *= 10
        kappa -= 1
        number = number * 10 + (part >> bits)
        part &= mask
        if part < delta:
            return str(_rounded(number, delta, part, mask + 1, distance * scale)), power + kappa
        scale *= 10


def _rounded(number: int, delta: int, rest: int, step: int, distance: int) -> int:
    """Lower the last digit while that brings the number nearer to the double."""
    while (
        rest < distance
        and delta - rest >= step
        and (rest + step < distance or distance - rest > rest + step - distance)
    ):
        number -= 1
        rest += step
    return number


def _powers() -> list[tuple[int, int]]:
    """64-bit significands, rounded to the nearest, and binary exponents of every eighth power of ten."""
    powers: list[tuple[int, int]] = []
    for at in range(_POWERS_COUNT):
        k = _FIRST_POWER + at * _POWERS_STEP
        top, bottom = (10**k, 1) if k >= 0 else (1, 10**-k)
        exponent = top.bit_length() - bottom.bit_length() - 64
        top, bottom = (top, bottom << exponent) if exponent >= 0 else (top << -exponent, bottom)
        if top >> 64 >= bottom:
            bottom <<= 1
            exponent += 1
        power = (2 * top + bottom) // (2 * bottom)
        if power >> 64:
            power >>= 1
            exponent += 1
        powers.append((power, exponent))
    return powers


_POWERS: Final[list[tuple[int, int]]] = _powers()


def digits_17(value: float) -> bytes:
    """``value`` with up to 17 significant digits (printf ``%.17g``)."""
    return b"%.17g" % value
