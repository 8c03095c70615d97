"""Run Valkey's or Redis OSS's own test suite, and print the outcome by unit: against a server that already runs, or, for
the units that start servers of their own, with a command that starts one.

    python tools/conformance/valkey_suite.py SUITE 127.0.0.1:7701 [--cluster-mode] [--units unit/type/string ...]
    python tools/conformance/valkey_suite.py SUITE --own-server cachetwin-engine [--tls] [--compare REAL.json]

SUITE is a folder with that project's source: `runtest`, `tests/`, and, for the few units that start them, `src/valkey-cli`
and `src/valkey-benchmark` (or the redis ones); `tclsh` is needed. Nothing is fetched, and the folder is only read: the
suite writes into its own tree, so it runs from a copy. Each unit is a process of its own with a deadline, so that one
that hangs costs itself alone. Start the server as the suite expects it:

    cachetwin-engine --port 7701 --profile valkey-8.1 --save "" --enable-debug-command yes --enable-protected-configs yes

With `--own-server COMMAND` the suite starts its servers itself, as `COMMAND CONFIG_FILE [--name value...]` and through a
wrapper that lets them listen on 127.0.0.1 only, whatever the file says; tests that need other addresses are left out.
The units are then those with tests that the suite keeps from servers that already run. `--tls` makes certificates with
the suite's own script (it needs `openssl`, and `tcl-tls` for the suite).

Exit code: 0 when no test failed, 1 when one did, 2 when the run itself could not be done.
"""

import argparse
import contextlib
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
_OWN_SERVER = "external:skip"
_ADDS_SLOTS = re.compile(r"^( *)R \$j cluster addslots", re.MULTILINE)
_BEGINS_DEBUGGER = re.compile(r"^start_server [^\n]*\{\n    r script debug sync\n(?:    [^\n]*\n)*\}\n", re.MULTILINE)
_BEYOND_LOOPBACK = (
    "CONFIG SET bind-source-addr",
    "Default bind address configuration handling",
    "Protected mode works as expected",
)
_WRAPPER = """\
#!/bin/sh
if [ -f "$1" ]; then
    sed -i '/^ *bind /Id' "$1"
    echo 'bind 127.0.0.1' >> "$1"
    echo " PID: $$, Server initialized"
else
    case "$1" in --version | --help | -h | -v) ;; *) set -- --bind 127.0.0.1 "$@" ;; esac
fi
exec {command} "$@" 2>&1
"""


@dataclasses.dataclass
class Outcome:
    """What one unit printed: counts, and the tests that failed with the lines the suite printed below each."""

    unit: str
    passed: int = 0
    passed_names: list[str] = dataclasses.field(default_factory=list)
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
            outcome.passed_names.append(name)
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
        finally:
            with contextlib.suppress(ProcessLookupError):  # servers that a unit left behind
                os.killpg(process.pid, signal.SIGKILL)
    outcome = parse(unit, output)
    outcome.seconds = time.monotonic() - started
    return outcome


def list_units(folder: pathlib.Path) -> list[str]:
    """The suite's units in its own order."""
    done = subprocess.run(["./runtest", "--list-tests"], cwd=folder, capture_output=True, text=True, check=True)
    return [line.strip() for line in done.stdout.splitlines() if "/" in line and " " not in line.strip()]


def units_with_servers(folder: pathlib.Path) -> list[str]:
    """The units that hold tests which the suite keeps from a server that already runs."""
    return [unit for unit in list_units(folder) if _OWN_SERVER in (folder / "tests" / f"{unit}.tcl").read_text()]


def give_up_slots(folder: pathlib.Path) -> None:
    """Let nodes give up their slots before the suite hands them out: a node of this engine begins with all of them."""
    script = folder / "tests" / "support" / "cluster_util.tcl"
    if script.is_file():
        script.write_text(_ADDS_SLOTS.sub(r"\1catch {R $j cluster flushslots}\n\g<0>", script.read_text()))


def take_out_debugger(folder: pathlib.Path) -> None:
    """Leave out the block of unit/scripting that only begins the script debugger: its error would end the whole unit."""
    unit = folder / "tests" / "unit" / "scripting.tcl"
    if unit.is_file():
        unit.write_text(_BEGINS_DEBUGGER.sub("", unit.read_text()))


def write_wrapper(folder: pathlib.Path, command: str) -> None:
    """Make `src/valkey-server` of the copy start `command`, on 127.0.0.1 only.

    The suite waits for the number of the process on stdout, and reads the log there.
    """
    wrapper = folder / "src" / "valkey-server"
    wrapper.unlink(missing_ok=True)
    wrapper.write_text(_WRAPPER.format(command=command))
    wrapper.chmod(0o755)


def copy_suite(suite: pathlib.Path, folder: pathlib.Path) -> None:
    """A copy of what a run writes into; the suite's programs are linked."""
    for name in ("tests", "utils"):
        shutil.copytree(suite / name, folder / name)
    shutil.copy2(suite / "runtest", folder / "runtest")
    (folder / "src").mkdir()
    for program in (suite / "src").resolve().glob("*-*"):
        if os.access(program, os.X_OK):
            (folder / "src" / program.name).symlink_to(program)
    ports = folder / "tests" / "support" / "util.tcl"
    if ports.is_file():  # it looks for free ports by listening on every address
        text = ports.read_text().replace("socket -server 127.0.0.1 ", "socket -server 127.0.0.1 -myaddr 127.0.0.1 ")
        ports.write_text(text)


def answers(host: str, port: int) -> bool:
    """Whether a server of this protocol answers there."""
    try:
        with socket.create_connection((host, port), timeout=5) as sock:
            sock.sendall(b"PING\r\n")
            return sock.recv(64).startswith((b"+PONG", b"-NOAUTH"))
    except OSError:
        return False


