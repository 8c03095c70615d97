"""Sets: a form and a blob of the members while they are few and short (``blob``), then a ``MemberTable``.

The first byte of the blob is Valkey's form, ``INTSET`` or ``LISTPACK``; an intset's members are in numeric order, a
listpack's in order of arrival.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64, mypyc_attr

from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.keyspace.value import COMPACT_SET, Value, enter_prototype
from cachetwin_engine.core.protocol.errors import wrong_type
from cachetwin_engine.core.text.numbers import integer_or_none

from .blob import BYTES_MAX, ELEMENT_MAX, ENTRIES_MAX, LENGTHS, behind, count_in, elements_in, find_element
from .member_table import HASHTABLE, INTSET, LISTPACK, MemberTable, intset_bytes, listpack_bytes, listpack_takes

if TYPE_CHECKING:
    from cachetwin_engine.core.keyspace.database import Database

_ENCODINGS: Final[list[bytes]] = [b"intset", b"listpack", b"hashtable"]
_FORMS: Final[list[bytes]] = [bytes([INTSET]), bytes([LISTPACK])]
_MINUS: Final = 45


@mypyc_attr(acyclic=True)
class SetValue(Value):
    """A set of byte strings. The thresholds are read from the ``config`` that ``add`` is given."""

    def __init__(self) -> None:
        self._data: bytes | MemberTable = _FORMS[INTSET]

    @staticmethod
    def begun(first: bytes, count: i64, config: Config) -> "SetValue":
        """An empty set in the form that SADD chooses for ``count`` members to come, the first of which is ``first``.

        Until 7.2 there was no choice: an intset, and what members make of it.
        """
        value = SetValue()
        if not config.profile.packs_sets:
            return value
        if count > config.encodings.set_max_intset_entries or integer_or_none(first) is None:
            if count <= config.encodings.set_max_listpack_entries:
                value._data = _FORMS[LISTPACK]
            else:
                table = MemberTable(LISTPACK, [])
                table.use_hashtable()
                value._data = table
        return value

    @staticmethod
    def of(members: list[bytes], config: Config, form: i64 = INTSET) -> "SetValue":
        """A set of ``members``, which may repeat, in the form they need; ``INTSET`` or ``LISTPACK`` to begin with."""
        value = SetValue()
        value._data = _FORMS[form]
        for member in members:
            value.add(member, config)
        return value

    @property
    def form(self) -> i64:
        """``INTSET``, ``LISTPACK`` or ``HASHTABLE``."""
        data = self._data
        if isinstance(data, MemberTable):
            return data.form
        form: i64 = data[0]
        return form

    def kind(self) -> bytes:
        """What TYPE answers."""
        return b"set"

    def encoding(self) -> bytes:
        """``intset``, ``listpack`` or ``hashtable``."""
        return _ENCODINGS[self.form]

    def size_bytes(self, samples: int) -> int:
        """Bytes that Valkey would use."""
        data = self._data
        if isinstance(data, MemberTable):
            return data.size_bytes(samples)
        members = elements_in(data, 1)
        return intset_bytes(members) if data[0] == INTSET else listpack_bytes(members)

    def take_apart(self) -> list[object]:
        """See ``Value``."""
        data = self._data
        return [] if isinstance(data, bytes) else data.take_apart()

    def copied(self) -> Value:
        """An independent copy."""
        data = self._data
        copy = SetValue()
        copy._data = data if isinstance(data, bytes) else data.copied()
        return copy

    def compact_kind(self) -> int:
        """See ``Value``."""
        return COMPACT_SET

    def compact(self) -> bytes | None:
        """See ``Value``."""
        data = self._data
        return data if isinstance(data, bytes) else None

    def from_compact(self, data: bytes) -> Value:
        """See ``Value``."""
        value = SetValue()
        value._data = data
        return value

    def _table(self) -> MemberTable:
        """The table, made if there was none."""
        data = self._data
        if isinstance(data, MemberTable):
            return data
        table = MemberTable(data[0], elements_in(data, 1))
        self._data = table
        return table

    # -- members ------------------------------------------------------------------------------------------------------

    def length(self) -> int:
        """The number of members."""
        data = self._data
        return count_in(data, 1) if isinstance(data, bytes) else data.length()

    def has(self, member: bytes) -> bool:
        """Whether ``member`` is in the set."""
        data = self._data
        return find_element(data, member, 1) >= 0 if isinstance(data, bytes) else data.has(member)

    def add(self, member: bytes, config: Config) -> bool:
        """Add ``member``, in a larger form if it needs one; False when it was there."""
        data = self._data
        if isinstance(data, bytes):
            at = find_element(data, member, 1)
            if at >= 0:
                return False
            grown = _with_member(data, -1 - at, member, config)
            if grown is not None:
                self._data = grown
                return True
            data = self._table()
        return data.add(member, config)

    def remove(self, member: bytes) -> bool:
        """Remove ``member``; False when it is not there."""
        data = self._data
        if isinstance(data, bytes):
            at = find_element(data, member, 1)
            if at < 0:
                return False
            self._data = data[:at] + data[behind(data, at) :]
            return True
        return data.remove(member)

    def members(self) -> list[bytes]:
        """All members, integers in numeric order. The list may be the set's own: read it, don't keep or change it."""
        data = self._data
        return elements_in(data, 1) if isinstance(data, bytes) else data.members()

    def random(self, below: Callable[[int], int]) -> bytes:
        """A member, each as likely as any other. ``below(n)`` draws from 0 to n - 1. The set must not be empty."""
        data = self._data
        if isinstance(data, bytes):
            members = elements_in(data, 1)
            return members[below(len(members))]
        return data.random(below)

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """A step of SSCAN: (next cursor, 0 at the end; members). A small form is returned whole."""
        data = self._data
        return (0, elements_in(data, 1)) if isinstance(data, bytes) else data.scan(cursor, count)

    def small(self) -> bool:
        """Whether it has one of the forms whose size the thresholds limit."""
        return self.form != HASHTABLE


enter_prototype(SetValue())


def _with_member(data: bytes, count: i64, member: bytes, config: Config) -> bytes | None:
    """``data``, a blob of ``count`` members, with another one; None if that takes a table."""
    size: i64 = len(member)
    if count >= ENTRIES_MAX or size > ELEMENT_MAX or len(data) + size >= BYTES_MAX:
        return None
    if data[0] == LISTPACK:
        if count >= config.encodings.set_max_listpack_entries or size > config.encodings.set_max_listpack_value:
            return None
        return data + LENGTHS[size] + member
    if integer_or_none(member) is None:
        if listpack_takes(elements_in(data, 1), member, config):
            return _FORMS[LISTPACK] + data[1:] + LENGTHS[size] + member
        return None
    if count >= config.encodings.set_max_intset_entries:
        return None
    at = _numeric_place(data, member)
    return data[:at] + LENGTHS[size] + member + data[at:]


def _numeric_place(data: bytes, member: bytes) -> i64:
    """Where ``member`` belongs in the blob of an intset."""
    size: i64 = len(member)
    negative = member[0] == _MINUS
    end: i64 = len(data)
    at: i64 = 1
    while at < end:
        length: i64 = data[at]
        other_negative = data[at + 1] == _MINUS
        if other_negative != negative:
            if negative:
                break
        elif length != size:
            if (length > size) != negative:
                break
        elif (data[at + 1 : at + 1 + length] > member) != negative:
            break
        at += length + 1
    return at


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
