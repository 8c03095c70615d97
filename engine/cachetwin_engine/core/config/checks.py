"""What a parameter may be set to: a check for each kind, which returns the text that CONFIG GET shows."""

from collections.abc import Callable
from typing import Final

from cachetwin_engine.core.config.notifications import flags_of, letters_of
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.text.numbers import float_or_none, integer_or_none

from .parameters import (
    BOOLEAN,
    BUFFER_LIMITS,
    CHOICE,
    CHOICES,
    EVENTS,
    FILE_NAME,
    INTEGER,
    MEMORY,
    OCTAL,
    OOM_SCORES,
    PERCENT,
    PERCENTILES,
    SAVE,
    TEXT,
    Parameter,
)
from .settings import BufferLimit, buffer_limits_of

BIND_ADDRESSES_MAX: Final = 16
HOST_NAME_BYTES_MAX: Final = 256
_OCTAL_DIGITS: Final = frozenset(b"01234567")
_HOST_NAME: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")
_UNITS: Final[dict[bytes, int]] = {
    b"": 1,
    b"b": 1,
    b"k": 1000,
    b"kb": 1024,
    b"m": 1000_000,
    b"mb": 1024**2,
    b"g": 1000_000_000,
    b"gb": 1024**3,
}
_CLIENT_CLASSES: Final[dict[bytes, bytes]] = {
    b"normal": b"normal",
    b"slave": b"slave",
    b"replica": b"slave",
    b"pubsub": b"pubsub",
}


def checked(row: Parameter, value: bytes, current: bytes) -> bytes:
    """The canonical text of ``value``. Raises CommandError whose ``line`` is the reason alone."""
    if row.kind == BUFFER_LIMITS:
        return _merged_buffer_limits(value, current)
    return _CHECKS[row.kind](row, value)


def memory_or_none(text: bytes) -> int | None:
    """Bytes from ``100``, ``1k``, ``1kb``, ``2gb`` ...; None if it is not an amount."""
    if not text:
        return 0
    digits = text.rstrip(b"bkmgBKMG")
    unit = _UNITS.get(text[len(digits) :].lower())
    if unit is None or not digits.isdigit():
        return None
    return int(digits) * unit


def _boolean(row: Parameter, value: bytes) -> bytes:
    if value.lower() not in {b"yes", b"no"}:
        raise CommandError(b"argument must be 'yes' or 'no'")
    return value.lower()


def _integer(row: Parameter, value: bytes) -> bytes:
    return _bounded(row, integer_or_none(value), b"argument couldn't be parsed into an integer")


def _memory(row: Parameter, value: bytes) -> bytes:
    if row.low < 0 and value[:1] == b"-":
        amount = memory_or_none(value[1:])
        return _bounded(row, None if amount is None else -amount, b"argument must be a memory value")
    return _bounded(row, memory_or_none(value), b"argument must be a memory value")


def _choice(row: Parameter, value: bytes) -> bytes:
    for choice in row.choices:
        if value.lower() == choice.lower().encode():
            return choice.encode()
    raise CommandError(b"argument(s) must be one of the following: " + ", ".join(row.choices).encode())


def _events(row: Parameter, value: bytes) -> bytes:
    flags = flags_of(value.decode("latin-1"))
    if flags < 0:
        raise CommandError(b"Invalid event class character. Use 'Ag$lszhxeKEtmdn'.")
    return letters_of(flags).encode()


def _bounded(row: Parameter, number: int | None, otherwise: bytes) -> bytes:
    if number is None:
        raise CommandError(otherwise)
    if not row.low <= number <= row.high:
        raise CommandError(b"argument must be between %d and %d inclusive" % (row.low, row.high))
    return b"%d" % number


def _percent(row: Parameter, value: bytes) -> bytes:
    share = integer_or_none(value[:-1]) if value.endswith(b"%") else None
    if share is not None and share >= 0:
        if share > 100:
            raise CommandError(b"percentage argument must be less or equal to 100")
        return b"%d%%" % share
    return _bounded(row, memory_or_none(value), b"argument must be a memory or percent value")


def _chosen(row: Parameter, value: bytes) -> bytes:
    """One or more of the choices, in the order of the choices."""
    words = value.lower().decode("latin-1").split()
    if not words or not set(words) <= set(row.choices):
        raise CommandError(b"argument(s) must be one of the following: " + ", ".join(row.choices).encode())
    if "save" in words and "nosave" in words:
        raise CommandError(b"shutdown options SAVE and NOSAVE can't be used simultaneously")
    chosen = [word for word in row.choices if word in words and word != "default"]
    return " ".join(chosen or ["default"]).encode()


def _octal(row: Parameter, value: bytes) -> bytes:
    if not value or not _OCTAL_DIGITS.issuperset(value):
        raise CommandError(b"argument couldn't be parsed as an octal number")
    number = int(value, 8)
    if number > row.high:
        raise CommandError(b"argument must be between %o and %o inclusive" % (row.low, row.high))
    return b"%o" % number


