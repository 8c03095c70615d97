"""The example of README.md is code that works, and the template it makes is the one that README promises."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

README = Path(__file__).parents[3] / "README.md"
SYNTH_SECONDS_MAX = 600  # some seconds on a quiet machine


def example(index: int) -> str:
    """The code of the example at this place."""
    examples = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(examples) == 2, "README.md has other examples than these tests know"
    return str(examples[index])


@pytest.mark.cdk
def test_the_example_makes_the_cache_that_readme_describes() -> None:
    names: dict[str, Any] = {}
    exec(compile(example(0), str(README), "exec"), names)  # noqa: S102  (our own README)
    template = Template.from_stack(names["stack"])
    template.has_resource_properties(
        "AWS::ElastiCache::ReplicationGroup",
        {
            "Engine": "valkey",
            "AutomaticFailoverEnabled": True,
            "MultiAZEnabled": True,
            "NumCacheClusters": 2,
            "TransitEncryptionEnabled": True,
            "TransitEncryptionMode": "required",
            "AtRestEncryptionEnabled": True,
            "UserGroupIds": Match.any_value(),
            "SnapshotRetentionLimit": Match.any_value(),
            "LogDeliveryConfigurations": Match.array_with(
                [Match.object_like({"LogType": "slow-log"}), Match.object_like({"LogType": "engine-log"})]
            ),
        },
    )


@pytest.mark.cdk
def test_the_three_patterns_are_a_statement_each(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "function").mkdir()
    (tmp_path / "function" / "handler.py").write_text("def handle(event, context):\n    return {'statusCode': 204}\n")
    (tmp_path / "app.py").write_text(example(1))
    environment = {**os.environ, "CDK_OUTDIR": "cdk.out"}
    subprocess.run([sys.executable, "app.py"], cwd=tmp_path, env=environment, timeout=SYNTH_SECONDS_MAX, check=True)
    template = json.loads((tmp_path / "cdk.out" / "Shop.template.json").read_text())
    made = Counter(resource["Type"] for resource in template["Resources"].values())
    assert {kind: made[f"AWS::{kind}"] for kind in ("EC2::VPC", "ECS::Service", "ApiGatewayV2::Api")} == {
        "EC2::VPC": 2,
        "ECS::Service": 4,
        "ApiGatewayV2::Api": 1,
    }
    assert (made["AWS::ElastiCache::ReplicationGroup"], made["AWS::ElastiCache::ServerlessCache"]) == (2, 1)


@pytest.mark.cdk
def test_readme_names_the_two_commands_and_the_makefile_has_them() -> None:
    makefile = (README.parent / "Makefile").read_text()
    for target in ("up", "test"):
        assert f"make {target}" in README.read_text()
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
