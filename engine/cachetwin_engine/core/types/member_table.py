"""The structure of a set that is too large for a blob, in Valkey's three forms.

``intset`` (integers, in numeric order) and ``listpack`` (few and short) are a dict, whose keys in order of arrival are the
listpack's order; their thresholds bound them, so they make a list of the members when one is needed. ``hashtable`` is a
``KeyTable``, as for the keys of a database, so that a random member and a step of SSCAN cost the same at any size.
"""

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64, mypyc_attr

from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.keyspace.database import new_key_table
from cachetwin_engine.core.keyspace.key_table import KeyTable
from cachetwin_engine.core.text.numbers import integer_or_none

from .listpack import LISTPACK_HEAD_BYTES, entry_bytes

INTSET: Final = 0
LISTPACK: Final = 1
HASHTABLE: Final = 2

OBJECT_BYTES: Final = 16
_INTSET_HEAD_BYTES: Final = 8
_TABLE_BYTES: Final = 48
_SLOT_BYTES: Final = 9.3  # a pointer and its share of a bucket's head at the usual load (hashtable.c)


@mypyc_attr(acyclic=True)
class MemberTable:
    """A set of byte strings. The thresholds are read from the ``config`` that ``add`` is given."""

    def __init__(self, form: i64, members: list[bytes]) -> None:
        self.form: i64 = form
        self._members: dict[bytes, None] = dict.fromkeys(members)  # of a small form
        self._order: list[bytes] | None = None  # the members of a small form, until the next change
        self._table: KeyTable | None = None  # of the large form; nothing lies under its keys

    def size_bytes(self, samples: int) -> int:
        """Bytes that Valkey would use."""
        table = self._table
        if table is None:
            members = list(self._members)
            return intset_bytes(members) if self.form == INTSET else listpack_bytes(members)
        size = 0
        seen = table.keys() if samples == 0 else table.first(samples)
        for member in seen:
            size += len(member) + 2
        count = len(table)
        return OBJECT_BYTES + _TABLE_BYTES + int(count * _SLOT_BYTES) + (size * count // len(seen) if seen else 0)

    def take_apart(self) -> list[object]:
        """The containers of the large form, for ``Trash``."""
        return [] if self._table is None else self._table.take_apart()

    def copied(self) -> "MemberTable":
        """An independent copy."""
        if self._table is None:
            return MemberTable(self.form, list(self._members))
        copy = MemberTable(self.form, [])
        copy._table = _table_of(self._table.keys())
        return copy

    # -- members ------------------------------------------------------------------------------------------------------

    def length(self) -> int:
        """The number of members."""
        return len(self._members) if self._table is None else len(self._table)

    def has(self, member: bytes) -> bool:
        """Whether ``member`` is in the set."""
        return member in self._members if self._table is None else self._table.has(member)

    def add(self, member: bytes, config: Config) -> bool:
        """Add ``member``, in a larger form if it needs one; False when it was there."""
        if self._table is None:
            members = self._members
            if member in members:
                return False
            self._order = None
            if self.form == INTSET:
                self._leave_intset(member, config)
            elif (
                len(members) >= config.encodings.set_max_listpack_entries
                or len(member) > config.encodings.set_max_listpack_value
            ):
                self.use_hashtable()
        if self._table is not None:
            return self._table.put(member, b"")
        self._members[member] = None
        return True

    def remove(self, member: bytes) -> bool:
        """Remove ``member``; False when it is not there."""
        if self._table is not None:
            return self._table.remove(member) is not None
        if member not in self._members:
            return False
        del self._members[member]
        self._order = None
        return True

    def members(self) -> list[bytes]:
        """All members, integers in numeric order. The list is the set's own: read it, don't keep or change it."""
        if self._table is not None:
            return self._table.keys()
        if self._order is None:
            members = list(self._members)
            self._order = in_numeric_order(members) if self.form == INTSET else members
        return self._order

    def random(self, below: Callable[[int], int]) -> bytes:
        """A member, each as likely as any other. ``below(n)`` draws from 0 to n - 1. The set must not be empty."""
        if self._table is not None:
            return self._table.random(below)
        members = self.members()
        return members[below(len(members))]

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """A step of SSCAN: (next cursor, 0 at the end; members). A small form is returned whole."""
        return (0, self.members()) if self._table is None else self._table.scan(cursor, count)

    def use_hashtable(self) -> None:
        """Take the large form, whatever the thresholds say."""
        if self._table is None:
            self.form = HASHTABLE
            self._table = _table_of(list(self._members))
            self._members = {}
            self._order = None

    def use_listpack(self) -> None:
        """Take the listpack form, from an intset."""
        if self.form == INTSET:
            self._members = dict.fromkeys(in_numeric_order(list(self._members)))
            self.form = LISTPACK
            self._order = None

    # -- forms --------------------------------------------------------------------------------------------------------

    def _leave_intset(self, member: bytes, config: Config) -> None:
        """Make room for ``member``, which is not in the set: stay an intset if it can be one."""
        if integer_or_none(member) is not None:
            if len(self._members) >= config.encodings.set_max_intset_entries:
                self.use_hashtable()
        elif listpack_takes(list(self._members), member, config):
            self.use_listpack()
        else:
            self.use_hashtable()


def _table_of(members: list[bytes]) -> KeyTable:
    """A table with ``members`` for keys."""
    table = new_key_table([])
    for member in members:
        table.put(member, b"")
    return table


def listpack_takes(members: list[bytes], member: bytes, config: Config) -> bool:
    """Whether a listpack may hold the ``members`` of an intset and ``member``."""
    if len(members) >= config.encodings.set_max_listpack_entries:
        return False
    longest = len(member)
    for other in members:
        longest = max(longest, len(other))
    return longest <= config.encodings.set_max_listpack_value


def in_numeric_order(members: list[bytes]) -> list[bytes]:
    """``members``, all of them integers, as an intset has them."""
    values = [int(member) for member in members]
    values.sort()
    return [b"%d" % value for value in values]


def intset_bytes(members: list[bytes]) -> int:
    """What an intset takes: as many bytes for each member as the widest needs."""
    widest = 2
    for member in members:
        value = int(member)
        if not -(2**31) <= value < 2**31:
            widest = 8
            break
        if not -32768 <= value <= 32767:
            widest = 4
    return OBJECT_BYTES + _INTSET_HEAD_BYTES + len(members) * widest


def listpack_bytes(members: list[bytes]) -> int:
    """What a listpack takes."""
    size: i64 = OBJECT_BYTES + LISTPACK_HEAD_BYTES
    for member in members:
        size += entry_bytes(member)
    return size
