"""DEBUG DIGEST: a digest of the data that does not depend on the order of unordered elements.

The same 20 bytes as Valkey's (debug.c), so that data of the two can be compared: ordered elements are hashed one after
the other, unordered ones are combined by XOR.
"""

import hashlib
import struct
from typing import Final

from cachetwin_engine.core.keyspace.database import Database
from cachetwin_engine.core.keyspace.value import Value
from cachetwin_engine.core.text.doubles import digits_17, shortest
from cachetwin_engine.core.types.hashes.hash import HashValue
from cachetwin_engine.core.types.list import ListValue
from cachetwin_engine.core.types.set import SetValue
from cachetwin_engine.core.types.sorted_sets.sorted_set import SortedSet
from cachetwin_engine.core.types.streams.entry import id_parts, items_of
from cachetwin_engine.core.types.streams.stream import Stream
from cachetwin_engine.core.types.string import string_of

EMPTY: Final = bytes(20)
_TYPES: Final[dict[bytes, int]] = {b"string": 0, b"list": 1, b"set": 2, b"zset": 3, b"hash": 4, b"stream": 6}


def mixed(digest: bytes, data: bytes) -> bytes:
    """``digest`` with ``data`` added; the order of the calls matters."""
    return hashlib.sha1(blended(digest, data), usedforsecurity=False).digest()


def blended(digest: bytes, data: bytes) -> bytes:
    """``digest`` with ``data`` added; the order of the calls does not matter."""
    other = hashlib.sha1(data, usedforsecurity=False).digest()
    return bytes([one ^ two for one, two in zip(digest, other, strict=True)])


def digest_of_value(db: Database, key: bytes, value: object, digest: bytes, shortest_scores: bool) -> bytes:
    """``digest`` with a value added, and whether its key has a time to live.

    ``shortest_scores``: scores are hashed as Valkey 8.1 prints them, before that with 17 digits.
    """
    kind = value.kind() if isinstance(value, Value) else b"string"
    digest = mixed(digest, struct.pack(">I", _TYPES.get(kind, 5)))
    if isinstance(value, ListValue):
        for element in value.elements():
            digest = mixed(digest, element)
    elif isinstance(value, SetValue):
        for member in value.members():
            digest = blended(digest, member)
    elif isinstance(value, SortedSet):
        members, scores = value.range(0, len(value))
        for place, member in enumerate(members):
            score = scores[place]
            text = shortest(score) if shortest_scores else digits_17(score)
            digest = blended(digest, mixed(mixed(EMPTY, member), text))
    elif isinstance(value, HashValue):
        for field, content in value.pairs():
            digest = blended(digest, mixed(mixed(EMPTY, field), content))
    elif isinstance(value, Stream):
        for leaf in value.leaves:
            for entry in leaf.entries:
                digest = mixed(digest, b"%d.%d" % id_parts(entry))
                for word in items_of(entry):
                    digest = mixed(digest, word)
    elif kind == b"string":
        data = string_of(value)
        digest = mixed(digest, data if data is not None else b"")
    if db.expiry_of(key) >= 0:
        digest = blended(digest, b"!!expire!!")
    return digest


def digest_of_data(databases: list[Database], shortest_scores: bool = False) -> bytes:
    """The digest of all databases."""
    final = EMPTY
    for db in databases:
        if not len(db):
            continue
        final = mixed(final, struct.pack(">I", db.index))
        for key, value in db.values.items():
            final = blended(final, digest_of_value(db, key, value, mixed(EMPTY, key), shortest_scores))
    return final
