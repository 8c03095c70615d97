"""Schedule expressions: when something is due next."""

from datetime import UTC, datetime, timedelta

import pytest

from cachetwin_local.resources.events.expressions import read_schedule, zone_of

START = datetime(2026, 11, 29, 1, 7, 30, tzinfo=UTC)  # a Sunday


def times(expression: str, count: int, zone: str = "UTC", after: datetime = START) -> list[str]:
    schedule, found = read_schedule(expression, zone_of(zone)), []
    moment: datetime | None = after
    for _ in range(count):
        moment = schedule.next_after(after, moment or after)
        if moment is None:
            break
        found.append(moment.strftime("%Y-%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 3 * * ? *)", ["2026-11-29 03:00", "2026-11-30 03:00"]),
        ("cron(0/15 * * * ? *)", ["2026-11-29 01:15", "2026-11-29 01:30"]),
        ("cron(5,35 14 * * ? *)", ["2026-11-29 14:05", "2026-11-29 14:35"]),
        ("cron(0 8 ? * MON-FRI *)", ["2026-11-30 08:00", "2026-12-01 08:00"]),
        ("cron(0 8 ? * 2#1 *)", ["2026-12-07 08:00", "2027-01-04 08:00"]),
        ("cron(0 8 ? * FRIL *)", ["2026-12-25 08:00", "2027-01-29 08:00"]),
        ("cron(0 0 L * ? *)", ["2026-11-30 00:00", "2026-12-31 00:00"]),
        ("cron(0 0 1W * ? *)", ["2026-12-01 00:00", "2027-01-01 00:00"]),
        ("cron(0 0 1 1 ? 2028)", ["2028-01-01 00:00"]),
        ("cron(0 0 29 FEB ? *)", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("cron(0 0 1 1 ? 2020)", []),
        ("at(2026-11-29T02:00:00)", ["2026-11-29 02:00"]),
        ("at(2026-11-29T01:00:00)", []),
    ],
)
def test_a_schedule_is_due_at_the_times_of_its_expression(expression: str, expected: list[str]) -> None:
    assert times(expression, 2) == expected


def test_a_rate_counts_from_its_beginning() -> None:
    schedule = read_schedule("rate(5 minutes)")
    first = schedule.next_after(START, START)
    assert first == START + timedelta(minutes=5)
    assert schedule.next_after(START, START + timedelta(minutes=12)) == START + timedelta(minutes=15)


def test_a_local_time_that_summer_time_skips_is_left_out() -> None:
    before = datetime(2027, 3, 27, 12, tzinfo=UTC)
    assert times("cron(30 2 * * ? *)", 2, "Europe/Vienna", before) == ["2027-03-29 00:30", "2027-03-30 00:30"]
    assert times("at(2027-06-01T08:00:00)", 1, "America/New_York", before) == ["2027-06-01 12:00"]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("every(5)", "must be rate"),
        ("rate(0 minutes)", "rate must be a number"),
        ("rate(5 seconds)", "rate must be a number"),
        ("cron(0 3 * * ?)", "six fields, got 5"),
        ("cron(0 3 * * * *)", "must be ?"),
        ("cron(61 3 * * ? *)", "minutes must be from 0 to 59, got 61"),
        ("cron(0 3 ? * FOO *)", "day-of-week must be from 1 to 7, got FOO"),
        ("at(tomorrow)", "must be a time"),
    ],
)
def test_a_wrong_expression_is_said(expression: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("?", r"\?")):
        read_schedule(expression)


def test_an_unknown_time_zone_is_said() -> None:
    with pytest.raises(ValueError, match="must be a time zone"):
        zone_of("Mars/Base")
