"""The runner of the clients' suites reads their reports and compares them; the suites are not part of this repository."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tools.conformance.client_suites import COMMANDS, Run, differences, parse, run_suite

REPORT = """\
<testsuites><testsuite name="pytest">
  <testcase classname="tests.test_lock" name="test_acquire" time="0.1"/>
  <testcase classname="tests.test_lock" name="test_extend"><failure message="no"/></testcase>
  <testcase classname="tests.test_lock" name="test_teardown"/>
  <testcase classname="tests.test_lock" name="test_teardown"><error message="closed"/></testcase>
  <testcase classname="tests.test_json" name="test_set"><skipped message="no module"/></testcase>
</testsuite></testsuites>
"""

# Stands in for the interpreter of a suite: writes the report where it is told to, as pytest does.
WRITES_ITS_REPORT = """\
#!/bin/sh
for argument; do case "$argument" in --junit-xml=*) cp report.xml "${argument#--junit-xml=}";; esac; done
"""


def _run(folder: Path, python: str) -> Run:
    return Run(folder, "127.0.0.1:1", folder / "out.xml", folder, python, cluster_mode=False, options=[])


def _executable(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_report_gives_an_outcome_by_test_and_an_error_in_one_of_its_parts_counts() -> None:
    assert parse(REPORT) == {
        "tests.test_lock::test_acquire": "passed",
        "tests.test_lock::test_extend": "failed",
        "tests.test_lock::test_teardown": "failed",
        "tests.test_json::test_set": "skipped",
    }


def test_differences_name_what_differs_and_what_ran_on_one_side_only() -> None:
    original = {"same": "failed", "worse": "passed", "gone": "passed"}
    assert differences(original, {"same": "failed", "worse": "failed", "new": "passed"}) == {
        "gone": ("passed", "absent"),
        "new": ("absent", "passed"),
        "worse": ("passed", "failed"),
    }


def test_a_suite_is_run_and_its_report_read(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(REPORT)
    python = _executable(tmp_path / "python", WRITES_ITS_REPORT)
    assert run_suite("valkey-py", _run(tmp_path, python), deadline_s=60) == parse(REPORT)


def test_a_suite_that_writes_no_report_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    python = _executable(tmp_path / "python", "#!/bin/sh\necho no module named pytest\n")
    with pytest.raises(RuntimeError, match="no module named pytest"):
        run_suite("redis-py", _run(tmp_path, python), deadline_s=60)


def test_cluster_mode_leaves_out_what_takes_the_only_node_its_slots(tmp_path: Path) -> None:
    run = Run(tmp_path, "127.0.0.1:1", tmp_path / "out.xml", tmp_path, sys.executable, cluster_mode=True, options=[])
    command = COMMANDS["valkey-py"](run)
    assert "not full_coverage_cluster_down and not delslots and not flushslots" in command


def test_a_server_that_does_not_answer_is_said_and_nothing_is_run(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.conformance.client_suites", "redis-py", str(tmp_path), "127.0.0.1:1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert (done.returncode, done.stdout) == (2, "")
    assert "got 127.0.0.1:1: start it first" in done.stderr
