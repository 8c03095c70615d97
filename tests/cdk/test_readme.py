"""The example of README.md is code that works, and the template it makes is the one that README promises."""

import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    """The names that the example defines."""
    code = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert code is not None, "README.md has no python example"
    names: dict[str, Any] = {}
    exec(compile(code.group(1), str(README), "exec"), names)  # noqa: S102  (our own README)
    return names


@pytest.mark.cdk
def test_the_example_makes_the_cache_that_readme_describes(example: dict[str, Any]) -> None:
    template = Template.from_stack(example["stack"])
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
def test_readme_names_the_two_commands_and_the_makefile_has_them() -> None:
    makefile = (README.parent / "Makefile").read_text()
    for target in ("up", "test"):
        assert f"make {target}" in README.read_text()
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
