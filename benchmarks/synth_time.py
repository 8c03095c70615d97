"""How long the stacks take to define and to synthesise, beside the same templates in plain L1, in one process.

The L1 side is the program that ``plain_l1`` writes for the synthesised template: a statement with the L1 class for each
resource, the same assets, and the acknowledgments that cdk-nag asks for. Its template is compared with ours before
anything is timed. Both sides run under cdk-nag's AwsSolutions rules, in an assembly folder of their own. Rounds
alternate, each after a collection of garbage; the first of each is not counted, because CDK loads its rules then. Calls
are the messages to the Node that runs the CDK. Totals are medians of the wall clock; the last column compares processor
time, which other processes on the machine disturb less.

    python -m benchmarks.synth_time [--rounds N] [--program FOLDER] [STACK ...]
"""

import argparse
import functools
import gc
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import aws_cdk as cdk
import psutil
from benchmarks.plain_l1 import Assets, compiled, write_program
from cdk_nag import AwsSolutionsChecks
from jsii._kernel.providers import process as node
from stacks.app import ARCHITECTURES, build

ROOT = Path(__file__).parents[1]
DEFAULT = ("web-app", "session-api", "messaging")
Define = Callable[[cdk.App], None]


@dataclass(frozen=True)
class Run:
    """One definition and one synthesis: seconds, those of the processor that both processes took, and messages to Node."""

    define: float
    synth: float
    cpu: float
    calls: int


def main() -> None:
    """Measure the stacks that were named and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("stacks", nargs="*", metavar="STACK", help=f"of {', '.join(ARCHITECTURES)}")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--program", type=Path, metavar="FOLDER", help="keep the L1 programs here, to read them")
    arguments = parser.parse_args()
    print(f"{'stack':<14}{'ours: define':>13}{'synth':>8}{'total':>8}{'calls':>7}", end="")
    print(f"{'L1: define':>13}{'synth':>8}{'total':>8}{'calls':>7}{'ratio':>8}{'of CPU':>8}")
    for name in arguments.stacks or DEFAULT:
        measure(name, arguments.rounds, arguments.program)


def measure(name: str, rounds: int, program_folder: Path | None) -> None:
    """One line of the table: medians in seconds."""
    context = {**json.loads((ROOT / "cdk.json").read_text())["context"], "stack": name}
    with tempfile.TemporaryDirectory() as folder:
        ours = cdk.App(analytics_reporting=False, context=context, outdir=folder)
        build(ours)
        (stack,) = ours.synth().stacks
        plain = plain_program(stack, context, Path(folder), program_folder)
        sides: list[tuple[Define, list[Run]]] = [(build, []), (plain, [])]
        for _ in range(rounds):
            for define, runs in sides:
                runs.append(timed(define, context))
    totals, cells = [], ""
    for _, runs in sides:
        define, synth = (statistics.median(getattr(run, part) for run in runs) for part in ("define", "synth"))
        totals.append(statistics.median(run.define + run.synth for run in runs))
        cells += f"{define:>13.3f}{synth:>8.3f}{totals[-1]:>8.3f}{runs[-1].calls:>7}"
    by_cpu = sum(run.cpu for run in sides[0][1]) / sum(run.cpu for run in sides[1][1])
    print(f"{name:<14}{cells}{totals[0] / totals[1]:>8.2f}{by_cpu:>8.2f}")


def plain_program(
    stack: cdk.cx_api.CloudFormationStackArtifact, context: dict[str, Any], assembly: Path, keep: Path | None
) -> Define:
    """The stack without any construct, under the same rules and as clean. Raises when its template is another."""
    template, acknowledged = stack.template, dict[str, dict[str, str]]()
    synthesised = None
    with redirect_stderr(io.TextIOWrapper(io.BytesIO())):  # cdk-nag's findings, in colour
        while synthesised is None:
            source = write_program(template, Assets.of(assembly, stack.stack_name), acknowledged)
            define = functools.partial(_in_app, compiled(source), stack.stack_name, template.get("Description"))
            app = cdk.App(analytics_reporting=False, context=context)
            define(app)
            try:
                synthesised = app.synth().stacks[0].template
            except RuntimeError as error:
                _acknowledge(Path(str(error).rsplit(": ", 1)[-1]), acknowledged)
    if in_any_order(synthesised) != in_any_order(template):
        raise AssertionError(f"the L1 program of {stack.stack_name} must give its template, got another")
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{stack.stack_name}.py").write_text(source)
    return define


def _in_app(define: Callable[[cdk.Stack], None], name: str, description: str | None, app: cdk.App) -> None:
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    define(cdk.Stack(app, name, description=description))


def _acknowledge(report: Path, acknowledged: dict[str, dict[str, str]]) -> None:
    """Note what cdk-nag found. Raises when it was noted already, for then noting does not help."""
    for plugin in json.loads(report.read_text())["pluginReports"]:
        for violation in plugin["violations"]:
            for construct in violation["violatingConstructs"]:
                rules = acknowledged.setdefault(construct["constructPath"].rsplit("/", 1)[-1], {})
                if violation["ruleName"] in rules:
                    raise AssertionError(f"{violation['ruleName']} must go away once it is acknowledged, got it again")
                rules[violation["ruleName"]] = "As our construct acknowledges it."


def in_any_order(template: dict[str, Any]) -> dict[str, Any]:
    """The template with its DependsOn sorted, whose order means nothing."""
    resources = {
        name: {**resource, "DependsOn": sorted(resource["DependsOn"])} if "DependsOn" in resource else resource
        for name, resource in template["Resources"].items()
    }
    return {**template, "Resources": resources}


def timed(define: Define, context: dict[str, Any]) -> Run:
    """Define and synthesise once, in a folder that is removed outside of the measurement."""
    with tempfile.TemporaryDirectory() as folder, counted() as calls:
        gc.collect()
        used = processor_seconds()
        start = time.perf_counter()
        app = cdk.App(analytics_reporting=False, context=context, outdir=folder)
        define(app)
        defined = time.perf_counter()
        app.synth()
        end = time.perf_counter()
        return Run(defined - start, end - defined, processor_seconds() - used, len(calls))


def processor_seconds() -> float:
    """What this process and Node have used so far. Ticks of 10 ms: good for sums over rounds."""
    me = psutil.Process()
    return sum(times.user + times.system for times in (one.cpu_times() for one in (me, *me.children(recursive=True))))


@contextmanager
def counted() -> Iterator[list[None]]:
    """A list that grows by one with each message to Node."""
    calls: list[None] = []
    original = node._NodeProcess.send

    def send(process: node._NodeProcess, *arguments: Any) -> Any:  # noqa: ANN401  (as Node's is)
        calls.append(None)
        return original(process, *arguments)

    with mock.patch.object(node._NodeProcess, "send", send):
        yield calls


if __name__ == "__main__":
    main()
