"""The random numbers of scripts: the same ones in each process, as scripts expect them.

The generator is POSIX's drand48 with its first state; Valkey has it in rand.c for the same reason.
"""

from typing import Final

_FACTOR: Final = 0x5DEECE66D
_FIRST_STATE: Final = 0x1234ABCD330E
_LOW_BITS: Final = 0x330E
_MASK: Final = (1 << 48) - 1
_MAX: Final = 2**31 - 1


class RandomNumbers:
    """A generator with a state of its own."""

    def __init__(self) -> None:
        self._state = _FIRST_STATE

    def seed(self, number: int) -> None:
        """Begin anew with the lower 32 bits of ``number``."""
        self._state = (number & 0xFFFFFFFF) << 16 | _LOW_BITS

    def unit(self) -> float:
        """The next number, from 0 up to 1, which it never is."""
        self._state = (_FACTOR * self._state + 11) & _MASK
        return (self._state >> 17) % _MAX / _MAX
