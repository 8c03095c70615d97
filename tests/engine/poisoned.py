"""A table of keys for tests: what it has packed is unusable from then on.

``PackedTable`` packs the values that commands have used when no command runs any more. A handler that keeps such a value
holds a copy that no change reaches, and in the compiled build nothing says so. With this table the next use raises.
"""

from typing import Any, NoReturn

from cachetwin_engine.core import BUILD
from cachetwin_engine.core.execution.session import Session
from cachetwin_engine.core.keyspace import database
from cachetwin_engine.core.keyspace.key_table import KeyTable
from cachetwin_engine.core.keyspace.packed_table import PackedTable
from cachetwin_engine.core.keyspace.value import Value

_POISONED: dict[type[Value], type[Value]] = {}  # by the class of the values


class KeptTooLongError(AssertionError):
    """A packed value was used after its command."""


def _refuse(value: Value, name: str) -> NoReturn:
    kind = type(value).__mro__[1].__name__
    raise KeptTooLongError(f"{kind}.{name} was used after its command ended: look the key up again")


def is_poisoned(value: Value) -> bool:
    """Whether every use of ``value`` raises."""
    return type(value) in _POISONED.values()


def poison(value: Value) -> None:
    """From now on every use of ``value`` raises."""
    kind = type(value)
    if kind not in _POISONED:
        members: dict[str, Any] = {"__getattribute__": _refuse}
        _POISONED[kind] = type(f"Packed{kind.__name__}", (kind,), members)
    value.__class__ = _POISONED[kind]


class PoisonedTable(PackedTable):  # type: ignore[misc]  # final for the compiler; only the pure build has this table
    """Like its base, and nobody can use a value that it has packed."""

    def _pack(self, value: Value) -> None:
        if is_poisoned(value):  # another table, or this one under another name, packed it
            return
        key = value.key
        held = self.find(key) is value
        super()._pack(value)
        if held and isinstance(self.entry(key), bytes):
            poison(value)

    def entry(self, key: bytes) -> object:
        """What lies in the cell of ``key``."""
        hashed = hash(key)
        segment = self._directory[(hashed & 0x7FFFFFFF) >> self._shift]
        at = segment.find(key, hashed)
        return None if at < 0 else segment.entries[at]


def poisoned_table(to_close: list[KeyTable]) -> KeyTable:
    """What stands in for ``new_key_table``."""
    return PoisonedTable(to_close)


def install() -> None:
    """Let all engines of this process have such tables, and close them after each request."""
    if BUILD != "pure":
        raise RuntimeError(f"values are poisoned in the pure build only, this is the {BUILD} one")
    database.new_key_table = poisoned_table
    feed = Session.feed

    def feed_and_close(session: Session, data: bytes) -> bytes:
        reply = feed(session, data)
        session.engine.close_tables()
        return reply

    Session.feed = feed_and_close  # type: ignore[method-assign, assignment]  # so that no test has to know
