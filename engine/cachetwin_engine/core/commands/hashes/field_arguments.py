"""Arguments of the commands for hash fields with a time to live."""

from typing import Final

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error
from cachetwin_engine.core.text.numbers import INT64_MAX, parse_int

NUMFIELDS: Final = b"ERR numfields should be greater than 0 and match the provided number of fields"
UNITS_MS: Final[dict[bytes, int]] = {b"EX": 1000, b"PX": 1, b"EXAT": 1000, b"PXAT": 1}


def fields_keyword(args: list[bytes], begin: int) -> int:
    """The place of FIELDS, which another word must follow. Raises CommandError."""
    for at in range(begin, len(args) - 1):
        if args[at].upper() == b"FIELDS":
            return at
    raise CommandError(NUMFIELDS)


def parse_fields(args: list[bytes], at: int, width: int, problem: bytes) -> list[bytes]:
    """The words after ``FIELDS numfields``, ``width`` for each field. Raises CommandError with the line ``problem``."""
    count = parse_int(args[at + 1])
    words = args[at + 2 :]
    if count <= 0 or count * width != len(words):
        raise CommandError(problem)
    return words


def parse_only_fields(args: list[bytes]) -> list[bytes]:
    """The fields of ``key FIELDS numfields field [field ...]``."""
    if args[2].upper() != b"FIELDS":
        raise syntax_error()
    return parse_fields(args, 2, 1, b"ERR syntax error")


def parse_end(ctx: Context, text: bytes, unit_ms: int, relative: bool) -> int:
    """A time in a request as Unix time in ms. Raises CommandError."""
    value = parse_int(text)
    now_ms = ctx.engine.now_ms if relative else 0
    at_ms = value * unit_ms + now_ms
    if value < 0 or at_ms > INT64_MAX:
        name = ctx.command.name if ctx.command is not None else b""
        raise CommandError(b"ERR invalid expire time in '" + name + b"' command")
    return at_ms
