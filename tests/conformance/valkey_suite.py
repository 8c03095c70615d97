"""Run Valkey's or Redis OSS's own test suite against a server that already runs, and print the outcome by unit.

    python tests/conformance/valkey_suite.py SUITE 127.0.0.1:7701 [--cluster-mode] [--units unit/type/string ...]

SUITE is a folder with that project's source: `runtest`, `tests/`, and, for the few units that start them, `src/valkey-cli`
and `src/valkey-benchmark` (or the redis ones); `tclsh` is needed. Nothing is fetched, and the folder is only read: the
suite writes into its own tree, so it runs from a copy. Each unit is a process of its own with a deadline, so that one
that hangs costs itself alone. Start the server as the suite expects it:

    cachetwin-engine --port 7701 --profile valkey-8.1 --save "" --enable-debug-command yes --enable-protected-configs yes

Exit code: 0 when no test failed, 1 when one did, 2 when the run itself could not be done.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from rich.console import Console
from rich.table import Table

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_OUTCOME = re.compile(r"^\[(ok|err|exception|ignore|skip|timeout)\]:? ?(.*)$")
_DURATION = re.compile(r" \(\d+ ms\)$")
_PLACE = re.compile(r" in tests/\S+\.tcl$")


@dataclasses.dataclass
class Outcome:
    """What one unit printed: counts, and the tests that failed with the lines the suite printed below each."""

    unit: str
    passed: int = 0
    ignored: int = 0
    failed: dict[str, str] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
    last_passed: str = ""
    """The last test that passed: where to look when the unit did not end."""


def parse(unit: str, output: str) -> Outcome:
    """Read the output of `runtest --single`.

    An exception outside of a test, or a unit that ends without saying that it is done, counts as one failure, for what
    came after it never ran.
    """
    outcome = Outcome(unit)
    lines = _COLOURS.sub("", output).splitlines()
    for index, line in enumerate(lines):
        match = _OUTCOME.match(line)
        if match is None:
            continue
        kind, text = match.groups()
        name = _PLACE.sub("", _DURATION.sub("", text))
        if kind == "ok":
            outcome.passed += 1
            outcome.last_passed = name
        elif kind in ("ignore", "skip"):
            outcome.ignored += 1
        else:
            outcome.failed[name or "(the unit)"] = "\n".join(lines[index + 1 : index + 4])
    if not outcome.failed and not any(line.startswith("\\o/ All tests passed") for line in lines):
        outcome.failed["(the unit did not end)"] = "\n".join(lines[-5:])
    return outcome


def run_unit(folder: pathlib.Path, unit: str, options: list[str], deadline_s: float) -> Outcome:
    """Run one unit from `folder`, at most `deadline_s` seconds; what it started is ended with it."""
    command = ["./runtest", *options, "--single", unit]
    started = time.monotonic()
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        start_new_session=True, text=True, errors="replace",
    ) as process:  # fmt: skip
        try:
            output, _ = process.communicate(timeout=deadline_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            output += (
                f"\n[timeout]: not done after {deadline_s:.0f} s, last passed: {parse(unit, output).last_passed}\n"
            )
    outcome = parse(unit, output)
    outcome.seconds = time.monotonic() - started
    return outcome


def list_units(folder: pathlib.Path) -> list[str]:
    """The suite's units in its own order."""
    done = subprocess.run(["./runtest", "--list-tests"], cwd=folder, capture_output=True, text=True, check=True)
    return [line.strip() for line in done.stdout.splitlines() if "/" in line and " " not in line.strip()]


def answers(host: str, port: int) -> bool:
    """Whether a server of this protocol answers there."""
    try:
        with socket.create_connection((host, port), timeout=5) as sock:
            sock.sendall(b"PING\r\n")
            return sock.recv(64).startswith((b"+PONG", b"-NOAUTH"))
    except OSError:
        return False


def report(outcomes: list[Outcome]) -> None:
    """A table by unit, then each failed test with the suite's words."""
    table = Table("unit", "passed", "failed", "ignored", "seconds")
    for outcome in outcomes:
        style = "bold" if outcome.failed else None
        shown = f"{len(outcome.failed)} failed" if outcome.failed else "0"
        table.add_row(
            outcome.unit, str(outcome.passed), shown, str(outcome.ignored), f"{outcome.seconds:.0f}", style=style
        )
    passed, failed = sum(o.passed for o in outcomes), sum(len(o.failed) for o in outcomes)
    table.add_section()
    table.add_row(
        "all",
        str(passed),
        str(failed),
        str(sum(o.ignored for o in outcomes)),
        f"{sum(o.seconds for o in outcomes):.0f}",
    )
    console = Console(width=110, highlight=False)
    console.print(table)
    for outcome in outcomes:
        for name, words in outcome.failed.items():
            console.print(f"{outcome.unit}: {name}\n{words}\n", markup=False)
    if passed + failed:
        console.print(f"{passed} passed, {failed} failed, {100 * passed / (passed + failed):.1f} % passed")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("suite", type=pathlib.Path, help="folder that holds runtest and tests/")
    parser.add_argument("server", help="HOST:PORT of the server under test")
    parser.add_argument("--units", nargs="*", help="only these units, such as unit/type/string")
    parser.add_argument(
        "--cluster-mode", action="store_true", help="the server is one cluster node that owns all slots"
    )
    parser.add_argument("--baseport", type=int, default=25111, help="first port for the suite's own use (%(default)s)")
    parser.add_argument("--tags", default="-slow", help="the suite's --tags (%(default)r)")
    parser.add_argument("--deadline", type=float, default=300, help="seconds for one unit (%(default)s)")
    parser.add_argument("--json", type=pathlib.Path, help="write the outcome there as well")
    return parser.parse_args()


def main() -> int:
    """Run the suite as the arguments say."""
    given = _arguments()
    progress = Console(stderr=True, highlight=False, soft_wrap=True)
    host, _, port = given.server.rpartition(":")
    if not (given.suite / "runtest").is_file():
        progress.print(f"SUITE must be a folder with `runtest` in it, got {given.suite}")
        return 2
    if not port.isdigit() or not answers(host, int(port)):
        progress.print(
            f"SERVER must be the HOST:PORT of a server that answers PING, got {given.server}: start it first"
        )
        return 2
    options = ["--host", host, "--port", port, "--baseport", str(given.baseport), "--tags", given.tags, "--durable"]
    options += ["--clients", "1"] + ["--cluster-mode"] * given.cluster_mode
    with tempfile.TemporaryDirectory(prefix="valkey-suite-") as temporary:
        folder = pathlib.Path(temporary)
        for name in ("tests", "utils"):
            shutil.copytree(given.suite / name, folder / name)
        shutil.copy2(given.suite / "runtest", folder / "runtest")
        (folder / "src").symlink_to((given.suite / "src").resolve())
        outcomes = []
        for unit in given.units or list_units(folder):
            outcomes.append(run_unit(folder, unit, options, given.deadline))
            counts = outcomes[-1]
            progress.print(f"{unit}: {counts.passed} passed, {len(counts.failed)} failed")
            if not answers(host, int(port)):
                progress.print(f"the server at {given.server} no longer answers after {unit}")
                break
    report(outcomes)
    if given.json is not None:
        given.json.write_text(json.dumps([dataclasses.asdict(outcome) for outcome in outcomes], indent=1))
    return 1 if any(outcome.failed for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
