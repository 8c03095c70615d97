"""Random numbers for the engine, seeded from outside so that a run can be repeated.

xorwow (Marsaglia, Xorshift RNGs, 2003): words of 32 bits, so that compiled code needs no big integers (an xorshift of 64
bits took ten times as long). Good enough for samples, picks and generated ids. Not for secrets: ACL GENPASS gets its bits
from the shell.
"""

from typing import Final

from mypy_extensions import i64

_MASK_64: Final = (1 << 64) - 1
_MASK_32: Final = 0xFFFFFFFF
_WEYL_STEP: Final = 362437
_PRODUCT_LIMIT: Final = 1 << 31  # up to here a limit times 32 bits is a machine word


class RandomSource:
    """A stream of random integers."""

    def __init__(self, seed: int) -> None:
        words: list[int] = []
        state = seed & _MASK_64
        for _ in range(3):  # splitmix64 (Steele, Lea, Flood, 2014), so that similar seeds begin differently
            state = (state + 0x9E3779B97F4A7C15) & _MASK_64
            mixed = ((state ^ state >> 30) * 0xBF58476D1CE4E5B9) & _MASK_64
            mixed = ((mixed ^ mixed >> 27) * 0x94D049BB133111EB) & _MASK_64
            words += [mixed & _MASK_32, mixed >> 32]
        self._x: i64 = words[0] | 1  # not all five words may be 0
        self._y: i64 = words[1]
        self._z: i64 = words[2]
        self._w: i64 = words[3]
        self._v: i64 = words[4]
        self._weyl: i64 = words[5]

    def bits(self) -> int:
        """32 random bits."""
        return self._next()

    def _next(self) -> i64:
        t = self._x ^ (self._x >> 2)
        v = self._v
        self._x = self._y
        self._y = self._z
        self._z = self._w
        self._w = v
        v = (v ^ (v << 4) ^ t ^ (t << 1)) & _MASK_32
        self._v = v
        self._weyl = (self._weyl + _WEYL_STEP) & _MASK_32
        return (v + self._weyl) & _MASK_32

    def below(self, limit: int) -> int:
        """An integer from 0 to ``limit`` - 1, each as likely as any other up to 1 in 2**31 (64 bits for large limits)."""
        if limit > _PRODUCT_LIMIT:
            return ((self.bits() << 32) | self.bits()) * limit >> 64
        bound: i64 = limit
        return self._next() * bound >> 32

    def sample(self, population: list[bytes], count: int) -> list[bytes]:
        """``count`` different places of ``population``, in random order; O(population)."""
        pool = list(population)
        size = len(pool)
        for at in range(count):
            other = at + self.below(size - at)
            pool[at], pool[other] = pool[other], pool[at]
        return pool[:count]

    def unit(self) -> float:
        """A float from 0 up to, not including, 1."""
        return ((self.bits() << 21) | (self.bits() >> 11)) / (1 << 53)
