"""Numbers in a request as C's ``strtol`` family reads them, with the limits of memcached's ``safe_strto*`` (util.c).

A number may have leading white space and a sign, and ends with the word or at white space. Numbers of 32 bits are cut
down from 64: ``4294967296`` is 0, as in memcached.
"""

from typing import Final

from mypy_extensions import i64

_WHITE: Final = b" \t\n\v\f\r"
_DIGITS_MAX: Final = 4096  # of a number that is read at all; one of more than 20 is out of range anyway
_QUICK_DIGITS_MAX: Final = 9  # of a number that fits into every type
_U64: Final = 1 << 64
_NUMBERS: Final[list[bytes]] = [str(number).encode() for number in range(4096)]


def decimal(number: int) -> bytes:
    """``number`` in digits."""
    if 0 <= number < 4096:
        return _NUMBERS[number]
    return str(number).encode()


def _read(word: bytes) -> int | None:
    """The number that ``word`` begins with, if only white space follows; of any size."""
    at: i64 = 0
    size: i64 = len(word)
    while at < size and word[at] in _WHITE:
        at += 1
    begin: i64 = at
    if at < size and (word[at] == 43 or word[at] == 45):
        at += 1
    digits: i64 = at
    while at < size and 48 <= word[at] <= 57:
        at += 1
    if at == digits or at - digits > _DIGITS_MAX or (at < size and word[at] not in _WHITE and word[at] != 0):
        return None
    return int(word[begin:at])


def unsigned_64(word: bytes) -> int:
    """An unsigned number of 64 bits; -1 for what is none."""
    if len(word) <= _QUICK_DIGITS_MAX and word.isdigit():
        return int(word)
    number = _read(word)
    if number is None or abs(number) >= _U64:
        return -1
    if number < 0:
        number += _U64  # strtoull wraps, and a minus is only noticed where the result looks negative
        if number >= _U64 >> 1:
            return -1
    elif number >= _U64 >> 1 and b"-" in word:
        return -1
    return number


def unsigned_32(word: bytes) -> i64:
    """An unsigned number of 32 bits, cut down from 64; -1 for what is none."""
    if len(word) <= _QUICK_DIGITS_MAX and word.isdigit():
        quick: i64 = int(word)
        return quick
    number = unsigned_64(word)
    return -1 if number < 0 else number & 0xFFFFFFFF


NOT_A_NUMBER: Final = 1 << 40
"""What ``signed_32`` answers for a word that is no number."""


def signed_32(word: bytes) -> i64:
    """A signed number of 32 bits, cut down from 64; ``NOT_A_NUMBER`` for what is none."""
    if len(word) <= _QUICK_DIGITS_MAX and word.isdigit():
        quick: i64 = int(word)
        return quick
    number = _read(word)
    if number is None or not -(_U64 >> 1) <= number < _U64 >> 1:
        return NOT_A_NUMBER
    cut = number & 0xFFFFFFFF
    return cut - (1 << 32) if cut >= 1 << 31 else cut


def real(word: bytes) -> float | None:
    """A floating point number as ``strtod`` reads it, but for hexadecimal ones; None for what is none."""
    try:
        number = float(word.strip(_WHITE))
    except ValueError:
        return None
    return None if b"_" in word else number
