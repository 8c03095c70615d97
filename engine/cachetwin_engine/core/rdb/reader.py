"""RDB bytes to values, of every version since the first that ElastiCache ran.

Bytes come from outside: readers raise ``BadData`` for whatever is wrong with them. Collections get the form that the
current parameters ask for, not the one they were saved in.
"""

from typing import Final

from librt.strings import read_f64_le, read_i16_le, read_i32_be, read_i32_le, read_i64_be, read_i64_le
from mypy_extensions import i64

from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.text.numbers import float_or_none
from cachetwin_engine.core.types.hashes.hash import HashValue
from cachetwin_engine.core.types.list import ListValue
from cachetwin_engine.core.types.member_table import INTSET, LISTPACK
from cachetwin_engine.core.types.set import SetValue
from cachetwin_engine.core.types.sorted_sets.sorted_set import SortedSet, sorted_set_of
from cachetwin_engine.core.types.streams.entry import SEQ_MASK
from cachetwin_engine.core.types.streams.group import UNKNOWN, Consumer, Group, Pending
from cachetwin_engine.core.types.streams.stream import Stream

from . import kinds, lzf
from .packed import (
    BadData,
    EmptyValue,
    intset_members,
    listpack_elements,
    ziplist_elements,
    zipmap_elements,
)
from .stream_nodes import node_entries

_INTEGER_8: Final = 0
_INTEGER_16: Final = 1
_INTEGER_32: Final = 2
_COMPRESSED: Final = 3
_SPECIAL: Final = -64  # and below: not a length but one of the above, this much lower
_LENGTH_MAX: Final = 2**62

_PACKED: Final[dict[int, str]] = {
    kinds.HASH_ZIPMAP: "Zipmap",
    kinds.LIST_ZIPLIST: "List ziplist",
    kinds.SET_INTSET: "Intset",
    kinds.ZSET_ZIPLIST: "Zset ziplist",
    kinds.HASH_ZIPLIST: "Hash ziplist",
    kinds.LIST_QUICKLIST: "Ziplist",
    kinds.STREAM: "Stream listpack",
    kinds.HASH_LISTPACK: "Hash listpack",
    kinds.ZSET_LISTPACK: "Zset listpack",
    kinds.LIST_QUICKLIST_2: "Listpack",
    kinds.STREAM_2: "Stream listpack",
    kinds.SET_LISTPACK: "Set listpack",
    kinds.STREAM_3: "Stream listpack",
}
"""The name of a form in the log line about a damaged value, in Valkey's words."""


