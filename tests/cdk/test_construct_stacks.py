"""The stacks of single constructs: the same as last reviewed, clean under every check, and understood by the runner.

Snapshots are written with ``pytest tests/cdk/test_construct_stacks.py --snapshot-update``; read the difference.
"""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from stacks.app import build
from syrupy.assertion import SnapshotAssertion

from cachetwin_cdk.testing import TemplateSnapshot, normalised

Cfripper = Callable[[cdk.cx_api.CloudAssembly], set[tuple[str, str]]]
Checkov = Callable[[cdk.cx_api.CloudAssembly], set[tuple[str, str, str]]]
ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
STACKS = {
    "serverless": "CachetwinServerless",
    "cluster": "CachetwinCluster",
    "memcached": "CachetwinMemcached",
    "global-primary": "CachetwinGlobalPrimary",
    "global-secondary": "CachetwinGlobalSecondary",
}
# What checkov finds beside what the constructs excuse in the template: the check, the type, and the reason.
ANSWERED = {
    (
        "CKV_AWS_158",
        "AWS::Logs::LogGroup",
    ): "flow logs of the stacks' own networks hold no data; AWS's own key encrypts them",
}


# What cfripper finds in the web app around Memcached.
WEB_APP = {
    ("EC2SecurityGroupMissingEgressRule", "AWS::EC2::SecurityGroup"),
    ("EC2SecurityGroupOpenToWorldRule", "AWS::EC2::SecurityGroup"),
    ("PublicELBCheckerRule", "AWS::ElasticLoadBalancingV2::LoadBalancer"),
    ("S3ObjectVersioningRule", "AWS::S3::Bucket"),
}


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> cdk.cx_api.CloudAssembly:
    """Synthesised under cdk-nag and CDK's own rules: a finding that nobody acknowledged raises here."""
    flags = json.loads((ROOT / "cdk.json").read_text())["context"]
    project = tmp_path_factory.mktemp("stacks")
    (project / "cdk.json").write_text('{"app": "false"}')
    app = cdk.App(
        analytics_reporting=False,
        outdir=str(project / "cdk.out"),
        context={**flags, "stack": ",".join(STACKS)},
    )
    build(app)
    return app.synth()


@pytest.fixture(scope="module")
def plan(assembly: cdk.cx_api.CloudAssembly) -> dict[str, Any]:
    """What the runner makes of them."""
    command = [str(PROGRAMS / "cachetwin"), "plan", "--no-synth", "--json", "--loopback", "shared"]
    project = Path(assembly.directory).parent
    run = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


@pytest.mark.parametrize("name", STACKS)
def test_the_stack_is_the_one_that_was_reviewed(
    assembly: cdk.cx_api.CloudAssembly, snapshot: SnapshotAssertion, name: str
) -> None:
    template = assembly.get_stack_by_name(STACKS[name]).template
    assert normalised(template) == snapshot(extension_class=TemplateSnapshot)


def test_nothing_is_left_to_warn_of(assembly: cdk.cx_api.CloudAssembly) -> None:
    assert [message.entry.data for stack in assembly.stacks for message in stack.messages] == []


def test_cfn_lint_finds_nothing(assembly: cdk.cx_api.CloudAssembly) -> None:
    templates = [stack.template_full_path for stack in assembly.stacks]
    lint = subprocess.run([PROGRAMS / "cfn-lint", *templates], capture_output=True, text=True, check=False)
    assert (lint.returncode, lint.stdout) == (0, "")


def test_checkov_finds_nothing_that_is_not_answered(assembly: cdk.cx_api.CloudAssembly, checkov: Checkov) -> None:
    assert {(check, kind) for check, kind, _stack in checkov(assembly)} == set(ANSWERED)


def test_cfripper_finds_nothing_that_is_not_answered(assembly: cdk.cx_api.CloudAssembly, cfripper: Cfripper) -> None:
    """Memcached's stack holds the web app, which ``test_stacks.py`` answers for."""
    found = {(rule, kind) for rule, kind in cfripper(assembly) if kind != "AWS::RDS::DBInstance"}
    assert found - WEB_APP == {("GenericResourceWildcardPolicyRule", "AWS::KMS::Key")}


def test_the_runner_knows_every_type_or_says_that_it_does_not(plan: dict[str, Any]) -> None:
    by_status = defaultdict(set)
    for resource in plan["coverage"]:
        by_status[resource["status"]].add(resource["identity"]["type"])
    assert plan["problems"] == []
    assert plan["stacks"] == list(STACKS.values())
    assert set(by_status) <= {"twinned", "modelled", "not supported"}
    for resource in plan["coverage"]:
        assert resource["status"] != "not supported" or resource["note"], resource["identity"]["logical_id"]


def test_the_runner_twins_the_primary_and_its_users(plan: dict[str, Any]) -> None:
    twinned = {resource["identity"]["type"] for resource in plan["coverage"] if resource["status"] == "twinned"}
    assert {
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::ElastiCache::User",
        "AWS::ElastiCache::UserGroup",
        "AWS::SecretsManager::Secret",
    } <= twinned
