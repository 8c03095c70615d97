"""Schedule expressions: when ``rate(...)``, ``cron(...)`` and ``at(...)`` are due next. Pure.

Source: "Schedule types in EventBridge Scheduler", its user guide; rules of EventBridge have the first two, in UTC.
"""

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["Schedule", "read_schedule", "zone_of"]

_UNITS: Final = {"minute": 60, "hour": 3600, "day": 86_400}
_MONTHS: Final = {name.upper(): at for at, name in enumerate(calendar.month_abbr) if name}
_DAYS: Final = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_LAST_YEAR: Final = 2199
_DAYS_AHEAD_MAX: Final = 366 * 9  # a leap year's 29 February is at most eight years away
_CRON_FIELDS: Final = 6


@dataclass(frozen=True, slots=True)
class Schedule:
    """`next_after` gives the first time after a moment, for a schedule that began at a moment; None for no more."""

    next_after: Callable[[datetime, datetime], datetime | None]


def read_schedule(expression: str, zone: tzinfo = UTC) -> Schedule:
    """The schedule of an expression. Raises ValueError that says what is wrong with it."""
    match = re.fullmatch(r"\s*(rate|cron|at)\s*\((.*)\)\s*", expression)
    if match is None:
        raise ValueError(f"must be rate(...), cron(...) or at(...), got {expression}")
    kind, inner = match[1], match[2].strip()
    if kind == "rate":
        return _rate(inner)
    return _at(inner, zone) if kind == "at" else _cron(inner, zone)


def _rate(inner: str) -> Schedule:
    match = re.fullmatch(r"(\d+)\s+(minute|hour|day)s?", inner)
    if match is None or int(match[1]) < 1:
        raise ValueError(f"rate must be a number and a unit such as 5 minutes, got {inner}")
    period = timedelta(seconds=int(match[1]) * _UNITS[match[2]])

    def next_after(began: datetime, after: datetime) -> datetime:
        return began + period * max(1, (after - began) // period + 1)

    return Schedule(next_after)


def _at(inner: str, zone: tzinfo) -> Schedule:
    try:
        moment = datetime.strptime(inner, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=zone).astimezone(UTC)
    except ValueError:
        raise ValueError(f"at must be a time such as 2027-01-31T08:00:00, got {inner}") from None
    return Schedule(lambda _began, after: moment if moment > after else None)


def _cron(inner: str, zone: tzinfo) -> Schedule:
    fields = inner.split()
    if len(fields) != _CRON_FIELDS:
        raise ValueError(f"cron must have six fields, got {len(fields)}: {inner}")
    minutes = sorted(_numbers("minutes", fields[0], 0, 59))
    hours = sorted(_numbers("hours", fields[1], 0, 23))
    months = _numbers("month", fields[3], 1, 12, _MONTHS)
    years = _numbers("year", fields[5], 1970, _LAST_YEAR)
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError(f"one of day-of-month and day-of-week must be ?, got {fields[2]} and {fields[4]}")
    is_day = _day_of_week(fields[4]) if fields[2] == "?" else _day_of_month(fields[2])

    def next_after(_began: datetime, after: datetime) -> datetime | None:
        day = after.astimezone(zone).date()
        for _ in range(_DAYS_AHEAD_MAX):
            if day.year in years and day.month in months and is_day(day):
                for hour in hours:
                    for minute in minutes:
                        found = _moment(day, hour, minute, zone)
                        if found is not None and found > after:
                            return found
            elif day.year > max(years):
                return None
            day += timedelta(days=1)
        return None

    return Schedule(next_after)


def _moment(day: date, hour: int, minute: int, zone: tzinfo) -> datetime | None:
    """The moment of a local time; None for one that the beginning of summer time skips."""
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
    found = local.astimezone(UTC)
    return found if found.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None) else None


def _numbers(name: str, text: str, low: int, high: int, names: dict[str, int] | None = None) -> set[int]:
    """The numbers that a field stands for."""

    def number(word: str) -> int:
        value = (names or {}).get(word.upper(), -1)
        if value < 0 and word.isdigit():
            value = int(word)
        if not low <= value <= high:
            raise ValueError(f"{name} must be from {low} to {high}, got {word}")
        return value

    found: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        if slash and not (step.isdigit() and int(step) > 0):
            raise ValueError(f"{name}: a step must be a number, got {part}")
        first, dash, last = span.partition("-")
        if span in {"*", "?"}:
            begin, end = low, high
        elif dash:
            begin, end = number(first), number(last)
        else:
            begin = number(first)
            end = high if slash else begin
        steps = int(step) if slash else 1
        if begin <= end:
            found |= set(range(begin, end + 1, steps))
        else:  # FRI-MON
            found |= {one if one <= high else one - high + low - 1 for one in range(begin, high + end - low + 2, steps)}
    return found


def _day_of_month(text: str) -> Callable[[date], bool]:
    if text == "L":
        return lambda day: day.day == _length(day)
    weekday = re.fullmatch(r"(\d+|L)W", text)
    if weekday is not None:
        wanted = weekday[1]
        if wanted != "L" and not 1 <= int(wanted) <= 31:
            raise ValueError(f"day-of-month must be from 1 to 31, got {wanted}")
        return lambda day: day.day == _nearest_weekday(day, _length(day) if wanted == "L" else int(wanted))
    numbers = _numbers("day-of-month", text, 1, 31)
    return lambda day: day.day in numbers


def _day_of_week(text: str) -> Callable[[date], bool]:
    last = re.fullmatch(r"(\d|[A-Za-z]{3})L", text)
    if last is not None:
        (wanted,) = _numbers("day-of-week", last[1], 1, 7, _DAYS)
        return lambda day: _weekday(day) == wanted and day.day + 7 > _length(day)
    nth = re.fullmatch(r"(\d|[A-Za-z]{3})#([1-5])", text)
    if nth is not None:
        (wanted,) = _numbers("day-of-week", nth[1], 1, 7, _DAYS)
        return lambda day: _weekday(day) == wanted and (day.day - 1) // 7 + 1 == int(nth[2])
    numbers = _numbers("day-of-week", "7" if text == "L" else text, 1, 7, _DAYS)
    return lambda day: _weekday(day) in numbers


def _weekday(day: date) -> int:
    """1 is Sunday."""
    return day.isoweekday() % 7 + 1


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _nearest_weekday(day: date, wanted: int) -> int:
    """The day of the month of the weekday that is nearest to a day of this month, within the month."""
    length = _length(day)
    wanted = min(wanted, length)
    weekday = day.replace(day=wanted).isoweekday()
    if weekday == 6:
        return wanted - 1 if wanted > 1 else wanted + 2
    if weekday == 7:
        return wanted + 1 if wanted < length else wanted - 2
    return wanted


def zone_of(name: str) -> tzinfo:
    """A time zone by its name. Raises ValueError."""
    if name in {"", "UTC"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"must be a time zone such as Europe/Vienna, got {name}") from error
