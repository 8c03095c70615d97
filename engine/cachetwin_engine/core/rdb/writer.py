"""Values to RDB bytes, each in the form that the profile's engine would choose for its encoding."""

from typing import Final

from librt.strings import BytesWriter, write_f64_le, write_i16_le, write_i32_be, write_i32_le, write_i64_le
from mypy_extensions import i16, i32, i64

from cachetwin_engine.core.keyspace.value import Value
from cachetwin_engine.core.text.numbers import integer_or_none
from cachetwin_engine.core.types.hashes.hash import HashValue
from cachetwin_engine.core.types.list import ListValue
from cachetwin_engine.core.types.listpack import LISTPACK_HEAD_BYTES, entry_bytes
from cachetwin_engine.core.types.member_table import HASHTABLE, INTSET
from cachetwin_engine.core.types.set import SetValue
from cachetwin_engine.core.types.sorted_sets.sorted_set import SortedSet
from cachetwin_engine.core.types.streams.entry import SEQ_MASK, id_of
from cachetwin_engine.core.types.streams.group import Group, PendingList
from cachetwin_engine.core.types.streams.stream import Stream
from cachetwin_engine.core.types.string import RawString

from . import lzf
from .kinds import (
    HASH,
    HASH_2,
    HASH_LISTPACK,
    LIST,
    LIST_QUICKLIST_2,
    NODE_PACKED,
    NODE_PLAIN,
    SET,
    SET_INTSET,
    SET_LISTPACK,
    STREAM,
    STREAM_2,
    STREAM_3,
    STRING,
    ZSET_2,
    ZSET_LISTPACK,
)
from .packed import intset, listpack
from .stream_nodes import stream_node

NODE_BYTES_MAX: Final = 8192
COMPRESSED_FROM: Final = 21  # bytes; shorter strings can't gain (rdb.c)
_LISTPACKS_FROM: Final = 10  # before, small collections were ziplists; every version reads the plain forms
_INTEGER_BYTES_MAX: Final = 11  # of a string that may be written as an integer


