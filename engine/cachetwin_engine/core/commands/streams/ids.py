"""Entry IDs as clients write them: ``ms-seq``, ``ms``, ``ms-*``, ``-``, ``+``, ``(ms-seq``."""

from typing import Final

from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.types.streams.entry import SEQ_MASK, id_reply
from cachetwin_engine.core.types.streams.stream import ID_MAX

INVALID_ID: Final = b"ERR Invalid stream ID specified as stream command argument"
_PART_BYTES_MAX: Final = 127


def bulk_id(entry_id: int) -> bytes:
    """An ID as a reply."""
    return id_reply(entry_id >> 64, entry_id & SEQ_MASK)


def _part(text: bytes) -> int:
    """An unsigned 64-bit integer as strtoull reads it, or -1."""
    text = text.lstrip(b" \t\n\r\v\f")
    if text.startswith(b"+"):
        text = text[1:]
    if not text.isdigit():
        return -1
    value = int(text)
    return value if value <= SEQ_MASK else -1


def parse_id(text: bytes, missing_seq: int = 0) -> int:
    """An ID; ``missing_seq`` replaces a sequence number that is not given. Raises CommandError."""
    value = id_or_none(text, missing_seq)
    if value is None:
        raise CommandError(INVALID_ID)
    return value


def id_or_none(text: bytes, missing_seq: int = 0) -> int | None:
    """An ID as ``parse_id`` reads it, or None."""
    if len(text) > _PART_BYTES_MAX:
        return None
    head, dash, tail = text.partition(b"-")
    ms = _part(head)
    seq = _part(tail) if dash else missing_seq
    return None if ms < 0 or seq < 0 else ms << 64 | seq


def parse_end(text: bytes, missing_seq: int) -> int:
    """A bound of a range: an ID, ``-`` or ``+``. Raises CommandError."""
    if text == b"-":
        return 0
    if text == b"+":
        return ID_MAX
    return parse_id(text, missing_seq)


def parse_start(text: bytes) -> int:
    """The first ID of a range; ``(`` excludes the ID itself. Raises CommandError."""
    if len(text) > 1 and text.startswith(b"("):
        value = parse_id(text[1:])
        if value == ID_MAX:
            raise CommandError(b"ERR invalid start ID for the interval")
        return value + 1
    return parse_end(text, 0)


def parse_stop(text: bytes) -> int:
    """The last ID of a range; ``(`` excludes the ID itself. Raises CommandError."""
    if len(text) > 1 and text.startswith(b"("):
        value = parse_id(text[1:], SEQ_MASK)
        if value == 0:
            raise CommandError(b"ERR invalid end ID for the interval")
        return value - 1
    return parse_end(text, SEQ_MASK)
