"""``bit`` of scripts: operations on 32-bit integers (the interface of Mike Pall's BitOp)."""

from typing import Final

_MASK: Final = 0xFFFFFFFF


def operate(name: str, values: list[float]) -> int | bytes:
    """One operation; results are signed, those of ``tohex`` text."""
    numbers = [_wrapped(value) for value in values]
    first = numbers[0]
    if name == "tohex":
        return _hex(first, int(values[1]) if len(values) > 1 else 8)
    if name in {"band", "bor", "bxor"}:
        for number in numbers[1:]:
            first = first & number if name == "band" else first | number if name == "bor" else first ^ number
        return _signed(first)
    if name == "tobit":
        return _signed(first)
    if name == "bnot":
        return _signed(~first & _MASK)
    if name == "bswap":
        return _signed(int.from_bytes(first.to_bytes(4, "little"), "big"))
    return _signed(_shifted(name, first, numbers[1] & 31 if len(numbers) > 1 else 0))


def _shifted(name: str, number: int, count: int) -> int:
    if name == "lshift":
        return number << count & _MASK
    if name == "rshift":
        return number >> count
    if name == "arshift":
        return (_signed(number) >> count) & _MASK
    if name == "ror":
        count = (32 - count) & 31
    return (number << count | number >> (32 - count)) & _MASK


def _wrapped(value: float) -> int:
    """A number as 32 bits, rounded to the nearest integer, half to even; what is no number at all is 0."""
    if value - value != 0:
        return 0
    return round(value) & _MASK


def _signed(number: int) -> int:
    return number - (1 << 32) if number & 0x80000000 else number


def _hex(number: int, digits: int) -> bytes:
    upper = digits < 0
    digits = min(abs(digits), 8)
    text = b"%08x" % number
    text = text[8 - digits :]
    return text.upper() if upper else text
