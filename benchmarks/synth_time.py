"""How long the stacks take to define and to synthesise, beside the same templates in plain L1, in one process.

The L1 side defines every resource of the synthesised template as a ``CfnResource`` with the properties it has there: the
least that an app without constructs could do. Assets (the code of functions, the folder of an image) are staged by ours
only, since a template written by hand would name them as they lie in S3. Rounds alternate; the first of each is not
counted, because CDK loads its rules then.

    python -m benchmarks.synth_time [--rounds N] [STACK ...]
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stacks.app import ARCHITECTURES, build  # isort: skip  (first: it chooses the Node that aws_cdk starts)

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

ROOT = Path(__file__).parents[1]
DEFAULT = ("web-app", "session-api", "messaging")
Define = Callable[[cdk.App], None]


def main() -> None:
    """Measure the stacks that were named and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("stacks", nargs="*", metavar="STACK", help=f"of {', '.join(ARCHITECTURES)}")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(
        f"{'stack':<18}{'ours: define':>14}{'synth':>9}{'total':>9}{'L1: define':>14}{'synth':>9}{'total':>9}{'ratio':>8}"
    )
    for name in arguments.stacks or DEFAULT:
        measure(name, arguments.rounds)


def measure(name: str, rounds: int) -> None:
    """One line of the table: medians in seconds."""
    flags = json.loads((ROOT / "cdk.json").read_text())["context"]
    context = {**flags, "stack": name}
    with tempfile.TemporaryDirectory() as folder:
        ours = cdk.App(analytics_reporting=False, context=context, outdir=folder)
        build(ours)
        templates = {stack.stack_name: stack.template for stack in ours.synth().stacks}
        by_ours, by_l1 = [], []
        plain(templates)(cdk.App(analytics_reporting=False, context=context))
        for _ in range(rounds):
            by_ours.append(seconds(build, context))
            by_l1.append(seconds(plain(templates), context))
    columns = []
    for runs in (by_ours, by_l1):
        define, synth = (statistics.median(run[part] for run in runs) for part in (0, 1))
        columns += [define, synth, define + synth]
    cells = "".join(f"{value:>{width}.3f}" for value, width in zip(columns, (14, 9, 9, 14, 9, 9), strict=True))
    print(f"{name:<18}{cells}{columns[2] / columns[5]:>8.2f}")


def plain(templates: dict[str, dict[str, Any]]) -> Define:
    """The same resources without any construct, under the same rules."""

    def define(app: cdk.App) -> None:
        cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
        for stack_name, template in templates.items():
            stack = cdk.Stack(app, stack_name, synthesizer=cdk.LegacyStackSynthesizer())
            for logical_id, resource in template["Resources"].items():
                made = cdk.CfnResource(stack, logical_id, type=resource["Type"], properties=resource.get("Properties"))
                made.override_logical_id(logical_id)

    return define


def seconds(define: Define, context: dict[str, Any]) -> tuple[float, float]:
    """To define and to synthesise, in seconds. What cdk-nag finds in the L1 side costs time, too, and stops nothing."""
    with tempfile.TemporaryDirectory() as folder:
        app = cdk.App(analytics_reporting=False, context=context, outdir=folder)
        start = time.perf_counter()
        define(app)
        defined = time.perf_counter()
        try:
            app.synth()
        except RuntimeError as error:
            if "ValidationFailed" not in str(error):
                raise
        return defined - start, time.perf_counter() - defined


if __name__ == "__main__":
    main()