class RdbWriter:
    """Collects the bytes of a file or a dump."""

    def __init__(self, version: int, compresses: bool) -> None:
        self.version = version
        self.compresses = compresses
        self._out = BytesWriter()
        self._key: bytes | None = None

    def data(self) -> bytes:
        """All that was written since ``flushed``."""
        return self._out.getvalue()

    def size(self) -> int:
        """How many bytes were written since ``flushed``."""
        return len(self._out)

    def flushed(self) -> bytes:
        """What was written since the last time."""
        data = self._out.getvalue()
        self._out = BytesWriter()
        return data

    def raw(self, data: bytes) -> None:
        """``data`` as it is."""
        self._out.write(data)

    # -- lengths and strings ------------------------------------------------------------------------------------------

    def length(self, size: int) -> None:
        """A length: 6, 14, 32 or 64 bits."""
        out = self._out
        if size < 1 << 6:
            out.append(size)
        elif size < 1 << 14:
            out.append(0x40 | size >> 8)
            out.append(size & 0xFF)
        elif size < 1 << 31:
            out.append(0x80)
            write_i32_be(out, i32(size))
        else:
            self._long_length(size)

    def _long_length(self, size: int) -> None:
        if size < 1 << 32:
            self._out.write(b"\x80" + size.to_bytes(4, "big"))
        else:
            self._out.write(b"\x81" + size.to_bytes(8, "big"))

    def string(self, text: bytes) -> None:
        """A string: as an integer, compressed, or as it is."""
        size = len(text)
        if size <= _INTEGER_BYTES_MAX:
            value = integer_or_none(text)
            if value is not None and -(2**31) <= value < 2**31:
                self._integer(value)
                return
        elif self.compresses and size >= COMPRESSED_FROM:
            shorter = lzf.compress(text)
            if shorter is not None:
                self.compressed_head(len(shorter), size)
                self._out.write(shorter)
                return
        self.length(size)
        self._out.write(text)

    def compressed_head(self, packed_size: int, size: int) -> None:
        """What stands before the compressed form of a string of ``size`` bytes."""
        self._out.append(0xC3)
        self.length(packed_size)
        self.length(size)

    def _integer(self, value: i64) -> None:
        """A string that spells an integer of at most 32 bits."""
        out = self._out
        if -128 <= value < 128:
            out.append(0xC0)
            out.append(int(value & 0xFF))
        elif -32768 <= value < 32768:
            out.append(0xC1)
            write_i16_le(out, i16(value))
        else:
            out.append(0xC2)
            write_i32_le(out, i32(value))

    def time_ms(self, at_ms: int) -> None:
        """Unix time in ms, or -1."""
        write_i64_le(self._out, at_ms)

    # -- values -------------------------------------------------------------------------------------------------------

    def entry(self, key: bytes, value: object) -> None:
        """Write kind, key and value, as a file has them."""
        self._key = key
        self.value(value)
        self._key = None

    def value(self, value: object) -> None:
        """The kind of a value, and the value."""
        if isinstance(value, bytes):
            self._value_kind(STRING)
            self.string(value)
        elif isinstance(value, RawString):
            self._value_kind(STRING)
            self.string(bytes(value.data))
        elif isinstance(value, ListValue):
            self._list(value)
        elif isinstance(value, SetValue):
            self._set(value)
        elif isinstance(value, HashValue):
            self._hash(value)
        elif isinstance(value, SortedSet):
            self._sorted_set(value)
        elif isinstance(value, Stream):
            self._stream(value)
        else:
            raise TypeError(value.kind().decode() if isinstance(value, Value) else "not a value")

    def kind(self, code: int) -> None:
        """Write one byte that names what follows."""
        self._out.append(code)

    def _value_kind(self, code: int) -> None:
        """The kind of a value; in a file the key stands behind it."""
        self._out.append(code)
        if self._key is not None:
            self.string(self._key)

    def _list(self, value: ListValue) -> None:
        if self.version < _LISTPACKS_FROM:
            self._value_kind(LIST)
            self.length(value.length())
            for element in value.elements():
                self.string(element)
            return
        self._value_kind(LIST_QUICKLIST_2)
        nodes: list[list[bytes]] = []
        size = NODE_BYTES_MAX + 1
        for element in value.elements():
            added = entry_bytes(element)
            if size + added > NODE_BYTES_MAX:
                nodes.append([])
                size = LISTPACK_HEAD_BYTES
            nodes[-1].append(element)
            size += added
        self.length(len(nodes))
        for node in nodes:
            plain = len(node) == 1 and len(node[0]) > NODE_BYTES_MAX
            self.length(NODE_PLAIN if plain else NODE_PACKED)
            self.string(node[0] if plain else listpack(node))

    def _set(self, value: SetValue) -> None:
        members = value.members()
        if value.form == INTSET:
            self._value_kind(SET_INTSET)
            self.string(intset(members))
        elif value.form != HASHTABLE and self.version >= 11:
            self._value_kind(SET_LISTPACK)
            self.string(listpack(members))
        else:
            self._value_kind(SET)
            self.length(len(members))
            for member in members:
                self.string(member)

    def _hash(self, value: HashValue) -> None:
        if value.packed and self.version >= _LISTPACKS_FROM:
            self._value_kind(HASH_LISTPACK)
            self.string(listpack(value.flat()))
            return
        expiries = dict(value.expiries()) if self.version >= 80 else {}
        self._value_kind(HASH_2 if expiries else HASH)
        self.length(value.length())
        if not value.volatile:
            for item in value.flat():
                self.string(item)
            return
        for field, text in value.pairs():
            self.string(field)
            self.string(text)
            if expiries:
                self.time_ms(expiries.get(field, -1))

    def _sorted_set(self, value: SortedSet) -> None:
        members, scores = value.range(0, len(value))
        if value.packed and self.version >= _LISTPACKS_FROM:
            items: list[bytes] = []
            for member, score in zip(members, scores, strict=True):
                items.append(member)
                items.append(packed_score(score))
            self._value_kind(ZSET_LISTPACK)
            self.string(listpack(items))
            return
        self._value_kind(ZSET_2)
        self.length(len(members))
        for at in range(len(members) - 1, -1, -1):  # the greatest first, as Valkey writes its skiplist
            self.scored(members[at], scores[at])

    def scored(self, member: bytes, score: float) -> None:
        """A member of a sorted set, and its score."""
        self.string(member)
        write_f64_le(self._out, score)

    # -- streams ------------------------------------------------------------------------------------------------------

    def _stream(self, value: Stream) -> None:
        self._value_kind(self.stream_kind())
        nodes = [leaf.entries for leaf in value.leaves if leaf.entries]
        self.length(len(nodes))
        for entries in nodes:
            self.stream_leaf(entries)
        self.stream_tail(value)

    def stream_kind(self) -> int:
        """The kind of a stream in this version."""
        return STREAM_3 if self.version >= 11 else STREAM_2 if self.version >= _LISTPACKS_FROM else STREAM

    def stream_leaf(self, entries: list[bytes]) -> None:
        """Neighbouring entries of a stream."""
        self.string(id_of(entries[0]).to_bytes(16, "big"))
        self.string(stream_node(entries))

    def stream_tail(self, value: Stream) -> None:
        """What stands behind the entries of a stream."""
        self.length(value.length)
        self._id(value.last_id)
        if self.version >= _LISTPACKS_FROM:
            self._id(value.first_id)
            self._id(value.max_deleted_id)
            self.length(value.entries_added)
        self.length(len(value.groups))
        for group in value.groups.values():
            self._group(group)

    def _id(self, entry_id: int) -> None:
        self.length(entry_id >> 64)
        self.length(entry_id & SEQ_MASK)

    def _group(self, group: Group) -> None:
        self.string(group.name)
        self._id(group.last_id)
        if self.version >= _LISTPACKS_FROM:
            self.length(group.entries_read & SEQ_MASK)
        self._pending(group.pending, with_history=True)
        self.length(len(group.consumers))
        for consumer in group.consumers.values():
            self.string(consumer.name)
            self.time_ms(consumer.seen_ms)
            if self.version >= 11:
                self.time_ms(consumer.active_ms)
            self._pending(consumer.pending, with_history=False)

    def _pending(self, pending: PendingList, with_history: bool) -> None:
        self.length(len(pending.entries))
        for entry_id in sorted(pending.entries):
            self._out.write(entry_id.to_bytes(16, "big"))
            if with_history:
                entry = pending.entries[entry_id]
                self.time_ms(entry.delivered_ms)
                self.length(entry.deliveries)


def packed_score(score: float) -> bytes:
    """A score as a listpack holds it: an integer if it is one, else its shortest digits."""
    if -(2**53) < score < 2**53 and score == int(score):
        return b"%d" % int(score)
    return repr(score).encode()
