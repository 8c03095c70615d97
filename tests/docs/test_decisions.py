"""Every decision has a status and a date, and the list of decisions says the same."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "decisions"
DECISIONS = sorted(FOLDER.glob("[0-9]*.md"))
STATUS = re.compile(
    r"^Status: (accepted|superseded(?: in part)? by \[\d{4}\]\([^)]+\)), (\d{4}-\d{2}-\d{2})\.", re.MULTILINE
)


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.name[:4])
def test_a_decision_has_a_status_and_a_date_and_is_listed(page: Path) -> None:
    found = STATUS.search(page.read_text())
    assert found, "write a line: Status: accepted, 2026-11-23."
    status = re.sub(r"\[(\d{4})\]\([^)]+\)", r"\1", found.group(1))
    row = next(line for line in (FOLDER / "README.md").read_text().splitlines() if f"]({page.name})" in line)
    assert row.endswith(f"| {status} | {found.group(2)} |")
