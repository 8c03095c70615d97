"""An entry of a stream, kept as the reply that shows it: an array of its ID and of an array of fields and values.

Reading, which is most of what happens to an entry, then costs no more than joining bytes, and no entry has an object for
its ID. Where an ID is looked for, a few entries' IDs are read from their text again.

An ID is two unsigned 64-bit integers, ``ms`` and ``seq``, or one integer, ``ms << 64 | seq``, where comparing and adding
one matter more than making it.
"""

from typing import Final

from mypy_extensions import i64

SEQ_MASK: Final = (1 << 64) - 1
_CR: Final = 13
_DASH: Final = 45
_ZERO: Final = 48
_SIZE_AT: Final = 5  # behind "*2\r\n$": how long the ID is, one or two digits
_ID_MACHINE_MAX: Final = 19  # an ID as long has two numbers of less than 18 digits
_TEXTS: Final = 1024
_SEQ_TEXTS: Final[list[bytes]] = [b"%d\r\n" % n for n in range(_TEXTS)]
_BULK_HEADERS: Final[list[bytes]] = [b"$%d\r\n" % n for n in range(_TEXTS)]
_NEXT_BULK_HEADERS: Final[list[bytes]] = [b"\r\n$%d\r\n" % n for n in range(_TEXTS)]


class _Moment:
    """A millisecond, and the text with which its IDs begin. It never changes, so that engines in two threads may share."""

    def __init__(self, ms: int) -> None:
        self.ms = ms
        self.text = b"%d-" % ms


_LAST: Final[list[_Moment]] = [_Moment(0)]  # of the ID that was shown last: the next one mostly has the same


def id_text(entry_id: int) -> bytes:
    """``ms-seq``."""
    return b"%d-%d" % (entry_id >> 64, entry_id & SEQ_MASK)


def id_reply(ms: int, seq: int) -> bytes:
    """An ID as a bulk string."""
    moment = _LAST[0]
    if ms != moment.ms:
        moment = _Moment(ms)
        _LAST[0] = moment
    text = moment.text
    tail = _SEQ_TEXTS[seq] if seq < _TEXTS else b"%d\r\n" % seq
    return b"%b%b%b" % (_BULK_HEADERS[len(text) + len(tail) - 2], text, tail)


def entry_of(shown_id: bytes, words: list[bytes], first: i64) -> bytes:
    """An entry; ``shown_id`` is its ID as a bulk string, fields and values in turn are ``words`` from ``first`` on."""
    count: i64 = len(words)
    if count == first + 2:
        field, value = words[first], words[first + 1]
        if len(field) < _TEXTS and len(value) < _TEXTS:
            return b"*2\r\n%b*2%b%b%b%b\r\n" % (
                shown_id, _NEXT_BULK_HEADERS[len(field)], field, _NEXT_BULK_HEADERS[len(value)], value,
            )  # fmt: skip
    parts = [b"*2\r\n", shown_id, b"*%d" % (count - first)]
    for at in range(first, count):
        word = words[at]
        size = len(word)
        parts.append(_NEXT_BULK_HEADERS[size] if size < _TEXTS else b"\r\n$%d\r\n" % size)
        parts.append(word)
    parts.append(b"\r\n")
    return b"".join(parts)


def _id_place(entry: bytes) -> tuple[i64, i64]:
    """Where the text of the ID begins and ends."""
    size: i64 = entry[_SIZE_AT] - _ZERO
    second: i64 = entry[_SIZE_AT + 1]
    begin: i64 = _SIZE_AT + 3
    if second != _CR:
        size = size * 10 + (second - _ZERO)
        begin += 1
    return begin, begin + size


def id_parts(entry: bytes) -> tuple[int, int]:
    """``ms`` and ``seq`` of an entry."""
    at, end = _id_place(entry)
    if end - at > _ID_MACHINE_MAX:
        head, _, tail = entry[at:end].partition(b"-")
        return int(head), int(tail)
    ms: i64 = 0
    seq: i64 = 0
    byte: i64 = entry[at]
    while byte != _DASH:
        ms = ms * 10 + (byte - _ZERO)
        at += 1
        byte = entry[at]
    at += 1
    while at < end:
        byte = entry[at]
        seq = seq * 10 + (byte - _ZERO)
        at += 1
    return ms, seq


def id_of(entry: bytes) -> int:
    """The ID of an entry as one integer."""
    ms, seq = id_parts(entry)
    return ms << 64 | seq


def first_from(entries: list[bytes], entry_id: int) -> i64:
    """The first place in ``entries``, which are in order, whose ID is not below ``entry_id``."""
    ms, seq = entry_id >> 64, entry_id & SEQ_MASK
    low: i64 = 0
    high: i64 = len(entries)
    while low < high:
        middle = (low + high) >> 1
        other_ms, other_seq = id_parts(entries[middle])
        if other_ms < ms or (other_ms == ms and other_seq < seq):
            low = middle + 1
        else:
            high = middle
    return low


def items_of(entry: bytes) -> list[bytes]:
    """Fields and values, in turn, of an entry."""
    _, at = _id_place(entry)
    at += 3  # behind the star of the array
    while entry[at] != _CR:
        at += 1
    at += 2
    end: i64 = len(entry)
    items: list[bytes] = []
    while at < end:
        size: i64 = 0
        at += 1  # behind the dollar of the string
        byte: i64 = entry[at]
        while byte != _CR:
            size = size * 10 + (byte - _ZERO)
            at += 1
            byte = entry[at]
        at += 2
        items.append(entry[at : at + size])
        at += size + 2
    return items
