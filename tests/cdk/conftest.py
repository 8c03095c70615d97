"""A fresh stack per test. All of it runs in one process, because CDK takes seconds to load and milliseconds after."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Annotations, Match, Template

ROOT = Path(__file__).parents[2]
Properties = Callable[[str], dict[str, Any]]
Warnings = Callable[[], list[str]]
Cfripper = Callable[[cdk.cx_api.CloudAssembly], set[tuple[str, str]]]
Checkov = Callable[[cdk.cx_api.CloudAssembly], set[tuple[str, str, str]]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here synthesises."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.cdk)


@pytest.fixture
def stack() -> cdk.Stack:
    return cdk.Stack(cdk.App(analytics_reporting=False), "Shop")


@pytest.fixture
def vpc(stack: cdk.Stack) -> ec2.IVpc:
    """Two public and two isolated subnets that exist already: defining them would take most of a test's time."""
    zones = cdk.Fn.get_azs()
    return ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=[cdk.Fn.select(index, zones) for index in range(2)],
        public_subnet_ids=[f"subnet-0123456789abcde{index:02}" for index in range(2)],
        public_subnet_route_table_ids=[f"rtb-0123456789abcde{index:02}" for index in range(2)],
        isolated_subnet_ids=[f"subnet-0123456789abcde{index:02}" for index in range(2, 4)],
        isolated_subnet_route_table_ids=[f"rtb-0123456789abcde{index:02}" for index in range(2, 4)],
    )


@pytest.fixture
def properties(stack: cdk.Stack) -> Properties:
    """The properties of the only resource of a type, such as ``AWS::ElastiCache::User``."""

    def of_type(resource_type: str) -> dict[str, Any]:
        found = Template.from_stack(stack).find_resources(resource_type)
        assert len(found) == 1, f"expected one {resource_type}, found {sorted(found)}"
        (resource,) = found.values()
        result: dict[str, Any] = resource["Properties"]
        return result

    return of_type


@pytest.fixture
def warnings(stack: cdk.Stack) -> Warnings:
    """The ids of the warnings attached anywhere in the stack."""

    def ids() -> list[str]:
        entries = Annotations.from_stack(stack).find_warning("*", Match.any_value())
        return [str(entry.entry.data).rsplit("[ack: ", 1)[-1].rstrip("]") for entry in entries]

    return ids


@pytest.fixture
def any_text(stack: cdk.Stack) -> str:
    """Text that is unknown until deployment."""
    return cdk.CfnParameter(stack, "AnyText").value_as_string


@pytest.fixture
def any_number(stack: cdk.Stack) -> float:
    """A number that is unknown until deployment."""
    return cdk.CfnParameter(stack, "AnyNumber", type="Number").value_as_number


@pytest.fixture(scope="session")
def cfripper() -> Cfripper:
    """What cfripper finds in the templates of an assembly: the rule and the resource's type.

    It reads no metadata, so docs/security.md answers what it finds.
    """

    def scan(assembly: cdk.cx_api.CloudAssembly) -> set[tuple[str, str]]:
        found: set[tuple[str, str]] = set()
        with tempfile.TemporaryDirectory() as folder:
            names = []
            for stack in assembly.stacks:
                names.append(f"{stack.stack_name}.json")
                (Path(folder) / names[-1]).write_text(_readable(json.dumps(stack.template)))
            # Names without folders: it writes each result beside the name that it was given.
            command = [
                str(Path(sys.executable).parent / "cfripper"),
                "--format",
                "json",
                "--output-folder",
                folder,
                *names,
            ]
            subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=300)
            for name in names:
                read = json.loads((Path(folder) / f"{name}.cfripper.results.json").read_text())
                for failure in read["failures"]:
                    found.update((failure["rule"], kind) for kind in failure["resource_types"])
        return found

    return scan


def _readable(template: str) -> str:
    """The template with the least version of TLS as a whole number, which cfripper 1.22 wants it to be."""
    return template.replace('{"s3:TlsVersion": 1.2}', '{"s3:TlsVersion": 2}')


@pytest.fixture(scope="session")
def checkov() -> Checkov:
    """What checkov finds in the templates of an assembly: the check, the resource's type and the stack."""
    installed = ROOT / ".venv" / "checkov" / "bin" / "checkov"
    command = str(installed) if installed.exists() else shutil.which("checkov")
    if command is None:
        pytest.skip("checkov is not installed: it pins an older boto3 than ours, so it needs .venv/checkov of its own")
    options = ["--framework", "cloudformation", "--skip-download", "--quiet", "-o", "json"]

    def scan(assembly: cdk.cx_api.CloudAssembly) -> set[tuple[str, str, str]]:
        run = subprocess.run([command, *options, "-d", assembly.directory], capture_output=True, text=True, check=False)
        templates = {stack.stack_name: stack.template for stack in assembly.stacks}
        found = set()
        for finding in json.loads(run.stdout)["results"]["failed_checks"]:
            stack = Path(finding["file_path"]).name.removesuffix(".template.json")
            resource = templates[stack]["Resources"][finding["resource"].rsplit(".", 1)[-1]]
            found.add((finding["check_id"], resource["Type"], stack))
        return found

    return scan
