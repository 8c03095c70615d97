"""Run a client library's own test suite against servers that already run, and print where their outcomes differ.

    python -m tools.conformance.client_suites redis-py FOLDER 127.0.0.1:7801 127.0.0.1:7802 [--cluster-mode]

FOLDER is a checkout of the client's source with its tests; nothing is fetched. The first server is the reference, each
other one is compared with it, test by test. A suite that knows one port only (ioredis: 6379) runs against one server at
a time: write its outcome with `--json real.json`, start the other server, and give `--reference real.json`.

What the suites need: the Python ones an interpreter (`--python`) that has the client's development requirements and the
client's source on its path or in the folder (glide: its wheel of the same version); the others `node` and FOLDER's
`node_modules`. GLIDE's suite wants two servers of a kind, given as STANDALONE,CLUSTER. What needs another topology
(replicas, sentinels, several nodes, modules, TLS certificates of the project's own) is left out or fails alike on both.

Exit code: 0 when nothing that passes on the reference fails elsewhere, 1 when something does, 2 when the run itself could
not be done.
"""

import argparse
import collections
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table
from tools.conformance.valkey_suite import answers

_LONGER_TIMEOUTS = '''\
"""Gives every test two minutes: several suites end the whole run after five seconds in one test."""

import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.timeout(120, method="signal"), append=False)
'''


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a suite: where it lies, whom it speaks to, what it is to write and where its aids are."""

    folder: pathlib.Path
    server: str
    report: pathlib.Path
    aids: pathlib.Path
    python: str
    cluster_mode: bool
    options: list[str]


def _pytest(run: Run, *options: str) -> list[str]:
    base = [run.python, "-m", "pytest", "-q", "-p", "longer_timeouts", "-p", "no:cacheprovider", "--tb=native"]
    return [*base, f"--junit-xml={run.report}", *options, *run.options]


def _redis_py(run: Run) -> list[str]:
    topology = "onlynoncluster" if run.cluster_mode else "onlycluster"
    marks = f"not {topology} and not fixed_client and not multidb_integration and not redismod and not ssl"
    ignored = ["--ignore=tests/test_scenario", "--ignore=tests/test_asyncio/test_scenario"]
    url = [f"--redis-url=redis://{run.server}/0", "--redis-cluster-nodes=1"]
    return _pytest(run, *url, *ignored, "-m", marks, *_one_node_only(run))


def _valkey_py(run: Run) -> list[str]:
    topology = "onlynoncluster" if run.cluster_mode else "onlycluster"
    marks = f"not {topology} and not valkeymod and not ssl"
    url = [f"--valkey-url=valkey://{run.server}/0", "--valkey-cluster-nodes=1"]
    return _pytest(run, *url, "-m", marks, *_one_node_only(run))


def _one_node_only(run: Run) -> list[str]:
    """Without the tests that take a slot away, which the only node would miss in every later test."""
    return ["-k", "not full_coverage_cluster_down and not delslots and not flushslots"] if run.cluster_mode else []


def _glide(run: Run) -> list[str]:
    standalone, _, cluster = run.server.partition(",")
    endpoints = [f"--standalone-endpoints={standalone}", f"--cluster-endpoints={cluster or standalone}"]
    return _pytest(run, *endpoints, "--async-backend=asyncio", *([] if run.options else ["tests/async_tests"]))


def _ioredis(run: Run) -> list[str]:
    specs = run.options or ["test/functional/**/*.ts"]
    reporter = ["--reporter", "xunit", "--reporter-option", f"output={run.report}"]
    return ["node_modules/.bin/mocha", "--exit", *reporter, "test/helpers/*.ts", *specs]


def _bullmq(run: Run) -> list[str]:
    reporter = ["--reporter=junit", f"--outputFile={run.report}"]
    options = run.options or ["--config", "vitest.config.ts"]
    return ["node_modules/.bin/vitest", "run", "--no-file-parallelism", *reporter, *options]


COMMANDS: dict[str, Callable[[Run], list[str]]] = {
    "redis-py": _redis_py,
    "valkey-py": _valkey_py,
    "glide": _glide,
    "ioredis": _ioredis,
    "bullmq": _bullmq,
}
"""The suites that can be run against a server that is already there, and the command of each."""

FIXED_PORTS = {"ioredis": "6379"}
"""Suites that know one port only."""

Outcomes = dict[str, str]
"""`passed`, `failed` or `skipped` by the name of a test; one that ran twice counts as failed when it failed once."""


def parse(report: str) -> Outcomes:
    """Read a report in the XML of JUnit, as pytest, vitest and mocha write it."""
    outcomes: Outcomes = {}
    root = ElementTree.fromstring(report)  # noqa: S314  written a moment ago by the suite that this script ran
    for case in root.iter("testcase"):
        name = f"{case.get('classname', '')}::{case.get('name', '')}"
        found = {child.tag for child in case}
        outcome = "failed" if found & {"failure", "error"} else "skipped" if "skipped" in found else "passed"
        if outcomes.get(name) != "failed":
            outcomes[name] = outcome
    return outcomes


def differences(reference: Outcomes, other: Outcomes) -> dict[str, tuple[str, str]]:
    """Tests whose outcomes are not the same, `absent` where a test did not run."""
    names = sorted(reference.keys() | other.keys())
    pairs = {name: (reference.get(name, "absent"), other.get(name, "absent")) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def run_suite(suite: str, run: Run, deadline_s: float) -> Outcomes:
    """Run `suite` as `run` says, at most `deadline_s` seconds; what it started is ended with it.

    Raises RuntimeError, with the last lines that it printed, if it wrote no report.
    """
    (run.aids / "longer_timeouts.py").write_text(_LONGER_TIMEOUTS)
    environment = os.environ | {"PYTHONPATH": f"{run.folder}:{run.aids}"} if "py" in suite else dict(os.environ)
    if suite == "glide":
        environment["PYTHONPATH"] = f"{run.aids}"
    host, _, port = run.server.partition(",")[0].rpartition(":")
    environment |= {"REDIS_HOST": host, "REDIS_PORT": port, "TS_NODE_TRANSPILE_ONLY": "true", "NODE_ENV": "test"}
    with subprocess.Popen(
        COMMANDS[suite](run), cwd=run.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL, start_new_session=True, text=True, errors="replace",
    ) as process:  # fmt: skip
        try:
            output, _ = process.communicate(timeout=deadline_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            output += f"\nnot done after {deadline_s:.0f} s"
    if not run.report.is_file() or not run.report.stat().st_size:
        raise RuntimeError("\n".join(output.splitlines()[-12:]))
    return parse(run.report.read_text())


def report(results: list[tuple[str, Outcomes]], console: Console) -> bool:
    """Print the counts by server and each test that differs from the first; whether all that passes there passes here."""
    table = Table("server", "passed", "failed", "skipped")
    for server, outcomes in results:
        counts = collections.Counter(outcomes.values())
        table.add_row(server, *(str(counts[kind]) for kind in ("passed", "failed", "skipped")))
    console.print(table)
    good = True
    for server, outcomes in results[1:]:
        differing = differences(results[0][1], outcomes)
        good = good and not any(there == "passed" and here == "failed" for there, here in differing.values())
        console.print(f"{server}: {len(differing)} tests differ from {results[0][0]}")
        for name, (there, here) in differing.items():
            console.print(f"  {there} -> {here}: {name}", markup=False)
    return good


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("suite", choices=sorted(COMMANDS))
    parser.add_argument("folder", type=pathlib.Path, help="the client's source with its tests")
    parser.add_argument("servers", nargs="+", help="HOST:PORT of the reference, then of each that is compared with it")
    parser.add_argument("--cluster-mode", action="store_true", help="the servers are cluster nodes that own all slots")
    parser.add_argument("--python", default=sys.executable, help="interpreter of the Python suites (%(default)s)")
    parser.add_argument(
        "--reference", type=pathlib.Path, help="an outcome that --json wrote, to compare all servers with"
    )
    parser.add_argument("--json", type=pathlib.Path, help="write the first server's outcome there")
    parser.add_argument("--deadline", type=float, default=1800, help="seconds for one server (%(default)s)")
    parser.add_argument("--options", nargs=argparse.REMAINDER, default=[], help="all that follows goes to the suite")
    return parser.parse_args()


def _problem(given: argparse.Namespace) -> str | None:
    """Why the run can't be done as asked, or None."""
    if not given.folder.is_dir():
        return f"FOLDER must be a folder with the client's source, got {given.folder}"
    for server in given.servers:
        for address in server.split(","):
            host, _, port = address.rpartition(":")
            if not port.isdigit() or not answers(host, int(port)):
                return f"SERVERS must be HOST:PORT of servers that answer PING, got {address}: start it first"
            if port != FIXED_PORTS.get(given.suite, port):
                return f"the suite of {given.suite} knows port {FIXED_PORTS[given.suite]} only, got {address}"
    return None


def main() -> int:
    """Run the suite as the arguments say."""
    given = _arguments()
    progress = Console(stderr=True, highlight=False, soft_wrap=True)
    problem = _problem(given)
    if problem is not None:
        progress.print(problem, markup=False)
        return 2
    results: list[tuple[str, Outcomes]] = []
    if given.reference is not None:
        results.append((given.reference.name, json.loads(given.reference.read_text())))
    measured = len(results)
    with tempfile.TemporaryDirectory(prefix="client-suite-") as temporary:
        aids = pathlib.Path(temporary)
        for index, server in enumerate(given.servers):
            run = Run(
                given.folder.resolve(), server, aids / f"{index}.xml", aids, given.python, given.cluster_mode,
                given.options,
            )  # fmt: skip
            try:
                results.append((server, run_suite(given.suite, run, given.deadline)))
            except RuntimeError as error:
                progress.print(f"the suite of {given.suite} wrote no report for {server}:\n{error}", markup=False)
                return 2
    if given.json is not None:
        given.json.write_text(json.dumps(results[measured][1], indent=1))
    return 0 if report(results, Console(width=160, highlight=False)) else 1


if __name__ == "__main__":
    sys.exit(main())
