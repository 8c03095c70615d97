"""Values that nobody gave, such as a parameter without a value: strings that stand for them where nothing needs them.

A template of a whole account asks for the ids of keys, images and networks that mean nothing on this machine. A stand-in
takes their place, so that what does not need them is planned; what needs one is an error with the stand-in's reason.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from cachetwin_local.assembly.template import Json
from cachetwin_local.assembly.where import Where

__all__ = ["MissingValue", "StandIns"]

MissingKind = Literal["parameter", "import", "ssm", "secret", "function"]


@dataclass(frozen=True, slots=True)
class MissingValue:
    """A value that comes from elsewhere: `name` is a parameter's, an export's, an SSM parameter's or a secret's.

    `used_by` are the keys of the resources that use it; `needed_by` those of them that cannot be read without it.
    """

    kind: MissingKind
    name: str
    reason: str
    used_by: tuple[str, ...] = ()
    needed_by: tuple[str, ...] = ()


@dataclass(slots=True)
class _Entry:
    kind: MissingKind
    name: str
    reason: str
    used_by: dict[str, None] = field(default_factory=dict)
    needed_by: dict[str, None] = field(default_factory=dict)


class StandIns:
    """The stand-ins of one plan, by their text."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    def make(self, kind: MissingKind, name: str, reason: str, where: Where) -> str:
        """The text that stands for a value that is missing at `where`."""
        text = f"missing-{kind}-{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')}-"
        entry = self._entries.setdefault(text, _Entry(kind, name, reason))
        if where.logical_id not in {"Conditions", "Outputs"}:
            entry.used_by[f"{where.stack}/{where.logical_id}"] = None
        return text

    def reason(self, text: str) -> str | None:
        """Why a value is missing in `text`; None when all of it is known."""
        entry = self._in(text)
        return entry.reason if entry else None

    def need(self, value: Json, where: Where) -> None:
        """Raise UserError when `value`, a string or a part of a text, is missing and `where` needs it."""
        entry = self._in(value) if isinstance(value, str) else None
        if entry is not None:
            entry.needed_by[f"{where.stack}/{where.logical_id}"] = None
            raise where.error(entry.reason)

    def all(self) -> tuple[MissingValue, ...]:
        """What was missing, those first that something needs."""
        found = [
            MissingValue(one.kind, one.name, one.reason, tuple(sorted(one.used_by)), tuple(sorted(one.needed_by)))
            for one in self._entries.values()
        ]
        return tuple(sorted(found, key=lambda one: (not one.needed_by, one.kind, one.name)))

    def _in(self, text: str) -> _Entry | None:
        if "missing-" not in text:
            return None
        return next((entry for mark, entry in self._entries.items() if mark in text), None)
