"""An argument that is too large for one read.

``BytesIO`` puts the pieces straight into what becomes the argument: it grows without copying what it has, because the
allocator only maps more pages, and hands it out as it is. To join 200 MB of pieces at the end took 0.2 s, in which nobody
else was served.
"""

from io import BytesIO
from typing import final

from mypy_extensions import i64


@final
class LargeArgument:
    """An argument of a known size, as far as it has arrived."""

    def __init__(self, size: i64) -> None:
        self.missing: i64 = size
        self.received: i64 = 0
        self._pieces = BytesIO()

    def add(self, data: bytes) -> i64:
        """Take what belongs to the argument from the beginning of ``data``; how many bytes that is."""
        size: i64 = len(data)
        if size > self.missing:
            size = self.missing
            data = data[:size]
        self._pieces.write(data)
        self.missing -= size
        self.received += size
        return size

    def value(self) -> bytes:
        """The argument. Called once, when nothing is missing."""
        return self._pieces.getvalue()
