"""Snapshot tests for users: the example of the how-to runs with the plugin, and fails when it should."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "template-snapshots.md"
SECONDS_MAX = 300


def code() -> str:
    found = re.search(r'```python title="test_shop.py"\n(.*?)```', PAGE.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def example(tmp_path: Path) -> Path:
    (tmp_path / "test_shop.py").write_text(code())
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
        env={**os.environ, "PYTHONPATH": str(ROOT / "constructs")},
    )


def test_the_example_writes_its_snapshot_and_notices_a_change(example: Path) -> None:
    pytest_ = ("pytest", "-q", "-p", "cachetwin_cdk_pytest", "-p", "no:cacheprovider")
    first = run(example, *pytest_, "--snapshot-update")
    assert first.returncode == 0, first.stdout + first.stderr
    (snapshot,) = example.glob("__snapshots__/**/*.template.json")
    assert "AWS::ElastiCache::ReplicationGroup" in snapshot.read_text()
    # The same again and a changed copy, in one run: each takes seconds to load CDK.
    shutil.copytree(example / "__snapshots__" / "test_shop", example / "__snapshots__" / "test_changed")
    (example / "test_changed.py").write_text(code().replace('"Cache", vpc=vpc)', '"Cache", vpc=vpc, replicas=2)'))
    second = run(example, *pytest_)
    assert "1 failed, 1 passed" in second.stdout, second.stdout + second.stderr
    assert "FAILED test_changed.py::" in second.stdout


def test_the_example_is_the_one_that_make_types_checks() -> None:
    """``mypy --strict`` reads this folder."""
    checked = (Path(__file__).parent / "snapshot_example.py").read_text()
    assert checked.split('"""\n\n', 1)[1] == code()


def test_pytest_finds_the_plugin_by_itself() -> None:
    project = tomllib.loads((ROOT / "constructs" / "pyproject.toml").read_text())
    name = "cachetwin_cdk_pytest"
    assert project["project"]["entry-points"]["pytest11"] == {name: name}
    assert name in project["tool"]["setuptools"]["py-modules"]
