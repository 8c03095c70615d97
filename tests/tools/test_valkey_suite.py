"""The suite runner reads what the suite prints; the suite itself is not part of this repository."""

import dataclasses
import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.conformance import valkey_suite
from tools.conformance.valkey_suite import Outcome, give_up_slots, parse, take_out_debugger

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


def test_own_servers_listen_on_loopback_whatever_their_file_says(tmp_path: Path) -> None:
    folder = suite(
        tmp_path / "suite",
        'case "$*" in\n*--list-tests*) echo unit/own; echo unit/other; exit;; esac\n'
        "printf 'port 1\\nbind * -::*\\n' > file.conf\n"
        "src/valkey-server file.conf --port 2 > said\n"
        "grep -q ' PID: [0-9]*, Server initialized' said && echo '[ok]: it says who it is (1 ms)'\n"
        "test \"$(grep bind said)\" = 'bind 127.0.0.1' && echo '[ok]: it is on loopback (1 ms)'\n"
        "test \"$(src/valkey-server --version)\" = '--version' && echo '[ok]: it may say its version (1 ms)'\n"
        "src/valkey-server --invalid | grep -q -- '--bind 127.0.0.1 --invalid' && echo '[ok]: even without a file (1 ms)'\n"
        "grep -q 'arguments: --port 2' said && echo '[ok]: it gets its arguments (1 ms)'\n"
        'case "$*" in *"--skiptest Protected mode"*) echo "[ok]: what needs more is left out (1 ms)";; esac\n'
        "echo '\\o/ All tests passed without errors!'\n",
    )
    (folder / "tests" / "unit").mkdir()
    (folder / "tests" / "unit" / "own.tcl").write_text("start_server {tags {external:skip}} {}\n")
    (folder / "tests" / "unit" / "other.tcl").write_text("start_server {} {}\n")
    server = tmp_path / "server"
    server.write_text('#!/bin/sh\ntest -f "$1" || { echo "$@"; exit; }\ncat "$1"\nshift\necho "arguments: $*"\n')
    server.chmod(0o755)
    report = tmp_path / "report.json"
    done = run_script(str(folder), "--own-server", str(server), "--json", str(report))
    assert done.returncode == 0, done.stdout + done.stderr
    (own,) = json.loads(report.read_text())
    assert own["unit"] == "unit/own"
    assert own["passed_names"] == [
        "it says who it is",
        "it is on loopback",
        "it may say its version",
        "even without a file",
        "it gets its arguments",
        "what needs more is left out",
    ]


def test_another_servers_outcome_is_shown_beside(tmp_path: Path, engine_server: "EngineProcess") -> None:
    folder = suite(tmp_path / "suite", "echo '[ok]: one (1 ms)'; echo '[err]: two in tests/x.tcl'\n")
    there = Outcome("unit/x", 2, ["one", "three"], failed={"two": "words"})
    compare = tmp_path / "there.json"
    compare.write_text(json.dumps([dataclasses.asdict(there)]))
    words = ["--units", "unit/x", "--compare", str(compare)]
    done = run_script(str(folder), f"127.0.0.1:{engine_server.port}", *words)
    assert done.returncode == 1
    assert "two (there too)" in done.stdout
    assert "unit/x: three\nran there, not here" in done.stdout


def test_nodes_of_a_cluster_give_up_their_slots_before_the_suite_hands_them_out(tmp_path: Path) -> None:
    script = tmp_path / "tests" / "support" / "cluster_util.tcl"
    script.parent.mkdir(parents=True)
    script.write_text("    set a 1\n        R $j cluster addslotsrange 0 5\n")
    give_up_slots(tmp_path)
    flush = "        catch {R $j cluster flushslots}\n"
    assert script.read_text() == "    set a 1\n" + flush + "        R $j cluster addslotsrange 0 5\n"


def test_the_block_that_begins_the_script_debugger_is_left_out(tmp_path: Path) -> None:
    unit = tmp_path / "tests" / "unit" / "scripting.tcl"
    unit.parent.mkdir(parents=True)
    head = "start_server {tags {x}} {\n    test {a} {\n        r script debug sync\n    }\n}\n"
    unit.write_text(head + "start_server {tags {y}} {\n    r script debug sync\n    r eval {return 1} 0\n}\nset z 1\n")
    take_out_debugger(tmp_path)
    assert unit.read_text() == head + "set z 1\n"


def test_a_server_and_a_command_for_one_exclude_each_other(tmp_path: Path) -> None:
    done = run_script(str(suite(tmp_path / "suite", "")), "127.0.0.1:1", "--own-server", "x")
    assert done.returncode == 2
    assert "one of SERVER and --own-server" in done.stderr