def report(outcomes: list[Outcome], compared: dict[str, Outcome]) -> None:
    """A table by unit, with the counts of another run if there is one; then each failed test with the suite's words."""
    columns = [
        "unit",
        "passed",
        "failed",
        "ignored",
        "seconds",
        *(["passed there", "failed there"] if compared else []),
    ]
    table = Table(*columns)
    for outcome in outcomes:
        style = "bold" if outcome.failed else None
        shown = f"{len(outcome.failed)} failed" if outcome.failed else "0"
        row = [outcome.unit, str(outcome.passed), shown, str(outcome.ignored), f"{outcome.seconds:.0f}"]
        table.add_row(*row, *_there(compared, outcome.unit), style=style)
    passed, failed = sum(o.passed for o in outcomes), sum(len(o.failed) for o in outcomes)
    ignored, seconds = sum(o.ignored for o in outcomes), sum(o.seconds for o in outcomes)
    table.add_section()
    table.add_row("all", str(passed), str(failed), str(ignored), f"{seconds:.0f}")
    console = Console(width=110, highlight=False)
    console.print(table)
    for outcome in outcomes:
        there = compared.get(outcome.unit)
        for name, words in outcome.failed.items():
            also = " (there too)" if there is not None and name in there.failed else ""
            console.print(f"{outcome.unit}: {name}{also}\n{words}\n", markup=False)
        if there is not None:
            missing = [name for name in there.passed_names if name not in {*outcome.passed_names, *outcome.failed}]
            for name in missing:
                console.print(f"{outcome.unit}: {name}\nran there, not here\n", markup=False)
    if passed + failed:
        console.print(f"{passed} passed, {failed} failed, {100 * passed / (passed + failed):.1f} % passed")


def _there(compared: dict[str, Outcome], unit: str) -> list[str]:
    if not compared:
        return []
    there = compared.get(unit)
    return ["", ""] if there is None else [str(there.passed), str(len(there.failed))]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("suite", type=pathlib.Path, help="folder that holds runtest and tests/")
    parser.add_argument("server", nargs="?", help="HOST:PORT of the server under test")
    parser.add_argument(
        "--own-server",
        metavar="COMMAND",
        help="instead of SERVER: what starts one, with a configuration file behind it",
    )
    parser.add_argument("--units", nargs="*", help="only these units, such as unit/type/string")
    parser.add_argument(
        "--cluster-mode", action="store_true", help="the server is one cluster node that owns all slots"
    )
    parser.add_argument("--tls", action="store_true", help="with --own-server: everything over TLS")
    parser.add_argument("--baseport", type=int, default=25111, help="first port for the suite's own use (%(default)s)")
    parser.add_argument("--tags", default="-slow", help="the suite's --tags (%(default)r)")
    parser.add_argument("--only", action="append", default=[], help="only the test of that name; may come repeatedly")
    parser.add_argument("--deadline", type=float, default=300, help="seconds for one unit (%(default)s)")
    parser.add_argument("--json", type=pathlib.Path, help="write the outcome there as well")
    parser.add_argument("--compare", type=pathlib.Path, help="what --json wrote of another server, to show beside it")
    return parser.parse_args()


def _problem(given: argparse.Namespace) -> str:
    """What is wrong with the arguments, or an empty text."""
    if not (given.suite / "runtest").is_file():
        return f"SUITE must be a folder with `runtest` in it, got {given.suite}"
    if bool(given.server) == bool(given.own_server):
        return "one of SERVER and --own-server must be given"
    if given.own_server:
        return ""
    host, _, port = given.server.rpartition(":")
    if not port.isdigit() or not answers(host, int(port)):
        return f"SERVER must be the HOST:PORT of a server that answers PING, got {given.server}: start it first"
    return ""


def _options(given: argparse.Namespace) -> list[str]:
    """The words for `runtest`."""
    options = ["--baseport", str(given.baseport), "--tags", given.tags, "--durable", "--clients", "1"]
    for name in given.only:
        options += ["--only", name]
    if given.own_server:
        for name in _BEYOND_LOOPBACK:
            options += ["--skiptest", name]
        return options + ["--tls"] * given.tls
    host, _, port = given.server.rpartition(":")
    return ["--host", host, "--port", port, *options] + ["--cluster-mode"] * given.cluster_mode


def main() -> int:
    """Run the suite as the arguments say."""
    given = _arguments()
    progress = Console(stderr=True, highlight=False, soft_wrap=True)
    problem = _problem(given)
    if problem:
        progress.print(problem)
        return 2
    compared = {}
    if given.compare is not None:
        compared = {entry["unit"]: Outcome(**entry) for entry in json.loads(given.compare.read_text())}
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="valkey-suite-") as temporary:
        folder = pathlib.Path(temporary)
        copy_suite(given.suite, folder)
        if given.own_server:
            write_wrapper(folder, given.own_server)
            give_up_slots(folder)
            take_out_debugger(folder)
        if given.tls:
            subprocess.run(["sh", "utils/gen-test-certs.sh"], cwd=folder, check=True, capture_output=True)
        for unit in given.units or (units_with_servers if given.own_server else list_units)(folder):
            outcomes.append(run_unit(folder, unit, _options(given), given.deadline))
            counts = outcomes[-1]
            progress.print(f"{unit}: {counts.passed} passed, {len(counts.failed)} failed")
            if given.json is not None:
                given.json.write_text(json.dumps([dataclasses.asdict(outcome) for outcome in outcomes], indent=1))
            if given.server and not answers(*_address(given.server)):
                progress.print(f"the server at {given.server} no longer answers after {unit}")
                break
    report(outcomes, compared)
    return 1 if any(outcome.failed for outcome in outcomes) else 0


def _address(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    sys.exit(main())
