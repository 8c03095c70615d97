"""Windows are long enough, and know when they overlap."""

import pytest

from cachetwin_cdk import MaintenanceWindow, SnapshotWindow, ValidationError


@pytest.mark.parametrize(
    "text", ["sun:05:00-sun:06:00", "sun:23:30-mon:00:30", "mon:00:00-tue:00:00", "sat:23:00-sun:01:00"]
)
def test_a_maintenance_window_of_an_hour_to_a_day_is_accepted(text: str) -> None:
    assert str(MaintenanceWindow.of(text)) == text


@pytest.mark.parametrize(
    "text", ["sunday:05:00-sun:06:00", "sun:5:00-sun:6:00", "sun:24:00-mon:01:00", "xyz:05:00-xyz:06:00", ""]
)
def test_a_malformed_maintenance_window_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="maintenance_window must be written ddd:hh:mm-ddd:hh:mm"):
        MaintenanceWindow.of(text)


@pytest.mark.parametrize(("text", "minutes"), [("sun:05:00-sun:05:59", 59), ("sun:05:00-sun:05:00", 0)])
def test_a_maintenance_window_of_another_length_is_refused(text: str, minutes: int) -> None:
    with pytest.raises(ValidationError, match=f"last at least 60 minutes, got '{minutes} minutes'"):
        MaintenanceWindow.of(text)


@pytest.mark.parametrize("text", ["03:00-04:00", "23:30-00:30"])
def test_a_snapshot_window_of_an_hour_is_accepted(text: str) -> None:
    assert str(SnapshotWindow.of(text)) == text


@pytest.mark.parametrize("text", ["3:00-4:00", "03:00", "24:00-01:00"])
def test_a_malformed_snapshot_window_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="snapshot_window must be written hh:mm-hh:mm"):
        SnapshotWindow.of(text)


def test_a_short_snapshot_window_is_refused() -> None:
    with pytest.raises(ValidationError, match="snapshot_window must last at least 60 minutes, got '59 minutes'"):
        SnapshotWindow.of("03:00-03:59")


@pytest.mark.parametrize(
    ("maintenance", "snapshot", "overlap"),
    [
        ("sun:05:00-sun:06:00", "05:59-06:59", True),
        ("sun:05:00-sun:06:00", "06:00-07:00", False),
        ("sun:05:00-sun:06:00", "04:00-05:00", False),
        ("sun:05:00-sun:06:00", "04:00-08:00", True),
        ("sun:23:30-mon:00:30", "00:00-01:00", True),
        ("sun:23:30-mon:00:30", "23:00-00:00", True),
        ("wed:12:00-wed:13:00", "23:30-00:30", False),
    ],
)
def test_an_overlap_is_found_on_any_day(
    maintenance: str,
    snapshot: str,
    overlap: bool,  # noqa: FBT001  (values under test)
) -> None:
    assert MaintenanceWindow.of(maintenance).overlaps(SnapshotWindow.of(snapshot)) is overlap


def test_tokens_are_accepted(any_text: str) -> None:
    assert not MaintenanceWindow.of(any_text).overlaps(SnapshotWindow.of(any_text))
