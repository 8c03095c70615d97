"""The how-to for TypeScript apps: its Python program and its app run, and the app has the cache in its template."""

import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import aws_cdk as cdk
import constructs
import pytest
from aws_cdk import cloud_assembly_schema

from cachetwin_cdk_node import node_from_wheel

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "typescript.md"
PACKAGES = {"aws-cdk-lib": cdk, "constructs": constructs, "@aws-cdk/cloud-assembly-schema": cloud_assembly_schema}
SECONDS_MAX = 300


def block(title: str) -> str:
    found = re.search(rf'```\w+ title="{title}"\n(.*?)```', PAGE.read_text(), re.DOTALL)
    assert found is not None, title
    return found[1]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the npm packages that the wheels of jsii carry."""
    for name, module in PACKAGES.items():
        (archive,) = (Path(str(module.__file__)).parent / "_jsii").glob("*.jsii.tgz")
        with tarfile.open(archive) as packed:
            for member in packed:
                member.name = member.name.removeprefix("package/")
                packed.extract(member, tmp_path / "node_modules" / name, filter="data")
    return tmp_path


def test_a_typescript_app_includes_what_the_constructs_synthesise(project: Path) -> None:
    node = node_from_wheel()
    if node is None:
        pytest.skip("the wheel of Node.js is not installed")
    for name in ("cache_app.py", "app.ts"):
        (project / name).write_text(block(name))
    for command in ([sys.executable, "cache_app.py"], [str(node), "app.ts"]):
        run = subprocess.run(
            command, cwd=project, capture_output=True, text=True, check=False, timeout=SECONDS_MAX, env={**os.environ}
        )
        assert run.returncode == 0, run.stderr[-2000:]
    template = json.loads((project / "cdk.out" / "Shop.template.json").read_text())
    types = [resource["Type"] for resource in template["Resources"].values()]
    assert types.count("AWS::ElastiCache::ReplicationGroup") == 1
    assert types.count("AWS::EC2::SecurityGroupIngress") == 1
    assert "PrimaryEndPoint.Address" in json.dumps(template["Outputs"]["ShopCache"])
