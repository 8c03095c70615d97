"""A large value in a file, written a few elements or a piece at a time while clients are served.

Whoever writes it has to finish it before the value changes. A list has no nodes here (kind ``LIST``), because their
number would have to be known before the first is written; every version reads that form.
"""

from typing import Final

from cachetwin_engine.core.types.hashes.hash import HashValue
from cachetwin_engine.core.types.list import ListValue
from cachetwin_engine.core.types.member_table import HASHTABLE
from cachetwin_engine.core.types.set import SetValue
from cachetwin_engine.core.types.sorted_sets.sorted_set import SortedSet
from cachetwin_engine.core.types.streams.stream import Stream
from cachetwin_engine.core.types.string import RawString

from . import kinds, lzf
from .writer import RdbWriter

LONG_FROM: Final = 4096  # elements: some ms of work
LONG_STRING_FROM: Final = 1 << 20  # bytes: 13 ms of work where they can be compressed
BYTES_PER_STEP: Final = 1 << 16
ELEMENTS_PER_STEP: Final = 256
LEAVES_PER_STEP: Final = 4  # of a stream, each with a hundred entries or so


def is_long(value: object) -> bool:
    """Whether ``value`` is worth to be written in several steps."""
    if isinstance(value, bytes):
        return len(value) >= LONG_STRING_FROM
    if isinstance(value, RawString):
        return len(value.data) >= LONG_STRING_FROM
    if isinstance(value, ListValue):
        return value.length() >= LONG_FROM
    if isinstance(value, SetValue):
        return value.form == HASHTABLE and value.length() >= LONG_FROM
    if isinstance(value, HashValue):
        return not value.packed and not value.volatile and value.length() >= LONG_FROM
    if isinstance(value, SortedSet):
        return not value.packed and len(value) >= LONG_FROM
    return isinstance(value, Stream) and value.length >= LONG_FROM


class LongEntry:
    """The entry of one key. The constructor writes its beginning, ``work`` the rest."""

    def __init__(self, writer: RdbWriter, key: bytes, value: object) -> None:
        self.key = key
        self._writer = writer
        self._value = value
        self._at = 0  # elements or bytes written, or the cursor of a scan
        self._text = b""  # what is left to be written from ``_at`` on: of a string
        self._compression: lzf.Compression | None = None  # of the string, before anything of it is written
        if isinstance(value, bytes):
            self._begin_string(value)
        elif isinstance(value, RawString):
            self._begin_string(bytes(value.data))
        elif isinstance(value, ListValue):
            self._begin(kinds.LIST, value.length())
        elif isinstance(value, SetValue):
            self._begin(kinds.SET, value.length())
        elif isinstance(value, HashValue):
            self._begin(kinds.HASH, value.length())
        elif isinstance(value, SortedSet):
            self._begin(kinds.ZSET_2, len(value))
        elif isinstance(value, Stream):
            self._leaves = [leaf.entries for leaf in value.leaves if leaf.entries]
            self._begin(writer.stream_kind(), len(self._leaves))

    def _begin(self, kind: int, length: int) -> None:
        self._writer.kind(kind)
        self._writer.string(self.key)
        self._writer.length(length)

    def _begin_string(self, text: bytes) -> None:
        self._writer.kind(kinds.STRING)
        self._writer.string(self.key)
        self._text = text
        if self._writer.compresses:
            self._compression = lzf.Compression(text)
        else:
            self._writer.length(len(text))

    def _string(self) -> bool:
        writer = self._writer
        compression = self._compression
        if compression is not None:
            if compression.work(BYTES_PER_STEP):
                self._compression = None
                shorter = compression.result
                if shorter is None:
                    writer.length(len(self._text))
                else:
                    writer.compressed_head(len(shorter), len(self._text))
                    self._text = shorter
            return False
        end = self._at + BYTES_PER_STEP
        writer.raw(self._text[self._at : end])
        self._at = end
        return end >= len(self._text)

    def work(self) -> bool:
        """Write a little more; True at the end."""
        value = self._value
        writer = self._writer
        if isinstance(value, (bytes, RawString)):
            return self._string()
        if isinstance(value, ListValue):
            elements = value.between(self._at, self._at + ELEMENTS_PER_STEP - 1)
            for element in elements:
                writer.string(element)
            self._at += len(elements)
            return self._at >= value.length()
        if isinstance(value, SortedSet):
            return self._sorted_set(value)
        if isinstance(value, Stream):
            return self._stream(value)
        found: list[bytes] = []
        if isinstance(value, SetValue):
            self._at, found = value.scan(self._at, ELEMENTS_PER_STEP)
            for member in found:
                writer.string(member)
        elif isinstance(value, HashValue):
            self._at, found = value.scan(self._at, ELEMENTS_PER_STEP)
            for item in value.with_values(found):
                writer.string(item)
        return self._at == 0

    def _sorted_set(self, value: SortedSet) -> bool:
        end = len(value) - self._at
        start = max(0, end - ELEMENTS_PER_STEP)
        members, scores = value.range(start, end)
        for at in range(len(members) - 1, -1, -1):  # the greatest first
            self._writer.scored(members[at], scores[at])
        self._at += len(members)
        return start == 0

    def _stream(self, value: Stream) -> bool:
        for entries in self._leaves[self._at : self._at + LEAVES_PER_STEP]:
            self._writer.stream_leaf(entries)
        self._at += LEAVES_PER_STEP
        if self._at < len(self._leaves):
            return False
        self._writer.stream_tail(value)
        return True
