"""Times to live as commands take them, converted to absolute Unix times in milliseconds, as they are stored."""

from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.text.numbers import INT64_MAX, INT64_MIN, parse_int


def invalid_expire_time(command: bytes) -> CommandError:
    """``command`` is the name in lower case."""
    return CommandError(b"ERR invalid expire time in '" + command + b"' command")


def expire_time(text: bytes, unit_ms: int, base_ms: int, command: bytes) -> int:
    """The absolute time that ``text`` means: units of ``unit_ms`` after ``base_ms`` (0 if it is absolute already).

    Raises CommandError if it is not positive or does not fit into 64 bits, as SET and similar commands do.
    """
    value = parse_int(text)
    if value <= 0:
        raise invalid_expire_time(command)
    return _absolute(value, unit_ms, base_ms, command)


def expire_time_or_past(text: bytes, unit_ms: int, base_ms: int, command: bytes) -> int:
    """The same for EXPIRE and similar commands, which accept times in the past: these delete the key."""
    return _absolute(parse_int(text), unit_ms, base_ms, command)


def _absolute(value: int, unit_ms: int, base_ms: int, command: bytes) -> int:
    value *= unit_ms
    if not INT64_MIN <= value <= INT64_MAX or value > INT64_MAX - base_ms:
        raise invalid_expire_time(command)
    return value + base_ms
