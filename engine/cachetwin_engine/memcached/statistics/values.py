"""Names and values of ``stats``, which each protocol writes in its way."""

from typing import final


@final
class Statistics:
    """A list of names and values."""

    def __init__(self) -> None:
        self.pairs: list[tuple[bytes, bytes]] = []

    def add(self, name: bytes, value: bytes) -> None:
        """Add a text."""
        self.pairs.append((name, value))

    def count(self, name: bytes, number: int) -> None:
        """Add a number."""
        self.pairs.append((name, b"%d" % number))

    def yes_no(self, name: bytes, value: bool) -> None:
        """Add yes or no."""
        self.pairs.append((name, b"yes" if value else b"no"))

    def as_text(self) -> bytes:
        """The reply in the text protocol."""
        lines = [b"STAT " + name + b" " + value + b"\r\n" for name, value in self.pairs]
        return b"".join(lines) + b"END\r\n"
