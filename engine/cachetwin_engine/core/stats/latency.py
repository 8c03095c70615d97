"""How long things take: a histogram for each command, and the latency monitor's events.

A histogram counts durations in microseconds: one bucket each below 256, from there 16 to each doubling, so that a
percentile is right within 6 %. Valkey keeps nanoseconds to two digits; what is reported from here is the upper end of the
value that it would report for the same whole number of microseconds (hdr_highest_equivalent_value).
"""

from typing import Final

from mypy_extensions import i64

from cachetwin_engine.core.config.config import Config

FINE_US: Final = 256
_STEPS_SHIFT: Final = 4
BUCKETS: Final = FINE_US + 16 * 22  # up to 2**30 us, some 18 minutes
SAMPLES_MAX: Final = 160  # of one event (latency.h, LATENCY_TS_LEN)


def bucket_of(duration_us: i64) -> i64:
    """The bucket that counts ``duration_us``."""
    if duration_us < FINE_US:
        return duration_us if duration_us > 0 else 0
    power: i64 = 8
    while power < 29 and duration_us >> (power + 1):
        power += 1
    step = (duration_us >> (power - _STEPS_SHIFT)) & 15
    if duration_us >> (power + 1):
        step = 15
    return FINE_US + (power - 8) * 16 + step


def lower_end_us(bucket: int) -> int:
    """The shortest duration that ``bucket`` counts."""
    if bucket < FINE_US:
        return bucket
    power, step = divmod(bucket - FINE_US, 16)
    return (16 + step) << (power + 8 - _STEPS_SHIFT)


def percentile_us(counts: list[int], share: float) -> float:
    """The duration that ``share`` percent of the calls did not exceed."""
    total = sum(counts)
    wanted = max(1, int(share / 100 * total + 0.5))
    seen = 0
    for bucket, count in enumerate(counts):
        seen += count
        if seen >= wanted:
            return _reported_us(lower_end_us(bucket + 1) - 1)
    return 0.0


def cumulative(counts: list[int]) -> list[tuple[int, int]]:
    """(upper end in microseconds, calls up to it) by powers of two, only where the count grows (LATENCY HISTOGRAM)."""
    found: list[tuple[int, int]] = []
    total = sum(counts)
    seen = 0
    bucket = 0
    upper_us = 1
    while seen < total:
        before = seen
        while bucket < len(counts) and lower_end_us(bucket) <= upper_us:
            seen += counts[bucket]
            bucket += 1
        if seen > before:
            found.append((upper_us, seen))
        upper_us *= 2
    return found


def _reported_us(duration_us: int) -> float:
    nanoseconds = duration_us * 1000
    shift = max(0, nanoseconds.bit_length() - 8)
    return ((nanoseconds >> shift << shift) + (1 << shift) - 1) / 1000


class EventSeries:
    """The latest samples of one event of the latency monitor."""

    def __init__(self) -> None:
        self.samples: list[tuple[int, int]] = []  # (Unix time in seconds, milliseconds), oldest first
        self.maximum_ms = 0
        self.sum_ms = 0  # of all there ever were, as is the count
        self.count = 0

    def add(self, at_s: int, duration_ms: int) -> None:
        """Note a sample; of those in the same second the longest stays."""
        self.maximum_ms = max(self.maximum_ms, duration_ms)
        self.sum_ms += duration_ms
        self.count += 1
        if self.samples and self.samples[-1][0] == at_s:
            self.samples[-1] = (at_s, max(self.samples[-1][1], duration_ms))
            return
        self.samples.append((at_s, duration_ms))
        del self.samples[:-SAMPLES_MAX]


class LatencyMonitor:
    """The events of one engine that took longer than ``latency-monitor-threshold``."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.events: dict[bytes, EventSeries] = {}

    def note(self, event: bytes, duration_us: int, now_ms: int) -> None:
        """A sample, kept if it took long enough."""
        duration_ms = duration_us // 1000
        threshold_ms = self._config.monitoring.latency_monitor_threshold
        if not threshold_ms or duration_ms < threshold_ms:
            return
        series = self.events.get(event)
        if series is None:
            series = self.events[event] = EventSeries()
        series.add(now_ms // 1000, duration_ms)
