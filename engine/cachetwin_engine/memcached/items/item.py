"""One item: a key with its value, what LRU lists need of it, and what clients are told of it."""

from typing import Final, final

from mypy_extensions import i16, i32, i64, mypyc_attr, u8

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
@mypyc_attr(acyclic=True)
class Item:
    """A key and its value. Times are seconds since the server's start, 0 is never.

    The fields are as narrow as what they hold: a node may have many millions of items. Neighbours in a list refer to each
    other, which the garbage collector never has to find out, because ``Lru.unlink`` ends it.
    """

    def __init__(self, key: bytes, value: bytes, flags: i64, exptime: i64) -> None:
        self.key = key
        self.value = value
        self.newer: Item | None = None  # neighbours in the LRU list
        self.older: Item | None = None
        self.cas = 0  # of 64 bits, unsigned
        self._flags: i32 = i32(flags)
        self._exptime: i32 = i32(exptime)
        self._time: i32 = 0
        self._chunks: i16 = 0
        self._bits: u8 = 0
        self._slot: u8 = 0

    @property
    def flags(self) -> i64:
        """What the client stored with the value; 32 bits, unsigned."""
        return i64(self._flags) & 0xFFFFFFFF

    @property
    def exptime(self) -> i64:
        """When it expires."""
        return i64(self._exptime)

    @exptime.setter
    def exptime(self, seconds: i64) -> None:
        self._exptime = i32(seconds)

    @property
    def time(self) -> i64:
        """Of the last access, as far as the LRU needs it."""
        return i64(self._time)

    @time.setter
    def time(self, seconds: i64) -> None:
        self._time = i32(seconds)

    @property
    def bits(self) -> i64:
        """``LINKED`` and the others."""
        return i64(self._bits)

    @bits.setter
    def bits(self, bits: i64) -> None:
        self._bits = u8(bits)

    @property
    def slot(self) -> i64:
        """Slab class and LRU list."""
        return i64(self._slot)

    @slot.setter
    def slot(self, slot: i64) -> None:
        self._slot = u8(slot)

    @property
    def chunks(self) -> i64:
        """Of an item in chunks: the classes of its header and of its last chunk; 0 for one in a piece."""
        return i64(self._chunks)

    @chunks.setter
    def chunks(self, classes: i64) -> None:
        self._chunks = i16(classes)

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
