"""Sets, in Valkey's three forms: ``intset`` (integers, in numeric order), ``listpack`` (few and short), ``hashtable``.

Membership is a dict in all three. Its keys in order of arrival are the listpack's order. The large form also keeps a
``KeyIndex``, so that a random member and a step of SSCAN cost the same at any size; the small ones are bounded by their
thresholds and make a list of the members when one is needed.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from ..config import Config
from ..errors import wrong_type
from ..key_index import KeyIndex
from ..keyspace import Value
from ..numbers import integer_or_none
from .listpack import LISTPACK_HEAD_BYTES, entry_bytes

if TYPE_CHECKING:
    from ..keyspace import Database

INTSET: Final = 0
LISTPACK: Final = 1
HASHTABLE: Final = 2

_ENCODINGS: Final[list[bytes]] = [b"intset", b"listpack", b"hashtable"]
_OBJECT_BYTES: Final = 16
_INTSET_HEAD_BYTES: Final = 8
_TABLE_BYTES: Final = 48
_SLOT_BYTES: Final = 9.3  # a pointer and its share of a bucket's head at the usual load (hashtable.c)


class SetValue(Value):
    """A set of byte strings. The thresholds are read from the ``config`` that ``add`` is given."""

    def __init__(self) -> None:
        self.form: i64 = INTSET
        self._members: dict[bytes, None] = {}
        self._order: list[bytes] | None = None  # the members of a small form, until the next change
        self._index: KeyIndex | None = None  # of the large form

    @staticmethod
    def of(members: list[bytes], config: Config) -> "SetValue":
        """A set of ``members``, which may repeat, in the form they need."""
        value = SetValue()
        for member in members:
            value.add(member, config)
        return value

    def kind(self) -> bytes:
        """What TYPE answers."""
        return b"set"

    def encoding(self) -> bytes:
        """``intset``, ``listpack`` or ``hashtable``."""
        return _ENCODINGS[self.form]

    def size_bytes(self, samples: int) -> int:
        """Bytes that Valkey would use."""
        count = len(self._members)
        if self.form == INTSET:
            return _OBJECT_BYTES + _INTSET_HEAD_BYTES + count * self._integer_bytes()
        size = 0
        seen = 0
        if self.form == LISTPACK:
            for member in self._members:
                size += entry_bytes(member)
            return _OBJECT_BYTES + LISTPACK_HEAD_BYTES + size
        for member in self._members:
            size += len(member) + 2
            seen += 1
            if seen == samples:
                break
        return _OBJECT_BYTES + _TABLE_BYTES + int(count * _SLOT_BYTES) + (size * count // seen if seen else 0)

    def copied(self) -> Value:
        """An independent copy."""
        copy = SetValue()
        copy.form = self.form
        copy._members = self._members.copy()
        if self._index is not None:
            copy._build_index()
        return copy

    # -- members ------------------------------------------------------------------------------------------------------

    def length(self) -> int:
        """The number of members."""
        return len(self._members)

    def has(self, member: bytes) -> bool:
        """Is ``member`` in the set?"""
        return member in self._members

    def add(self, member: bytes, config: Config) -> bool:
        """Add ``member``, in a larger form if it needs one; False when it was there."""
        members = self._members
        if member in members:
            return False
        if self.form != HASHTABLE:
            self._order = None
            if self.form == INTSET:
                self._leave_intset(member, config)
            elif len(members) >= config.set_max_listpack_entries or len(member) > config.set_max_listpack_value:
                self.use_hashtable()
        members = self._members
        members[member] = None
        if self._index is not None:
            self._index.add(member)
        return True

    def remove(self, member: bytes) -> bool:
        """Remove ``member``; False when it is not there."""
        members = self._members
        if member not in members:
            return False
        del members[member]
        self._order = None
        if self._index is not None:
            self._index.remove(member)
        return True

    def members(self) -> list[bytes]:
        """All members, integers in numeric order. The list is the set's own: read it, don't keep or change it."""
        if self._order is not None:
            return self._order
        if self.form == HASHTABLE:
            return list(self._members)
        self._order = self._sorted_integers() if self.form == INTSET else list(self._members)
        return self._order

    def random(self, below: Callable[[int], int]) -> bytes:
        """A member, each as likely as any other. ``below(n)`` draws from 0 to n - 1. The set must not be empty."""
        if self._index is not None:
            return self._index.random(below)
        members = self.members()
        return members[below(len(members))]

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """A step of SSCAN: (next cursor, 0 at the end; members). A small form is returned whole."""
        if self._index is not None:
            return self._index.scan(cursor, count)
        return 0, self.members()

    def small(self) -> bool:
        """Is it in one of the forms whose size the thresholds bound?"""
        return self._index is None

    def use_hashtable(self) -> None:
        """Take the large form, whatever the thresholds say."""
        if self.form != HASHTABLE:
            self.form = HASHTABLE
            self._order = None
            self._build_index()

    def use_listpack(self) -> None:
        """Take the listpack form, from an intset."""
        if self.form == INTSET:
            members: dict[bytes, None] = {}
            for member in self._sorted_integers():
                members[member] = None
            self._members = members
            self.form = LISTPACK
            self._order = None

    # -- forms --------------------------------------------------------------------------------------------------------

    def _leave_intset(self, member: bytes, config: Config) -> None:
        """Make room for ``member``, which is not in the set: stay an intset if it can be one."""
        count = len(self._members)
        if integer_or_none(member) is not None:
            if count >= config.set_max_intset_entries:
                self.use_hashtable()
            return
        longest = len(member)
        for other in self._members:
            longest = max(longest, len(other))
        if count < config.set_max_listpack_entries and longest <= config.set_max_listpack_value:
            self.use_listpack()
        else:
            self.use_hashtable()

    def _build_index(self) -> None:
        index = KeyIndex()
        for member in self._members:
            index.add(member)
        self._index = index

    def _sorted_integers(self) -> list[bytes]:
        values: list[int] = [int(member) for member in self._members]
        values.sort()
        return [b"%d" % value for value in values]

    def _integer_bytes(self) -> int:
        """Bytes an intset uses for each of its members: as many as the widest needs."""
        widest = 2
        for member in self._members:
            value = int(member)
            if not -(2**31) <= value < 2**31:
                return 8
            if not -32768 <= value <= 32767:
                widest = 4
        return widest


def set_of(value: object | None) -> SetValue | None:
    """``value`` as a set, None for no value. Raises CommandError for another type."""
    if value is None:
        return None
    if isinstance(value, SetValue):
        return value
    raise wrong_type()


def read_set(db: "Database", key: bytes) -> SetValue | None:
    """The set under ``key`` for a reading command."""
    return set_of(db.find(key))
