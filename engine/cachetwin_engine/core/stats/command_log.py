"""COMMANDLOG (and SLOWLOG): the latest commands that took long, or whose request or reply was large.

Arguments are kept short, as Valkey keeps them (commandlog.c): at most 32, of at most 128 bytes each.
"""

from typing import Final

ARGUMENTS_MAX: Final = 32
ARGUMENT_BYTES_MAX: Final = 128

SLOW: Final = 0
LARGE_REQUEST: Final = 1
LARGE_REPLY: Final = 2
KINDS: Final[dict[bytes, int]] = {b"slow": SLOW, b"large-request": LARGE_REQUEST, b"large-reply": LARGE_REPLY}


class LoggedCommand:
    """One entry."""

    def __init__(self, number: int, at_s: int, value: int, args: list[bytes], address: bytes, name: bytes) -> None:
        self.number = number
        self.at_s = at_s  # Unix time
        self.value = value  # microseconds or bytes
        self.args = args
        self.address = address
        self.name = name


class CommandLog:
    """One kind's entries, newest first."""

    def __init__(self) -> None:
        self.entries: list[LoggedCommand] = []
        self._next_number = 0

    def add(self, at_s: int, value: int, args: list[bytes], address: bytes, name: bytes, length_max: int) -> None:
        """Note a command and forget the oldest beyond ``length_max``."""
        if length_max <= 0:
            return
        self.entries.insert(0, LoggedCommand(self._next_number, at_s, value, _shortened(args), address, name))
        self._next_number += 1
        del self.entries[length_max:]


def _shortened(args: list[bytes]) -> list[bytes]:
    kept = args if len(args) <= ARGUMENTS_MAX else args[: ARGUMENTS_MAX - 1]
    words: list[bytes] = []
    for word in kept:
        more = len(word) - ARGUMENT_BYTES_MAX
        words.append(word[:ARGUMENT_BYTES_MAX] + b"... (%d more bytes)" % more if more > 0 else word)
    if len(args) > ARGUMENTS_MAX:
        words.append(b"... (%d more arguments)" % (len(args) - ARGUMENTS_MAX + 1))
    return words
