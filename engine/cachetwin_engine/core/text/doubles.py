"""Doubles as text. Redis OSS up to 7.0 prints 17 digits, later versions the few that read back as the same number.

The few are found by Grisu2 (Loitsch, Printing Floating-Point Numbers Quickly and Accurately with Integers, 2010), as in
the fpconv library. The result always reads back as the same number, yet is not the shortest for one number in a
thousand (98.72607 becomes 98.72607000000001), so Python's ``repr``, which always is, would answer other bytes. Whole
numbers of up to half the 64-bit range bypass it. Compiled, an integer of more than 62 bits is an object, so there the same
steps are taken with machine integers, and products in limbs of 22 bits.
"""

from math import frexp, ldexp
from typing import Final

from mypy_extensions import i64

from cachetwin_engine.core import BUILD

_WHOLE_MAX: Final = float(2**62)
_INFINITY: Final = float("inf")
_HIDDEN_BIT: Final = 1 << 52
_HALF: Final = 1 << 63
_LOG_10_OF_2: Final = 0.30102999566398114
_FIRST_POWER: Final = -348  # the table of powers of ten that makes every double fit
_POWERS_STEP: Final = 8
_POWERS_COUNT: Final = 87
_HAS_MACHINE_INTEGERS: Final = BUILD == "compiled"
_LIMB_BITS: Final = 22
_LIMB: Final = (1 << _LIMB_BITS) - 1
_LOW_BITS: Final = 24  # of a product; the other 40 are its high part
_LOW: Final = (1 << _LOW_BITS) - 1
_POINT_BITS_MAX: Final = 59  # ten times a number below 2**60 may need the bit of the sign


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
    if negative:
        value = -value
    if _HAS_MACHINE_INTEGERS:
        number, exponent = machine_digits(value)
        if number >= 0:
            return _laid_out("-" if negative else "", str(number), exponent)
    digits, power = grisu2(value)
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


def machine_digits(value: float) -> tuple[i64, i64]:
    """``grisu2`` in machine integers: the digits as a number, and a power of ten; -1 where they do not suffice."""
    fraction, binary = frexp(value)
    significand: i64 = int(fraction * _HIDDEN_BIT * 2)
    exponent: i64 = binary - 64  # of the doubled significand, shifted by ten bits to 64
    if exponent <= -1085 or significand == _HIDDEN_BIT:  # fewer bits, or another distance to the neighbour below
        return -1, 0
    index: i64 = _power_index(exponent)
    low, second, high, power_exponent = _LIMBS[index]
    bits: i64 = -(exponent + power_exponent + 64)
    if bits > _POINT_BITS_MAX:
        return -1, 0
    low_limb: i64 = low
    middle_limb: i64 = second
    high_limb: i64 = high
    middle, middle_low = _product(2 * significand, low_limb, middle_limb, high_limb)
    above, above_low = _product(2 * significand + 1, low_limb, middle_limb, high_limb)
    below, below_low = _product(2 * significand - 1, low_limb, middle_limb, high_limb)
    delta: i64 = ((above - below) << _LOW_BITS) + above_low - below_low - 2  # each a unit nearer: they were rounded
    distance: i64 = ((above - middle) << _LOW_BITS) + above_low - middle_low - 1
    if above_low == 0:
        above -= 1
        above_low = _LOW
    else:
        above_low -= 1
    split: i64 = bits - _LOW_BITS
    whole: i64 = above >> split
    # Not 1 << split for a mask: mypyc writes a constant's shift as C's int, which has 32 bits.
    part: i64 = ((above - (whole << split)) << _LOW_BITS) | above_low
    return _machine_cut(whole, part, distance, delta, bits, -(_FIRST_POWER + index * _POWERS_STEP))


def _product(doubled: i64, low: i64, middle: i64, high: i64) -> tuple[i64, i64]:
    """``doubled``, of 54 bits, shifted by ten, times a power in limbs, rounded to its first 64 bits: 40 of them, and 24."""
    first: i64 = (doubled & 0xFFF) << 10
    second: i64 = (doubled >> 12) & _LIMB
    third: i64 = doubled >> 34
    column: i64 = ((first * low) >> _LIMB_BITS) + first * middle + second * low
    column = (column >> _LIMB_BITS) + first * high + second * middle + third * low + (1 << 19)  # half of the last bit
    rest: i64 = (column >> 20) + ((second * high + third * middle) << 2)
    return third * high + (rest >> _LOW_BITS), rest & _LOW


def _machine_cut(whole: i64, part: i64, distance: i64, delta: i64, bits: i64, power: i64) -> tuple[i64, i64]:
    """``_digits`` for a ``delta`` that is small: before the point nothing can be rounded."""
    number: i64 = 0
    kappa: i64 = 10
    unit: i64 = 1_000_000_000
    while kappa > 0:
        digit = whole // unit
        number = number * 10 + digit
        whole -= digit * unit
        kappa -= 1
        if whole == 0 and part <= delta:
            return number, power + kappa
        unit //= 10
    step: i64 = 1
    step <<= bits
    while True:
        part *= 10
        delta *= 10
        distance *= 10
        kappa -= 1
        number = number * 10 + (part >> bits)
        part &= step - 1
        if part < delta:
            while (
                part < distance
                and delta - part >= step
                and (part + step < distance or distance - part > part + step - distance)
            ):
                number -= 1
                part += step
            return number, power + kappa


def grisu2(value: float) -> tuple[str, int]:
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
    index = _power_index(high_exponent)
    power, power_exponent = _POWERS[index]
    middle = (middle * power + _HALF) >> 64
    high = ((high * power + _HALF) >> 64) - 1
    low = ((low * power + _HALF) >> 64) + 1
    return _digits(
        high, high - middle, high - low, -(high_exponent + power_exponent + 64), -(_FIRST_POWER + index * _POWERS_STEP)
    )


def _power_index(exponent: int) -> int:
    """Which power of ten brings a significand with ``exponent`` to between 32 and 60 bits behind the point."""
    index = int((-(exponent + _POWERS_COUNT) * _LOG_10_OF_2 - _FIRST_POWER) / _POWERS_STEP)
    while True:
        _, power_exponent = _POWERS[index]
        reached = exponent + power_exponent + 64
        if reached < -60:
            index += 1
        elif reached > -32:
            index -= 1
        else:
            return index


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
_LIMBS: Final[list[tuple[int, int, int, int]]] = [
    (power & _LIMB, (power >> _LIMB_BITS) & _LIMB, power >> (2 * _LIMB_BITS), exponent) for power, exponent in _POWERS
]
"""The same in limbs, the lowest first, and the exponent."""


def digits_17(value: float) -> bytes:
    """``value`` with up to 17 significant digits (printf ``%.17g``)."""
    return b"%.17g" % value
