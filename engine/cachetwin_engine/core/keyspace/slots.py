"""Cluster slots: CRC16 (XMODEM: polynomial 0x1021, from 0) of the key, or of its hash tag, modulo 16384.

The standard library has it in C; a loop over the ten bytes of a key took some 1.5 us in the compiled test build.
"""

from binascii import crc_hqx
from typing import Final

from .key_index import KeyIndex

SLOT_COUNT: Final = 16384


def slot_of(key: bytes) -> int:
    """The slot of ``key``; if it has a non-empty part in braces, only the first such part counts."""
    opening = key.find(b"{")
    if opening >= 0:
        closing = key.find(b"}", opening + 1)
        if closing > opening + 1:
            key = key[opening + 1 : closing]
    return crc_hqx(key, 0) % SLOT_COUNT


def slot_of_pattern(pattern: bytes) -> int:
    """The slot of all keys that match the glob ``pattern``, -1 if they may be in several."""
    opening = -1
    for at, byte in enumerate(pattern):
        if byte in b"*?[\\":
            return -1
        if byte == 0x7B and opening == -1:
            opening = at
        elif byte == 0x7D and opening >= 0:
            if at > opening + 1:
                return slot_of(pattern[: at + 1])
            opening = -2  # an empty tag: the whole key counts
    return slot_of(pattern)


_TAG_ALPHABET: Final = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TAGS: Final[dict[int, bytes]] = {}  # filled when first asked for: a node that never scans pays nothing


def tag_of_slot(slot: int) -> bytes:
    """The hash tag that stands for ``slot`` in a cursor: the first of the shortest letters and digits that lie there."""
    if not _TAGS:
        _fill_tags()
    return _TAGS[slot]


def _fill_tags() -> None:
    names = [b""]
    while len(_TAGS) < SLOT_COUNT:  # three characters are enough
        longer: list[bytes] = []
        for name in names:
            for byte in _TAG_ALPHABET:
                tag = name + bytes([byte])
                longer.append(tag)
                _TAGS.setdefault(slot_of(tag), tag)
        names = longer


class SlotKeys:
    """The keys of a database by slot, kept only in cluster mode."""

    def __init__(self, keys: list[bytes]) -> None:
        self._keys: dict[int, KeyIndex] = {}
        for key in keys:
            self.add(key)

    def add(self, key: bytes) -> None:
        """Add ``key``, which must not be present."""
        slot = slot_of(key)
        keys = self._keys.get(slot)
        if keys is None:
            keys = KeyIndex()
            self._keys[slot] = keys
        keys.add(key)

    def remove(self, key: bytes) -> None:
        """Remove ``key``, which must be present."""
        slot = slot_of(key)
        keys = self._keys[slot]
        keys.remove(key)
        if len(keys) == 0:
            del self._keys[slot]

    def take_apart(self) -> list[object]:
        """Forget all keys; the containers of them, for ``Trash``."""
        containers: list[object] = []
        for keys in self._keys.values():
            containers += keys.take_apart()
        self._keys = {}
        return containers

    def count(self, slot: int) -> int:
        """How many keys ``slot`` has."""
        keys = self._keys.get(slot)
        return 0 if keys is None else len(keys)

    def first(self, slot: int, count: int) -> list[bytes]:
        """Up to ``count`` keys of ``slot``."""
        return self.scan(slot, 0, count)[1][:count]

    def scan(self, slot: int, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """Walk ``slot`` from ``cursor`` on until about ``count`` keys are found: (next cursor, 0 at the end; keys)."""
        keys = self._keys.get(slot)
        return (0, []) if keys is None else keys.scan(cursor, count)
