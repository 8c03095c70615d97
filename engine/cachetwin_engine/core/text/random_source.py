"""Random numbers for the engine, seeded from outside so that a run can be repeated.

xorshift64* (Vigna, 2014): one multiplication a draw, and good enough for samples, picks and generated ids. Not for
secrets: ACL GENPASS gets its bits from the shell.
"""

from typing import Final

_MASK: Final = (1 << 64) - 1


class RandomSource:
    """A stream of random integers."""

    def __init__(self, seed: int) -> None:
        self._state = (seed & _MASK) or 0x9E3779B97F4A7C15

    def bits(self) -> int:
        """32 random bits."""
        state = self._state
        state ^= state >> 12
        state = (state ^ (state << 25)) & _MASK
        state ^= state >> 27
        self._state = state
        return ((state * 0x2545F4914F6CDD1D) & _MASK) >> 32

    def below(self, limit: int) -> int:
        """An integer from 0 to ``limit`` - 1, each as likely as any other up to 1 in 2**32."""
        if limit > 0xFFFFFFFF:
            return ((self.bits() << 32) | self.bits()) % limit
        return (self.bits() * limit) >> 32

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
