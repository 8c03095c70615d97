"""The suite runner reads what the suite prints; the suite itself is not part of this repository."""

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conformance import valkey_suite
from tests.conformance.valkey_suite import parse

if TYPE_CHECKING:
    from tests.engine.conftest import EngineProcess

ALL_PASSED = """\
Testing unit/type/string
\x1b[0;32m[ok]\x1b[0m: SET and GET an item (0 ms)
[ignore]: Tag: slow denied
[ok]: SETNX target key missing (12 ms)

\\o/ All tests passed without errors!
"""

TWO_FAILED = """\
[ok]: first (1 ms)
[err]: GETDEL propagate in tests/unit/type/string.tcl
Expected 'a' to be equal to 'b'
[exception]: Executing test client: ERR no such key.
ERR no such key
"""


def test_a_unit_that_passed_is_counted_with_what_it_ignored() -> None:
    outcome = parse("unit/type/string", ALL_PASSED)
    assert (outcome.passed, outcome.ignored, outcome.failed) == (2, 1, {})
    assert outcome.last_passed == "SETNX target key missing"


def test_failures_carry_their_name_and_the_suites_words() -> None:
    failed = parse("unit/type/string", TWO_FAILED).failed
    assert failed["GETDEL propagate"].startswith("Expected 'a' to be equal to 'b'")
    assert "Executing test client: ERR no such key." in failed


def test_a_unit_that_just_ends_has_failed() -> None:
    assert "(the unit did not end)" in parse("unit/x", "[ok]: first (1 ms)\n").failed


def suite(folder: Path, runtest: str) -> Path:
    """A folder that looks like the suite, with `runtest` as its program."""
    for name in ("tests", "utils", "src"):
        (folder / name).mkdir(parents=True)
    program = folder / "runtest"
    program.write_text("#!/bin/sh\n" + runtest)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder


def run_script(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, valkey_suite.__file__, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_each_unit_runs_and_one_that_hangs_costs_itself_alone(tmp_path: Path, engine_server: "EngineProcess") -> None:
    folder = suite(
        tmp_path / "suite",
        'case "$*" in\n*--list-tests*) echo unit/good; echo unit/hangs;;\n'
        "*unit/hangs*) echo '[ok]: before (1 ms)'; sleep 60;;\n"
        "*) echo '[ok]: one (1 ms)'; echo '\\o/ All tests passed without errors!';;\nesac\n",
    )
    report = tmp_path / "report.json"
    done = run_script(str(folder), f"127.0.0.1:{engine_server.port}", "--deadline", "1", "--json", str(report))
    assert done.returncode == 1, done.stderr
    good, hangs = json.loads(report.read_text())
    assert (good["passed"], good["failed"]) == (1, {})
    assert list(hangs["failed"]) == ["not done after 1 s, last passed: before"]
    assert "2 passed, 1 failed" in done.stdout
    assert list((folder / "tests").iterdir()) == []


def test_a_folder_without_the_suite_and_a_server_that_is_not_there_are_named(tmp_path: Path) -> None:
    done = run_script(str(tmp_path), "127.0.0.1:1")
    assert done.returncode == 2
    assert "SUITE must be a folder with `runtest` in it" in done.stderr
    done = run_script(str(suite(tmp_path / "suite", "")), "127.0.0.1:1")
    assert done.returncode == 2
    assert "got 127.0.0.1:1" in done.stderr
