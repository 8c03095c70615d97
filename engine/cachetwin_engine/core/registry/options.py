"""The options of a request, read as the usage line of its command lists them.

Options are the tokens that the usage line calls optional: ``[COUNT count]`` takes one value, ``[LIMIT limit=(offset
count)]`` two, ``[condition=<NX | XX>]`` none. A handler asks for one after the other and decides what each means:

    options = ctx.options(args, 3)
    while word := options.next_word():
        if word == b"RANK":
            rank = parse_int(options.value)
        ...

A word that is no option, or an option without its values, raises the syntax error in its turn, so that errors come in the
order of the words, as in Valkey. Options of later versions than the engine's are unknown.

Some commands read their options by hand: those that spend most of their time in their arguments (SET, GETEX, ZADD, XADD,
ZRANGE), and those that refuse each other's options with texts of their own or repeat groups of words (SCAN, XREAD,
GEOSEARCH, BITFIELD, CLIENT LIST, FUNCTION LIST).
"""

from typing import Final

from mypy_extensions import i64

from cachetwin_engine.core.protocol.errors import CommandError, syntax_error

from .command_table import Command
from .usage import BLOCK, TOKEN, Argument, known_through, parse_usage

REST: Final = -1
"""An option that takes all words after it, or as many as its handler says (``OptionReader.take``)."""


class OptionReader:
    """The options of ``args`` from place ``at`` up to ``end``."""

    def __init__(self, sizes: dict[bytes, int], args: list[bytes], at: i64, end: i64, refusal: bytes) -> None:
        """``refusal`` is the error for a word that is no option, with ``%b`` for the word; empty: the syntax error."""
        self._sizes = sizes
        self._args = args
        self._end: i64 = end
        self._refusal = refusal
        self._next: i64 = at
        self.at: i64 = at  # the place of the current word
        self.value = b""  # its first value

    def next_word(self) -> bytes:
        """The next option in upper case, ``b""`` after the last one. Raises CommandError."""
        at: i64 = self._next
        if at >= self._end:
            return b""
        word = self._args[at]
        found = self._sizes.get(word)  # most clients write in capitals
        if found is None:
            word = word.upper()
            found = self._sizes.get(word)
            if found is None:
                raise self._refused(at)
        size: i64 = found
        if at + size >= self._end:
            raise self._refused(at)
        self.at = at
        if size > 0:
            self.value = self._args[at + 1]
        self._next = at + 1 + size if size >= 0 else self._end
        return word

    def take(self, count: i64) -> list[bytes]:
        """Make ``count`` the number of values of the current option, and return them. Raises CommandError."""
        first = self.at + 1
        if first + count > self._end:
            raise syntax_error()
        self._next = first + count
        return self._args[first : first + count]

    def _refused(self, at: i64) -> CommandError:
        return CommandError(self._refusal.replace(b"%b", self._args[at])) if self._refusal else syntax_error()


_NO_OPTIONS: Final = OptionReader({}, [], 0, 0, b"")


def read_options(row: Command, args: list[bytes], at: int, end: int, refusal: bytes = b"") -> OptionReader:
    """The options of ``row`` in ``args`` from place ``at`` up to ``end``; for ``refusal`` see ``OptionReader``."""
    if at >= end:
        return _NO_OPTIONS  # as most requests have none
    if row.option_sizes is None:
        row.option_sizes = option_sizes(row)
    return OptionReader(row.option_sizes, args, at, end, refusal)


def option_sizes(row: Command) -> dict[bytes, int]:
    """The options that a row has at its version, and how many values each takes."""
    sizes: dict[bytes, int] = {}
    for argument in known_through(parse_usage(row.arguments), row.through):
        _collect(argument, False, sizes)
    return sizes


def _collect(argument: Argument, optional: bool, sizes: dict[bytes, int]) -> None:
    """Add the optional tokens of ``argument``; ``optional``: the group that contains it is optional."""
    optional = optional or argument.optional
    if argument.token is not None:
        if optional:
            sizes[argument.token.upper().encode()] = _value_count(argument)
        optional = False  # its parts are its values
    for part in argument.arguments:
        _collect(part, optional, sizes)


def _value_count(argument: Argument) -> int:
    if argument.type == TOKEN:
        return 0
    if argument.multiple and not argument.repeats_token:
        return REST
    if argument.type == BLOCK:
        return len([part for part in argument.arguments if not part.optional])
    return 1
