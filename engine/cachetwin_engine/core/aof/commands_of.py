"""The commands that make a key: what a base file holds with ``aof-use-rdb-preamble no``."""

from collections.abc import Iterable
from typing import Final

from cachetwin_engine.core.keyspace.value import Value
from cachetwin_engine.core.rdb.writer import packed_score
from cachetwin_engine.core.replication.history import encoded
from cachetwin_engine.core.types.hashes.hash import HashValue
from cachetwin_engine.core.types.list import ListValue
from cachetwin_engine.core.types.set import SetValue
from cachetwin_engine.core.types.sorted_sets.sorted_set import SortedSet
from cachetwin_engine.core.types.streams.entry import SEQ_MASK, id_of, items_of
from cachetwin_engine.core.types.streams.group import Group
from cachetwin_engine.core.types.streams.stream import Stream
from cachetwin_engine.core.types.string import RawString

ITEMS_PER_COMMAND: Final = 64  # server.h, AOF_REWRITE_ITEMS_PER_CMD


def commands_of(key: bytes, value: object, expires_at_ms: int) -> list[bytes]:
    """The commands, as they go over the wire. ``expires_at_ms`` is -1 for a key that does not expire."""
    found: list[bytes] = []
    if isinstance(value, bytes):
        found.append(encoded([b"SET", key, value]))
    elif isinstance(value, RawString):
        found.append(encoded([b"SET", key, bytes(value.data)]))
    elif isinstance(value, ListValue):
        _in_parts(found, [b"RPUSH", key], value.elements(), ITEMS_PER_COMMAND)
    elif isinstance(value, SetValue):
        _in_parts(found, [b"SADD", key], value.members(), ITEMS_PER_COMMAND)
    elif isinstance(value, HashValue):
        _in_parts(found, [b"HMSET", key], value.flat(), 2 * ITEMS_PER_COMMAND)
        for field, at_ms in value.expiries():
            found.append(encoded([b"HPEXPIREAT", key, b"%d" % at_ms, b"FIELDS", b"1", field]))
    elif isinstance(value, SortedSet):
        members, scores = value.range(0, len(value))
        items: list[bytes] = []
        for member, score in zip(members, scores, strict=True):
            items += [packed_score(score), member]
        _in_parts(found, [b"ZADD", key], items, 2 * ITEMS_PER_COMMAND)
    elif isinstance(value, Stream):
        _stream(found, key, value)
    else:
        raise TypeError(value.kind().decode() if isinstance(value, Value) else "not a value")
    if expires_at_ms >= 0:
        found.append(encoded([b"PEXPIREAT", key, b"%d" % expires_at_ms]))
    return found


def _in_parts(found: list[bytes], head: list[bytes], items: list[bytes], count: int) -> None:
    for at in range(0, len(items), count):
        found.append(encoded(head + items[at : at + count]))


def _stream(found: list[bytes], key: bytes, stream: Stream) -> None:
    for leaf in stream.leaves:
        for entry in leaf.entries:
            found.append(encoded([b"XADD", key, _id(id_of(entry)), *items_of(entry)]))
    if not stream.length:  # a stream without entries: add one and trim it away
        found.append(encoded([b"XADD", key, b"MAXLEN", b"0", _id(stream.last_id or 1), b"x", b"y"]))
    found.append(
        encoded([
            b"XSETID", key, _id(stream.last_id), b"ENTRIESADDED", b"%d" % stream.entries_added, b"MAXDELETEDID",
            _id(stream.max_deleted_id),
        ])
    )  # fmt: skip
    for group in stream.groups.values():
        _group(found, key, group)


def _group(found: list[bytes], key: bytes, group: Group) -> None:
    found.append(
        encoded([
            b"XGROUP", b"CREATE", key, group.name, _id(group.last_id), b"ENTRIESREAD", b"%d" % group.entries_read,
        ])
    )  # fmt: skip
    for consumer in group.consumers.values():
        found.append(encoded([b"XGROUP", b"CREATECONSUMER", key, group.name, consumer.name]))
        for entry_id in _sorted(consumer.pending.entries):
            entry = consumer.pending.entries[entry_id]
            found.append(
                encoded([
                    b"XCLAIM", key, group.name, consumer.name, b"0", _id(entry_id), b"TIME", b"%d" % entry.delivered_ms,
                    b"RETRYCOUNT", b"%d" % entry.deliveries, b"JUSTID", b"FORCE",
                ])
            )  # fmt: skip


def _sorted(ids: Iterable[int]) -> list[int]:
    return sorted(ids)


def _id(entry_id: int) -> bytes:
    return b"%d-%d" % (entry_id >> 64, entry_id & SEQ_MASK)
