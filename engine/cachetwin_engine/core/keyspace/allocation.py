"""What an allocation takes in Valkey, so that memory limits and reports mean the same here.

Sizes are rounded up to jemalloc's classes: 8, then multiples of 16 to 128, then four classes to each doubling.
"""

from mypy_extensions import i64


def allocated(size: i64) -> i64:
    """Bytes that a request for ``size`` bytes takes."""
    if size <= 8:
        return 8
    if size <= 128:
        return (size + 15) & ~15
    top: i64 = 256
    while top < size:
        top <<= 1
    step = top >> 3
    return (size + step - 1) // step * step
