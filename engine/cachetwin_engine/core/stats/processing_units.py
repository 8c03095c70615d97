"""Processing units (ECPU) of a serverless cache: what its commands have used, and the most they may use in a second.

A command uses one unit for each kilobyte of its request and its reply together, and one at least (user guide, pricing). The
service counts the time of a processor as well, where a command takes more of it than a GET; here only the data counts.
"""

from typing import Final

UNIT_BYTES: Final = 1024
THOUSANDTHS: Final = 1000


class ProcessingUnits:
    """The count. ``limit`` is in units a second, 0 for none."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.throttled = 0  # commands that were refused
        self._thousandths = 0  # in all
        self._second = 0
        self._thousandths_in_second = 0

    @property
    def used(self) -> int:
        """Whole units used in all."""
        return self._thousandths // THOUSANDTHS

    def is_exhausted(self, now_ms: int) -> bool:
        """True if the units of this second are used up."""
        second = now_ms // 1000
        if second != self._second:
            self._second = second
            self._thousandths_in_second = 0
        return 0 < self.limit * THOUSANDTHS <= self._thousandths_in_second

    def note(self, size: int) -> None:
        """A command was answered; ``size`` is that of its request and reply in bytes."""
        thousandths = max(THOUSANDTHS, size * THOUSANDTHS // UNIT_BYTES)
        self._thousandths += thousandths
        self._thousandths_in_second += thousandths
