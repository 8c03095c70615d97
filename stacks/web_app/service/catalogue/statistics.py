"""Counts and medians of one process since its start."""

from collections import Counter, deque
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from .aside import Answer

SAMPLE_COUNT: Final = 500  # latencies kept per source for the medians


@dataclass(slots=True)
class Statistics:
    """What the reads of this process came to."""

    reads: Counter[str] = field(default_factory=Counter)
    coalesced: int = 0
    invalidations: int = 0
    latencies_ms: dict[str, deque[float]] = field(
        default_factory=lambda: {source: deque(maxlen=SAMPLE_COUNT) for source in ("cache", "database")}
    )

    def record(self, answer: Answer) -> None:
        """Count one read."""
        self.reads[answer.cache_state] += 1
        self.coalesced += answer.coalesced
        self.latencies_ms[answer.source].append(answer.latency_ms)

    def summary(self) -> dict[str, Any]:
        """Counts, the hit rate (0 to 1) and medians in ms; None where nothing was counted."""
        total = self.reads.total()
        return {
            "reads": total,
            "hits": self.reads["hit"],
            "misses": self.reads["miss"],
            "bypasses": self.reads["bypass"],
            "coalesced": self.coalesced,
            "invalidations": self.invalidations,
            "hit_rate": self.reads["hit"] / total if total else None,
            "median_ms": {
                source: round(median(values), 3) if values else None for source, values in self.latencies_ms.items()
            },
        }
