"""Run memcached's own tests, and print the outcome by file: of this engine, or of a real memcached.

    python tools/conformance/memcached_suite.py SUITE [--profile memcached-1.6] [--files getset.t ...]
    python tools/conformance/memcached_suite.py SUITE --real /usr/bin/memcached --json real.json
    python tools/conformance/memcached_suite.py SUITE --compare real.json

SUITE is a folder with memcached's source: `t/` and `timedrun.c`; `perl` and `cc` are needed, and for `--tls` perl's
IO::Socket::SSL. Nothing is fetched, and the folder is only read: the tests run in a copy, where `memcached-debug` is a
script that starts the server. Each file is a process of its own with a deadline. Files of features that neither
ElastiCache nor a plain build of memcached has are left out: extstore, the proxy, SASL, restartable memory.

Exit code: 0 when every file passed, 1 when one did not, 2 when the run itself could not be done.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from rich.console import Console
from rich.table import Table

DEADLINE_SECONDS = 300.0
LEFT_OUT = re.compile(r"extstore|^proxy|sasl|^restart|^whitespace|^misbehave|^udp|^issue_67|^64bit|^ssl_|^line-lengths")
"""Files that are not run: beside the features above, those that read the source or its documentation, need system call
filters, UDP, a 4 GB cache or certificates."""

_RESULT = re.compile(r"^(not ok|ok) (\d+)(.*)$")
_PLAN = re.compile(r"^1\.\.(\d+)( # SKIP.*)?")
_SKIP = re.compile(r"# (skip|todo)\b", re.IGNORECASE)


@dataclasses.dataclass
class Outcome:
    """What one file printed."""

    name: str
    planned: int = 0
    passed: int = 0
    skipped: int = 0
    failed: list[str] = dataclasses.field(default_factory=list)
    ended: bool = True

    @property
    def is_good(self) -> bool:
        """Whether every test that was planned passed or was skipped by the suite."""
        return self.ended and not self.failed and self.passed + self.skipped >= self.planned


def parse(name: str, output: str, *, ended: bool) -> Outcome:
    """Read the output of a test file: TAP, the protocol of perl's tests."""
    outcome = Outcome(name, ended=ended)
    for line in output.splitlines():
        plan = _PLAN.match(line)
        result = _RESULT.match(line)
        if plan:
            outcome.planned = int(plan[1])
        elif result is None:
            continue
        elif _SKIP.search(result[3]):
            outcome.skipped += 1
        elif result[1] == "ok":
            outcome.passed += 1
        else:
            outcome.failed.append(f"{result[2]}{result[3]}")
    return outcome


def prepare(suite: pathlib.Path, folder: pathlib.Path, command: list[str]) -> None:
    """A copy of the suite in ``folder`` whose server is ``command``."""
    shutil.copytree(suite / "t", folder / "t")
    subprocess.run(["cc", "-w", "-o", str(folder / "timedrun"), str(suite / "timedrun.c")], check=True)
    for name in ("memcached", "memcached-debug"):
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec {" ".join(command)} "$@"\n', encoding="utf-8")
        script.chmod(0o755)


def run_file(folder: pathlib.Path, name: str, *, tls: bool) -> Outcome:
    """Run one file in the copy, with everything that it starts in a group that ends with it."""
    environment = {**os.environ, "SSL_TEST": "1"} if tls else dict(os.environ)
    process = subprocess.Popen(
        ["perl", "-I", "t/lib", f"t/{name}"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=DEADLINE_SECONDS)
        ended = True
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        ended = False
    return parse(name, output, ended=ended and process.returncode in {0, *range(1, 256)})


def show(console: Console, outcomes: list[Outcome], real: dict[str, dict[str, object]]) -> None:
    """The table of all files."""
    table = Table("file", "planned", "passed", "skipped", "failed", *(["the real server"] if real else []))
    for outcome in outcomes:
        failed = str(len(outcome.failed)) if outcome.ended else f"{len(outcome.failed)}, not ended"
        row = [outcome.name, str(outcome.planned), str(outcome.passed), str(outcome.skipped), failed]
        if real:
            known = real.get(outcome.name)
            row.append("not run" if known is None else f"{known['passed']} passed")
        table.add_row(*row)
    console.print(table)
    for outcome in outcomes:
        for test in outcome.failed:
            console.print(f"{outcome.name}: not ok {test}", markup=False)
    good = sum(outcome.is_good for outcome in outcomes)
    passed = sum(outcome.passed for outcome in outcomes)
    console.print(f"{good} of {len(outcomes)} files, {passed} tests passed")


def main() -> int:
    """Run the files that the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("suite", type=pathlib.Path)
    parser.add_argument("--profile", default="memcached-1.6")
    parser.add_argument("--real", default="", help="a memcached to run the tests with, built for debugging")
    parser.add_argument("--files", nargs="*", default=[])
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--compare", type=pathlib.Path)
    arguments = parser.parse_args()
    if not (arguments.suite / "t").is_dir():
        sys.stderr.write(f"{arguments.suite} has no folder t\n")
        return 2
    engine = [sys.executable, "-m", "cachetwin_engine", "--profile", arguments.profile, "--enable-debug-commands"]
    command = [arguments.real] if arguments.real else [*engine, "--loglevel", "warning"]
    names = arguments.files or sorted(
        path.name for path in (arguments.suite / "t").glob("*.t") if not LEFT_OUT.search(path.name)
    )
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="memcached-suite-") as folder:
        prepare(arguments.suite, pathlib.Path(folder), command)
        for name in names:
            outcomes.append(run_file(pathlib.Path(folder), name, tls=arguments.tls))
            last = outcomes[-1]
            sys.stderr.write(
                f"{name}: {last.passed} passed, {len(last.failed)} failed{'' if last.ended else ', hung'}\n"
            )
    if arguments.json:
        text = json.dumps({outcome.name: dataclasses.asdict(outcome) for outcome in outcomes}, indent=1)
        arguments.json.write_text(text, encoding="utf-8")
    real = json.loads(arguments.compare.read_text(encoding="utf-8")) if arguments.compare else {}
    show(Console(width=140), outcomes, real)
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
