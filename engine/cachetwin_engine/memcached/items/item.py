"""One item: a key with its value, what LRU lists need of it, and what clients are told of it."""

from typing import Final, final

from mypy_extensions import i64

LINKED: Final = 1
FETCHED: Final = 2  # was read at least once
ACTIVE: Final = 4  # was read at least twice, and since the LRU looked last
STALE: Final = 8  # marked by md I or ms I: to be fetched anew
TOKEN_SENT: Final = 16  # one client has been told that it is to fetch it
BINARY_KEY: Final = 32  # clients know the key in base64

HOT: Final = 0
WARM: Final = 64
COLD: Final = 128
TEMP: Final = 192
"""The LRU lists of a slab class; added to its number they make the item's ``slot``."""

HEADER_BYTES: Final = 48
CHUNK_HEADER_BYTES: Final = 40
CAS_BYTES: Final = 8
FLAGS_BYTES: Final = 4
"""Sizes of memcached's structures on a 64-bit machine, by which its memory limit counts."""


@final
class Item:
    """A key and its value. Times are seconds since the server's start, 0 is never."""

    def __init__(self, key: bytes, value: bytes, flags: i64, exptime: i64) -> None:
        self.key = key
        self.value = value
        self.newer: Item | None = None  # neighbours in the LRU list
        self.older: Item | None = None
        self.cas = 0  # of 64 bits, unsigned
        self.flags: i64 = flags
        self.exptime: i64 = exptime
        self.time: i64 = 0  # of the last access, as far as the LRU needs it
        self.bits: i64 = 0
        self.slot: i64 = 0  # slab class + LRU list
        self.chunks: i64 = (
            0  # of an item in chunks: the classes of its header and of its last chunk; 0 for one in a piece
        )

    def total_bytes(self, use_cas: bool) -> i64:
        """What memcached's accounts have for it."""
        size: i64 = HEADER_BYTES + len(self.key) + 1 + len(self.value) + 2
        if self.flags != 0:
            size += FLAGS_BYTES
        return size + CAS_BYTES if use_cas else size


def class_of(slot: i64) -> i64:
    """The slab class in a slot."""
    return slot & 63


def lru_of(slot: i64) -> i64:
    """The LRU list in a slot."""
    return slot & 192
