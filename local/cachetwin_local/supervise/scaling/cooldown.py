"""The cooldown of a scalable target. Pure; times are of the twin's clock.

While a scale-out cools down, what it added counts as part of a further one; while a scale-in does, nothing more is taken
away, and a scale-out ends it. Source: Application Auto Scaling user guide, "Define cooldown periods".
"""

from dataclasses import dataclass

__all__ = ["Cooldown"]


@dataclass(frozen=True, slots=True)
class Cooldown:
    """After a change: the capacity before it, the one after it, and until when it cools down."""

    before: int = 0
    after: int = 0
    until_ms: int = 0

    def base(self, capacity: int, now_ms: int) -> int:
        """The capacity that a scale-out is computed from."""
        cools = now_ms < self.until_ms and self.after > self.before
        return min(self.before, capacity) if cools else capacity

    def allows(self, capacity: int, wanted: int, now_ms: int) -> bool:
        """Whether a change to `wanted` may happen now."""
        if wanted > capacity:
            return True
        return wanted < capacity and now_ms >= self.until_ms

    def then(self, capacity: int, wanted: int, now_ms: int, cooldown_s: int) -> "Cooldown":
        """The cooldown after a change that happens now."""
        goes_on = now_ms < self.until_ms and self.after > self.before and wanted > capacity
        return Cooldown(self.before if goes_on else capacity, wanted, now_ms + 1000 * cooldown_s)
