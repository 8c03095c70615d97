"""What a release refuses, on small repositories with one fault each."""

import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tools import release
from tools.distributions import PYTHONS, problems
from tools.release import Refusal, refuse_unready

METADATA = f"""Metadata-Version: 2.4
Name: cachetwin
Version: 0.2.0
License-Expression: Apache-2.0
Requires-Python: {PYTHONS}
Description-Content-Type: text/markdown
Requires-Dist: cachetwin-engine~=0.2.0
"""
FILES = {"cachetwin_local/__init__.py": "", "cachetwin_local/py.typed": ""}
LICENSE = {"cachetwin-0.2.0.dist-info/licenses/LICENSE": "Apache"}
pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def git(root: Path, *words: str) -> None:
    identity = ["-c", "user.name=A Test", "-c", "user.email=test@example.com"]
    subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository that is ready."""
    root = tmp_path / "repository"
    (root / "local" / "cachetwin_local").mkdir(parents=True)
    for name in FILES:
        (root / "local" / name).touch()
    (root / "VERSION").write_text("0.2.0\n")
    (root / "CHANGELOG.md").write_text("# Changelog\n\n## 0.2.0\n\n- A change.\n\n## 0.1.0\n\n- The first.\n")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "Start")
    return root


def commit(root: Path, name: str, text: str) -> None:
    (root / name).write_text(text)
    git(root, "commit", "--quiet", "--all", "--message", "Change")


def test_a_repository_that_is_ready_has_its_version_released(root: Path) -> None:
    assert refuse_unready(root) == "0.2.0"


def changed_file(root: Path) -> None:
    (root / "CHANGELOG.md").write_text("not committed")


def new_file(root: Path) -> None:
    (root / "notes.txt").touch()


def taken_tag(root: Path) -> None:
    git(root, "tag", "v0.2.0")


def no_heading(root: Path) -> None:
    commit(root, "VERSION", "0.3.0\n")


def empty_heading(root: Path) -> None:
    commit(root, "CHANGELOG.md", "# Changelog\n\n## 0.2.0\n\n## 0.1.0\n\n- The first.\n")


def unreleased_entries(root: Path) -> None:
    commit(root, "CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n- More.\n\n## 0.2.0\n\n- A change.\n")


def development_version(root: Path) -> None:
    commit(root, "VERSION", "0.2.0.dev1\n")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (changed_file, r"1 changes that are not committed, such as CHANGELOG\.md"),
        (new_file, r"not committed, such as notes\.txt"),
        (taken_tag, r"a tag v0\.2\.0 already"),
        (no_heading, r"nothing under the heading 0\.3\.0"),
        (empty_heading, r"nothing under the heading 0\.2\.0"),
        (unreleased_entries, r"entries under Unreleased"),
        (development_version, r"three numbers, such as 0\.2\.0, got '0\.2\.0\.dev1'"),
    ],
)
def test_a_repository_that_is_not_ready_is_refused(root: Path, spoil: Callable[[Path], None], reason: str) -> None:
    spoil(root)
    with pytest.raises(Refusal, match=reason):
        refuse_unready(root)


def wheel(folder: Path, files: dict[str, str], metadata: str = METADATA) -> Path:
    path = folder / "cachetwin-0.2.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, "cachetwin-0.2.0.dist-info/METADATA": metadata}.items():
            archive.writestr(name, text)
    return path


def test_a_right_wheel_has_no_problems(root: Path, tmp_path: Path) -> None:
    assert problems(wheel(tmp_path, {**FILES, **LICENSE}), "cachetwin", root) == []


@pytest.mark.parametrize(
    ("files", "metadata", "problem"),
    [
        ({"cachetwin_local/__init__.py": "", **LICENSE}, METADATA, r"lacks cachetwin_local/py\.typed"),
        ({**FILES, **LICENSE, "cachetwin_local/old.py": ""}, METADATA, r"old\.py, which is not under version control"),
        ({**FILES, **LICENSE, "cachetwin_local/a.so": ""}, METADATA, r"for any platform and holds 1 libraries"),
        (FILES, METADATA, r"holds no license"),
        (
            {**FILES, **LICENSE},
            METADATA.replace("Version: 0.2.0", "Version: 0.1.0"),
            r"Version is 0\.1\.0, not 0\.2\.0",
        ),
        ({**FILES, **LICENSE}, METADATA.replace("~=0.2.0", "~=0.1.0"), r"engine~=0\.1\.0, which 0\.2\.0 is not"),
        ({**FILES, **LICENSE}, METADATA.replace("3.11", "3.12"), r"Requires-Python is <3\.15,>=3\.12"),
    ],
)
def test_a_wrong_wheel_is_named_with_its_fault(
    root: Path, tmp_path: Path, files: dict[str, str], metadata: str, problem: str
) -> None:
    (found,) = problems(wheel(tmp_path, files, metadata), "cachetwin", root)
    assert re.search(problem, found)


def test_a_module_that_was_not_compiled_is_found(root: Path, tmp_path: Path) -> None:
    (root / "engine" / "cachetwin_engine" / "core").mkdir(parents=True)
    for name in ("__init__.py", "engine.py"):
        (root / "engine" / "cachetwin_engine" / "core" / name).touch()
    git(root, "add", ".")
    path = tmp_path / "cachetwin_engine-0.2.0-cp311-cp311-linux_x86_64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("core/__init__.py", "core/engine.py", "core/__init__.cpython-311-x86_64-linux-gnu.so"):
            archive.writestr(f"cachetwin_engine/{name}", "")
        archive.writestr("cachetwin_engine-0.2.0.dist-info/licenses/LICENSE", "")
        archive.writestr(
            "cachetwin_engine-0.2.0.dist-info/METADATA", METADATA.replace("cachetwin\n", "cachetwin-engine\n")
        )
    assert problems(path, "cachetwin-engine", root, compiled=True) == [
        f"{path.name} holds cachetwin_engine/core/engine.py, but not compiled"
    ]


def test_checks_that_fail_leave_no_tag(root: Path) -> None:
    with pytest.raises(Refusal, match=r"`false` exited with 1"):
        release.release(root, dry_run=False, check=["false"])
    assert subprocess.run(["git", "tag"], cwd=root, capture_output=True, text=True, check=True).stdout == ""


@pytest.mark.parametrize(("dry_run", "tags"), [(True, []), (False, ["v0.2.0"])])
def test_only_a_real_run_tags(root: Path, monkeypatch: pytest.MonkeyPatch, *, dry_run: bool, tags: list[str]) -> None:
    git(root, "config", "user.name", "A Test")
    git(root, "config", "user.email", "test@example.com")
    for step in ("build", "refuse_wrong", "try_compiled_wheel"):  # minutes, and tests of their own
        monkeypatch.setattr(release, step, lambda *_: None)
    told = release.release(root, dry_run=dry_run, check=["true"])
    listed = subprocess.run(["git", "tag"], cwd=root, capture_output=True, text=True, check=True).stdout
    assert listed.split() == tags
    assert "v0.2.0" in told