class RdbReader:
    """Reads on from ``at``."""

    def __init__(self, data: bytes, config: Config) -> None:
        self.data = data
        self.config = config
        self.at: i64 = 0

    # -- lengths and strings ------------------------------------------------------------------------------------------

    def take(self, size: i64) -> bytes:
        """The next ``size`` bytes. Raises BadData."""
        at = self.at
        if size < 0 or at + size > len(self.data):
            raise BadData("the data ends early")
        self.at = at + size
        return self.data[at : at + size]

    def _skip(self, size: i64) -> i64:
        """Step over the next ``size`` bytes, which are there: where they begin. Raises BadData."""
        at = self.at
        if at + size > len(self.data):
            raise BadData("the data ends early")
        self.at = at + size
        return at

    def byte(self) -> int:
        """The next byte. Raises BadData."""
        return self.data[self._skip(1)]

    def length(self) -> int:
        """A plain length. Raises BadData."""
        size = self._length()
        if size < 0:
            raise BadData("a special encoding in place of a length")
        return int(size) if size < _LENGTH_MAX else int.from_bytes(self.data[self.at - 8 : self.at], "big")

    def _length(self) -> i64:
        """A length, cut to ``_LENGTH_MAX``; ``_SPECIAL`` and less: in place of it the encoding of a string."""
        data = self.data
        first: i64 = data[self._skip(1)]
        kind = first >> 6
        if kind == 0:
            return first
        if kind == 1:
            low: i64 = data[self._skip(1)]
            return (first & 0x3F) << 8 | low
        if kind == 3:
            return _SPECIAL - (first & 0x3F)
        if first == 0x80:
            return i64(read_i32_be(data, self._skip(4))) & 0xFFFFFFFF
        if first == 0x81:
            size = read_i64_be(data, self._skip(8))
            return _LENGTH_MAX if size < 0 or size > _LENGTH_MAX else size
        raise BadData("no such length")

    def string(self) -> bytes:
        """A string in any of its forms. Raises BadData."""
        size = self._length()
        if size >= 0:
            return self.take(size)
        form = _SPECIAL - size
        if form == _INTEGER_8:
            value: i64 = self.data[self._skip(1)]
            return b"%d" % (value - 256 if value >= 128 else value)
        if form == _INTEGER_16:
            return b"%d" % i64(read_i16_le(self.data, self._skip(2)))
        if form == _INTEGER_32:
            return b"%d" % i64(read_i32_le(self.data, self._skip(4)))
        if form != _COMPRESSED:
            raise BadData("no such encoding of a string")
        packed_size = self.length()
        full_size = self.length()
        if full_size > self.config.clients.proto_max_bulk_len:
            raise BadData("a string that is too long")
        return lzf.decompress(self.take(min(packed_size, _LENGTH_MAX)), full_size)

    def time_ms(self) -> int:
        """Unix time in ms, or -1. Raises BadData."""
        return read_i64_le(self.data, self._skip(8))

    def _score(self) -> float:
        """A score as text, with codes for what has no digits. Raises BadData."""
        size = self.byte()
        if size >= 253:
            return (float("nan"), float("inf"), float("-inf"))[size - 253]
        return _number(self.take(size))

    # -- values -------------------------------------------------------------------------------------------------------

    def value(self, kind: int) -> object:
        """A value of ``kind``. Raises BadData, in particular EmptyValue."""
        if kind == kinds.STRING:
            return self.string()
        try:
            return self._value(kind)
        except EmptyValue:
            raise
        except BadData as problem:
            raise BadData(
                f"{_PACKED[kind]} integrity check failed: {problem}" if kind in _PACKED else str(problem)
            ) from None

    def _value(self, kind: int) -> object:
        if kind in {kinds.LIST, kinds.LIST_ZIPLIST, kinds.LIST_QUICKLIST, kinds.LIST_QUICKLIST_2}:
            return self._list(kind)
        if kind in {kinds.SET, kinds.SET_INTSET, kinds.SET_LISTPACK}:
            return self._set(kind)
        if kind in {kinds.ZSET, kinds.ZSET_2, kinds.ZSET_ZIPLIST, kinds.ZSET_LISTPACK}:
            return self._sorted_set(kind)
        if kind in {kinds.HASH, kinds.HASH_2, kinds.HASH_ZIPMAP, kinds.HASH_ZIPLIST, kinds.HASH_LISTPACK}:
            return self._hash(kind)
        if kind in {kinds.STREAM, kinds.STREAM_2, kinds.STREAM_3}:
            return self._stream(kind)
        raise BadData("no such kind of value")

    def _strings(self, count: int) -> list[bytes]:
        if count > len(self.data):
            raise BadData("more elements than bytes")
        return [self.string() for _ in range(count)]

    def _list(self, kind: int) -> ListValue:
        elements: list[bytes] = []
        if kind == kinds.LIST:
            elements = self._strings(self.length())
        elif kind == kinds.LIST_ZIPLIST:
            elements = ziplist_elements(self.string())
        else:
            for _ in range(self.length()):
                container = self.length() if kind == kinds.LIST_QUICKLIST_2 else kinds.NODE_PACKED
                blob = self.string()
                if container == kinds.NODE_PLAIN:
                    if not blob:
                        raise EmptyValue("an element of no bytes in a node of its own")
                    elements.append(blob)
                elif container != kinds.NODE_PACKED:
                    raise BadData("no such node of a list")
                else:
                    elements += listpack_elements(blob) if kind == kinds.LIST_QUICKLIST_2 else ziplist_elements(blob)
        if not elements:
            raise EmptyValue("an empty list")
        return ListValue.of(elements, self.config.encodings.list_max_listpack_size)

    def _set(self, kind: int) -> SetValue:
        if kind == kinds.SET:
            members = self._strings(self.length())
        elif kind == kinds.SET_INTSET:
            members = intset_members(self.string())
        else:
            members = listpack_elements(self.string())
        # A listpack of integers stays one: the second dump is the first.
        value = SetValue.of(members, self.config, LISTPACK if kind == kinds.SET_LISTPACK else INTSET)
        if not members:
            raise EmptyValue("an empty set")
        if value.length() != len(members):
            raise BadData("a set with a member twice")
        return value

    def _hash(self, kind: int) -> HashValue:
        expiries: list[int] = []
        if kind == kinds.HASH_ZIPMAP:
            items = zipmap_elements(self.string())
        elif kind == kinds.HASH_ZIPLIST:
            items = ziplist_elements(self.string())
        elif kind == kinds.HASH_LISTPACK:
            items = listpack_elements(self.string())
        else:
            items = []
            for _ in range(self.length()):
                items += [self.string(), self.string()]
                if kind == kinds.HASH_2:
                    expiries.append(self.time_ms())
        value = HashValue()
        for at in range(0, len(items) - 1, 2):
            value.set(items[at], items[at + 1], self.config)
        if not items:
            raise EmptyValue("an empty hash")
        if value.length() * 2 != len(items):
            raise BadData("a hash with a field twice, or without a value")
        for place, at_ms in enumerate(expiries):
            if at_ms >= 0:
                value.expire_at(items[2 * place], at_ms)
        return value

    def _sorted_set(self, kind: int) -> SortedSet:
        scores: dict[bytes, float] = {}
        count = 0
        if kind in {kinds.ZSET_ZIPLIST, kinds.ZSET_LISTPACK}:
            blob = self.string()
            items = ziplist_elements(blob) if kind == kinds.ZSET_ZIPLIST else listpack_elements(blob)
            count = (len(items) + 1) // 2
            for at in range(0, len(items) - 1, 2):
                scores[items[at]] = _number(items[at + 1])
        else:
            count = self.length()
            for _ in range(count):
                member = self.string()
                score = read_f64_le(self.data, self._skip(8)) if kind == kinds.ZSET_2 else self._score()
                scores[member] = score
        if not count:
            raise EmptyValue("an empty sorted set")
        if len(scores) != count:
            raise BadData("a sorted set with a member twice, or without a score")
        longest = 0
        for member, score in scores.items():
            longest = max(longest, len(member))
            if score != score:  # noqa: PLR0124  (the test for NaN)
                raise BadData("a score that is not a number")
        packed = (
            count <= self.config.encodings.zset_max_listpack_entries
            and longest <= self.config.encodings.zset_max_listpack_value
        )
        return sorted_set_of(scores, packed)

    # -- streams ------------------------------------------------------------------------------------------------------

    def _stream(self, kind: int) -> Stream:
        value = Stream()
        for _ in range(self.length()):
            base = int.from_bytes(self._id_string(), "big")
            for entry_id, items in node_entries(base, self.string()):
                if entry_id <= value.last_id and value.length:
                    raise BadData("entries out of order")
                value.append(
                    entry_id,
                    items,
                    self.config.encodings.stream_node_max_bytes,
                    self.config.encodings.stream_node_max_entries,
                )
        if self.length() != value.length:
            raise BadData("a stream of another length than it says")
        value.entries_added = value.length
        value.last_id = self._id()
        if kind != kinds.STREAM:
            value.first_id = self._id()
            value.max_deleted_id = self._id()
            value.entries_added = self.length()
        for _ in range(self.length()):
            group = self._group(kind, value)
            value.groups[group.name] = group
        return value

    def _id_string(self) -> bytes:
        text = self.string()
        if len(text) != 16:
            raise BadData("an ID of another size")
        return text

    def _id(self) -> int:
        ms = self.length()
        return ms << 64 | self.length()

    def _group(self, kind: int, stream: Stream) -> Group:
        name = self.string()
        group = Group(name, self._id(), UNKNOWN)
        if name in stream.groups:
            raise BadData("a group twice")
        if kind != kinds.STREAM:
            entries_read = self.length()
            group.entries_read = UNKNOWN if entries_read == SEQ_MASK else entries_read
        else:  # from before groups counted
            group.entries_read = stream.count_up_to(group.last_id, forgets=False)
        history: dict[int, tuple[int, int]] = {}
        for _ in range(self.length()):
            entry_id = int.from_bytes(self.take(16), "big")
            delivered_ms = self.time_ms()
            history[entry_id] = (delivered_ms, self.length())
        for _ in range(self.length()):
            consumer = Consumer(self.string(), self.time_ms())
            if consumer.name in group.consumers:
                raise BadData("Duplicate stream consumer detected")
            consumer.active_ms = self.time_ms() if kind == kinds.STREAM_3 else consumer.seen_ms
            group.consumers[consumer.name] = consumer
            for _ in range(self.length()):
                entry_id = int.from_bytes(self.take(16), "big")
                if entry_id not in history or entry_id in group.pending.entries:
                    raise BadData("a pending entry that nobody was given, or two were")
                delivered_ms, deliveries = history[entry_id]
                pending = Pending(consumer, delivered_ms, deliveries)
                group.pending.add(entry_id, pending)
                consumer.pending.add(entry_id, pending)
        if len(group.pending.entries) != len(history):
            raise BadData("a pending entry that nobody has")
        return group


def _number(text: bytes) -> float:
    value = float_or_none(text)
    if value is None:
        raise BadData("a score that is not a number")
    return value