def _file_name(row: Parameter, value: bytes) -> bytes:
    if not value:
        raise CommandError(row.name.encode() + b" can't be empty")
    if b"/" in value:
        kind = b"dirname" if row.name == "appenddirname" else b"filename"
        raise CommandError(row.name.encode() + b" can't be a path, just a " + kind)
    return value


def _oom_scores(row: Parameter, value: bytes) -> bytes:
    words = value.split()
    if len(words) != 3:
        raise CommandError(b"wrong number of arguments")
    for word in words:
        number = integer_or_none(word)
        if number is None or not -2000 <= number <= 2000:
            raise CommandError(b"Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
    return b" ".join(words)


def _text(row: Parameter, value: bytes) -> bytes:
    if row.name == "dir" and not value:
        raise CommandError(b"dir can't be empty")
    if row.name == "bind":
        words = value.split()
        if len(words) > BIND_ADDRESSES_MAX:
            raise CommandError(b"Too many bind addresses specified.")
        return b" ".join(words)
    if row.name == "cluster-announce-hostname":
        if len(value) >= HOST_NAME_BYTES_MAX:
            raise CommandError(b"Hostnames must be less than %d characters" % HOST_NAME_BYTES_MAX)
        if not _HOST_NAME.issuperset(value):
            raise CommandError(b"Hostnames may only contain alphanumeric characters, hyphens or dots")
    if row.name == "proc-title-template" and not _is_title_template(value):
        raise CommandError(b"template format is invalid or contains unknown variables")
    if row.name == "cluster-announce-client-ipv4" and value and not _is_address(value, 4):
        raise CommandError(b"Invalid IPv4 address")
    if row.name == "cluster-announce-client-ipv6" and value and not _is_address(value, 6):
        raise CommandError(b"Invalid IPv6 address")
    return value


def _is_title_template(value: bytes) -> bool:
    """Whether every brace belongs to a known variable."""
    rest = value
    for name in (b"title", b"listen-addr", b"server-mode", b"port", b"tls-port", b"unixsocket", b"config-file"):
        rest = rest.replace(b"{" + name + b"}", b"")
    return b"{" not in rest and b"}" not in rest


def _is_address(value: bytes, version: int) -> bool:
    import ipaddress  # noqa: PLC0415  (1 ms of each start)

    try:
        return ipaddress.ip_address(value.decode("latin-1")).version == version
    except ValueError:
        return False


def _save_points(row: Parameter, value: bytes) -> bytes:
    words = value.split()
    numbers = [integer_or_none(word) for word in words]
    if len(words) % 2:
        raise CommandError(b"Invalid save parameters")
    for place, number in enumerate(numbers):
        if number is None or number < (1 if place % 2 == 0 else 0):
            raise CommandError(b"Invalid save parameters")
    return b" ".join(words)


def _merged_buffer_limits(value: bytes, current: bytes) -> bytes:
    """Classes that ``value`` names replace those of ``current``."""
    words = value.split()
    if len(words) % 4:
        raise CommandError(b"Wrong number of arguments in buffer limit configuration.")
    limits = buffer_limits_of(current)
    for at in range(0, len(words), 4):
        name = _CLIENT_CLASSES.get(words[at].lower())
        if name is None:
            raise CommandError(b"Invalid client class specified in buffer limit configuration.")
        hard, soft = memory_or_none(words[at + 1]), memory_or_none(words[at + 2])
        seconds = integer_or_none(words[at + 3])
        if hard is None or soft is None or seconds is None or seconds < 0:
            raise CommandError(b"Error in hard, soft or soft_seconds setting in buffer limit configuration.")
        limits[name] = BufferLimit(hard, soft, seconds)
    return b" ".join(
        [
            b"%b %d %d %d" % (name, limit.hard_bytes, limit.soft_bytes, limit.soft_seconds)
            for name, limit in limits.items()
        ]
    )


def _percentiles(row: Parameter, value: bytes) -> bytes:
    texts: list[bytes] = []
    for word in value.split():
        number = float_or_none(word)
        if number is None:
            raise CommandError(b"Invalid latency-tracking-info-percentiles parameters")
        if not 0 <= number <= 100:
            raise CommandError(b"latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")
        texts.append(b"%d" % int(number) if number == int(number) else repr(number).encode())
    return b" ".join(texts)


_CHECKS: Final[dict[str, Callable[[Parameter, bytes], bytes]]] = {
    BOOLEAN: _boolean,
    INTEGER: _integer,
    MEMORY: _memory,
    PERCENT: _percent,
    CHOICE: _choice,
    CHOICES: _chosen,
    TEXT: _text,
    OCTAL: _octal,
    FILE_NAME: _file_name,
    OOM_SCORES: _oom_scores,
    SAVE: _save_points,
    EVENTS: _events,
    PERCENTILES: _percentiles,
}
