"""A circuit breaker, as plain data: it never reads a clock and never waits.

Closed, calls pass. After ``failure_count_max`` failures in a row it opens, and callers skip the dependency at no cost.
While it is open one prober (a background task, never a user's request) asks ``probe_due`` and reports what it found;
the pause between probes doubles up to ``pause_s_max`` so that a dead dependency is not hammered when it comes back.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Breaker:
    """Decides whether a dependency is worth asking. Times are seconds on any one monotonic clock."""

    failure_count_max: int = 3
    pause_s_min: float = 0.5
    pause_s_max: float = 5.0
    failure_count: int = 0
    opened_at_s: float | None = None
    probe_at_s: float = 0.0
    pause_s: float = 0.0

    @property
    def closed(self) -> bool:
        """Whether calls may go to the dependency."""
        return self.opened_at_s is None

    def record_success(self) -> None:
        """A call or a probe succeeded: close, and forget earlier failures."""
        self.failure_count = 0
        self.opened_at_s = None

    def record_failure(self, now_s: float) -> bool:
        """A call or a probe failed. True if this failure opened the breaker."""
        self.failure_count += 1
        if self.opened_at_s is not None:
            if now_s >= self.probe_at_s:  # late failures of calls begun before it opened do not lengthen the pause
                self.pause_s = min(self.pause_s * 2, self.pause_s_max)
                self.probe_at_s = now_s + self.pause_s
            return False
        if self.failure_count < self.failure_count_max:
            return False
        self.opened_at_s = now_s
        self.pause_s = self.pause_s_min
        self.probe_at_s = now_s + self.pause_s
        return True

    def probe_due(self, now_s: float) -> bool:
        """Whether an open breaker wants to be probed now."""
        return self.opened_at_s is not None and now_s >= self.probe_at_s
