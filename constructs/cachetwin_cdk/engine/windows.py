"""Maintenance windows and snapshot windows, in UTC."""

import re
from dataclasses import dataclass
from typing import Self

import aws_cdk as cdk

from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import known, refuse

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60
_WEEK_MINUTES = 7 * _DAY_MINUTES
_LENGTH_MIN_MINUTES = 60
_TIME = "([01][0-9]|2[0-3]):([0-5][0-9])"


@checked_arguments
@dataclass(frozen=True)
class MaintenanceWindow:
    """The weekly window in which ElastiCache may replace or patch nodes, such as ``sun:05:00-sun:06:00``."""

    text: str

    @classmethod
    def of(cls, text: str) -> Self:
        """The window ``ddd:hh:mm-ddd:hh:mm`` in UTC, at least 60 minutes long."""
        return cls(text)

    def __post_init__(self) -> None:
        """Raise ValidationError when the text is no window of a length that ElastiCache takes; tokens pass."""
        text = self.text
        if known(text):
            found = re.fullmatch(rf"([a-z]{{3}}):{_TIME}-([a-z]{{3}}):{_TIME}", text)
            if found is None or found[1] not in _DAYS or found[4] not in _DAYS:
                refuse("maintenance_window", "be written ddd:hh:mm-ddd:hh:mm", text, "write it as sun:05:00-sun:06:00")
            start, end = (
                _DAYS.index(found[group]) * _DAY_MINUTES + _minutes(found[group + 1], found[group + 2])
                for group in (1, 4)
            )
            length = (end - start) % _WEEK_MINUTES
            if length < _LENGTH_MIN_MINUTES:
                refuse("maintenance_window", "last at least 60 minutes", f"{length} minutes", "move its end")

    @property
    def is_unconfirmed(self) -> bool:
        """Whether the window is longer than a day, which the documentation leaves open."""
        if not known(self.text):
            return False
        start, end = (_week_minute(part) for part in self.text.split("-"))
        return (end - start) % _WEEK_MINUTES > _DAY_MINUTES

    def overlaps(self, snapshot: "SnapshotWindow") -> bool:
        """Whether the two windows overlap; False when either is a token."""
        if not known(self.text, snapshot.text):
            return False
        start, end = (_week_minute(part) for part in self.text.split("-"))
        length = (end - start) % _WEEK_MINUTES
        first, last = (_minutes(*part.split(":")) for part in snapshot.text.split("-"))
        span = (last - first) % _DAY_MINUTES
        starts = [day * _DAY_MINUTES + first for day in range(7)]
        return any(
            (begin - start) % _WEEK_MINUTES < length or (start - begin) % _WEEK_MINUTES < span for begin in starts
        )

    def __str__(self) -> str:
        return self.text


@checked_arguments
@dataclass(frozen=True)
class SnapshotWindow:
    """The daily window in which ElastiCache takes the snapshot, such as ``03:00-04:00``."""

    text: str

    @classmethod
    def of(cls, text: str) -> Self:
        """The window ``hh:mm-hh:mm`` in UTC, at least 60 minutes long."""
        return cls(text)

    def __post_init__(self) -> None:
        """Raise ValidationError when the text is no window of a length that ElastiCache takes; tokens pass."""
        text = self.text
        if known(text):
            found = re.fullmatch(rf"{_TIME}-{_TIME}", text)
            if found is None:
                refuse("snapshot_window", "be written hh:mm-hh:mm", text, "write it as 03:00-04:00")
            length = (_minutes(found[3], found[4]) - _minutes(found[1], found[2])) % _DAY_MINUTES
            if length < _LENGTH_MIN_MINUTES:
                refuse("snapshot_window", "last at least 60 minutes", f"{length} minutes", "move its end")

    @property
    def start(self) -> str:
        """When the window begins, such as ``03:00``."""
        return self.text.split("-")[0] if known(self.text) else cdk.Fn.select(0, cdk.Fn.split("-", self.text))

    def __str__(self) -> str:
        return self.text


def _minutes(hours: str, minutes: str) -> int:
    return int(hours) * 60 + int(minutes)


def _week_minute(moment: str) -> int:
    day, hours, minutes = moment.split(":")
    return _DAYS.index(day) * _DAY_MINUTES + _minutes(hours, minutes)
