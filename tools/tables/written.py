"""A table that a program writes into the repository, or compares with what is there."""

import sys
from collections.abc import Callable
from pathlib import Path


def write_or_check(table: Path, text: Callable[[], str], module: str) -> int:
    """Write the text, or with ``--check`` on the command line compare it; the status to exit with."""
    if "--check" not in sys.argv[1:]:
        table.write_text(text())
        return 0
    if table.exists() and table.read_text() == text():
        return 0
    sys.stderr.write(f"{table.name} is not current: run python -m {module}\n")
    return 1
