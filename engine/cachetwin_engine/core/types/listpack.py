"""How many bytes an element would take in a listpack, Valkey's packed form of small collections.

Our values are not stored that way. But thresholds (``list-max-listpack-size``), OBJECT ENCODING and MEMORY USAGE are
defined by these sizes, so they are counted. Layout: one byte or more of encoding, the content, the length once more for
walking backwards (listpack.c).
"""

from typing import Final

from mypy_extensions import i64

from cachetwin_engine.core.text.numbers import integer_or_none

LISTPACK_HEAD_BYTES: Final = 7  # six in front, an end mark


def entry_bytes(element: bytes) -> i64:
    """Bytes of one element. Integers are stored as such."""
    size: i64 = len(element)
    if 0 < size <= 20:
        first: i64 = element[0]
        if first == 45 or 48 <= first <= 57:
            value = integer_or_none(element)
            if value is not None:
                return integer_bytes(value)
    if size < 64:
        return size + 2
    size += 2 if size < 4096 else 5
    if size <= 127:
        return size + 1
    if size < 16383:
        return size + 2
    if size < 2097151:
        return size + 3
    return size + (4 if size < 268435455 else 5)


def integer_bytes(value: i64) -> i64:
    """Bytes of an integer element."""
    if 0 <= value <= 127:
        return 2
    if -4096 <= value <= 4095:
        return 3
    if -32768 <= value <= 32767:
        return 4
    if -8388608 <= value <= 8388607:
        return 5
    return 6 if -2147483648 <= value <= 2147483647 else 10
