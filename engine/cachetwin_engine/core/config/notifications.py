"""Keyspace notification classes (notify.c). ``CONFIG SET notify-keyspace-events`` names them by letter."""

from typing import Final

NOTIFY_KEYSPACE: Final = 1 << 0  # K
NOTIFY_KEYEVENT: Final = 1 << 1  # E
NOTIFY_GENERIC: Final = 1 << 2  # g
NOTIFY_STRING: Final = 1 << 3  # $
NOTIFY_LIST: Final = 1 << 4  # l
NOTIFY_SET: Final = 1 << 5  # s
NOTIFY_HASH: Final = 1 << 6  # h
NOTIFY_ZSET: Final = 1 << 7  # z
NOTIFY_EXPIRED: Final = 1 << 8  # x
NOTIFY_EVICTED: Final = 1 << 9  # e
NOTIFY_STREAM: Final = 1 << 10  # t
NOTIFY_KEY_MISS: Final = 1 << 11  # m, not part of A
NOTIFY_MODULE: Final = 1 << 13  # d
NOTIFY_NEW: Final = 1 << 14  # n, not part of A
NOTIFY_ALL: Final = (
    NOTIFY_GENERIC | NOTIFY_STRING | NOTIFY_LIST | NOTIFY_SET | NOTIFY_HASH
    | NOTIFY_ZSET | NOTIFY_EXPIRED | NOTIFY_EVICTED | NOTIFY_STREAM | NOTIFY_MODULE
)  # fmt: skip

_LETTERS: Final[list[tuple[int, str]]] = [
    (NOTIFY_GENERIC, "g"),
    (NOTIFY_STRING, "$"),
    (NOTIFY_LIST, "l"),
    (NOTIFY_SET, "s"),
    (NOTIFY_HASH, "h"),
    (NOTIFY_ZSET, "z"),
    (NOTIFY_EXPIRED, "x"),
    (NOTIFY_EVICTED, "e"),
    (NOTIFY_STREAM, "t"),
    (NOTIFY_MODULE, "d"),
]
_OTHERS: Final[list[tuple[int, str]]] = [
    (NOTIFY_KEYSPACE, "K"),
    (NOTIFY_KEYEVENT, "E"),
    (NOTIFY_KEY_MISS, "m"),
    (NOTIFY_NEW, "n"),
]


def flags_of(letters: str) -> int:
    """The flags that ``letters`` name, -1 if one of them names nothing."""
    flags = 0
    for letter in letters:
        if letter == "A":
            flags |= NOTIFY_ALL
            continue
        found = 0
        for flag, name in _LETTERS + _OTHERS:
            if name == letter:
                found = flag
        if not found:
            return -1
        flags |= found
    return flags


def letters_of(flags: int) -> str:
    """The canonical letters of ``flags``, ``A`` standing for all that it covers."""
    if flags & NOTIFY_ALL == NOTIFY_ALL:
        text = "A"
    else:
        text = "".join([letter for flag, letter in _LETTERS if flags & flag])
    return text + "".join([letter for flag, letter in _OTHERS if flags & flag])
