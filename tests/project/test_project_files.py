"""The files that only hosting services and editors read: each as far as it can be tried without them."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FORMS = sorted(path for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MANIFESTS = {
    "pip": ("pyproject.toml", "requirements.txt"),
    "npm": ("package.json",),
    "docker": ("Dockerfile",),
    "github-actions": (".github/workflows",),
}
MADE_BY_PROGRAMS = (
    "docs/pictures/",
    "docs/screenshots/",
    "tests/golden/",
    "tests/cdk/__snapshots__/",
    "tests/local/assemblies/",
    "tests/engine/fuzz/corpus/",
    "package-lock.json",
)


def passes(*command: str | Path) -> str:
    """What a tool of the environment prints; it must succeed."""
    done = subprocess.run(
        [BIN / command[0], *command[1:]], check=False, cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def loaded(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def targets() -> set[str]:
    """The targets of the Makefile."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([A-Za-z][\w-]*):", text, re.MULTILINE)) | {".venv/.installed"}


def made(command: str) -> set[str]:
    """The targets that a shell line makes."""
    found = re.search(r"\bmake((?: [\w./-]+)+)", command)
    return set(found[1].split()) - {"TAG"} if found else set()


def steps() -> list[dict[str, Any]]:
    return [step for path in WORKFLOWS for job in loaded(path)["jobs"].values() for step in job.get("steps", [])]


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def supported_pythons() -> list[str]:
    """The Python versions that the engine says it supports."""
    classifiers = tomllib.loads((ROOT / "engine/pyproject.toml").read_text(encoding="utf-8"))["project"]["classifiers"]
    return [found[1] for line in classifiers if (found := re.fullmatch(r".*:: Python :: (3\.\d+)", line))]


def test_there_are_workflows() -> None:
    assert {path.stem for path in WORKFLOWS} == {"build", "codeql", "release", "test"}


def test_the_workflows_have_their_schema_and_no_finding() -> None:
    passes("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)
    passes("check-jsonschema", "--builtin-schema", "custom.github-workflows-require-timeout", *WORKFLOWS)
    passes("zizmor", "--offline", "--quiet", "--persona", "auditor", ".github", ".pre-commit-config.yaml")


def test_workflows_only_call_targets_of_the_makefile() -> None:
    for step in steps():
        if "run" not in step:
            continue
        assert step["run"] == ".ci/run" or made(step["run"]), step["run"]
        assert made(step["run"]) <= targets()


def test_every_action_is_pinned_by_a_commit_with_its_version_beside() -> None:
    pinned = re.compile(r"uses: (\$/\S+|[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$")
    lines = [line.strip() for path in WORKFLOWS for line in path.read_text().splitlines() if "uses:" in line]
    assert lines
    assert [line for line in lines if not pinned.fullmatch(line.removeprefix("- "))] == []


def test_every_supported_python_is_tested_and_has_wheels() -> None:
    pythons = supported_pythons()
    assert len(pythons) > 2
    assert loaded(ROOT / ".github/workflows/test.yml")["jobs"]["linux"]["strategy"]["matrix"]["python"] == pythons
    for machine in ("x86_64", "aarch64"):
        arguments = ("engine", "--config-file", str(ROOT / "pyproject.toml"), "--platform", "linux", "--archs", machine)
        identifiers = passes("cibuildwheel", *arguments, "--print-build-identifiers").split()
        assert identifiers == [f"cp{python.replace('.', '')}-manylinux_{machine}" for python in pythons]


def test_only_the_upload_may_publish() -> None:
    jobs = loaded(ROOT / ".github/workflows/release.yml")["jobs"]
    writers = {name for name, job in jobs.items() if "write" in job.get("permissions", {}).values()}
    assert writers == {"publish"}
    assert jobs["publish"]["needs"] == "build"
    assert not any("checkout" in step["uses"] for step in jobs["publish"]["steps"])


@pytest.mark.parametrize(("tag", "status"), [("v{}", 0), ("{}", 2), ("v{}1", 2), ("", 2)])
def test_a_tag_must_be_the_version(tag: str, status: int) -> None:
    version = (ROOT / "VERSION").read_text().strip()
    command = ["make", "--no-print-directory", "check-tag", f"TAG={tag.format(version)}"]
    assert subprocess.run(command, check=False, cwd=ROOT, capture_output=True, timeout=60).returncode == status


def test_dependabot_looks_where_there_is_something() -> None:
    passes("check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml")
    for update in loaded(ROOT / ".github/dependabot.yml")["updates"]:
        for folder in update.get("directories", [update.get("directory")]):
            names = MANIFESTS[update["package-ecosystem"]]
            assert any((ROOT / folder.lstrip("/") / name).exists() for name in names), folder


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_issue_forms_have_their_schema(form: Path) -> None:
    passes("check-jsonschema", "--builtin-schema", "vendor.github-issue-forms", form)


def test_the_choices_of_issues_have_their_schema() -> None:
    passes("check-jsonschema", "--builtin-schema", "vendor.github-issue-config", ".github/ISSUE_TEMPLATE/config.yml")


def test_hooks_call_tools_of_the_environment() -> None:
    passes("pre-commit", "validate-config")
    hooks = loaded(ROOT / ".pre-commit-config.yaml")["repos"][0]["hooks"]
    assert len(hooks) > 3
    for hook in hooks:
        tool = Path(hook["entry"].split()[0])
        assert tool.parent == Path(".venv/bin")
        assert (BIN / tool.name).is_file()


def test_the_devcontainer_sets_up_by_the_makefile() -> None:
    settings = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    assert made(settings["onCreateCommand"]) == {".venv/.installed"}
    python = re.search(r"python:(3\.\d+)", settings["image"])
    assert python is not None
    assert python[1] in supported_pythons()
    # An editor forwards the ports of 127.0.0.1 to the browser outside of the container, not those of other addresses.
    planned = subprocess.run(
        ["make", "-n", "up"],
        cwd=ROOT,
        env={**os.environ, **settings["containerEnv"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [
        line for line in planned.stdout.splitlines() if "cachetwin up " in line and line.endswith(" --loopback shared")
    ]


def test_files_are_as_the_editor_settings_say() -> None:
    wrong: list[str] = []
    for name in tracked():
        data = (ROOT / name).read_bytes()
        if b"\0" in data or name.startswith(MADE_BY_PROGRAMS) or name.endswith(".lock"):
            continue
        text = data.decode("utf-8")
        if "\r" in text or (text and not text.endswith("\n")) or re.search(r"[ \t]$", text, re.MULTILINE):
            wrong.append(name)
    assert wrong == []


def test_the_allow_list_of_dead_code_gives_reasons() -> None:
    """Each line of names says why."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = text[text.index("ignore_names") : text.index("]\n\n", text.index("ignore_names"))]
    lines = section.splitlines()[1:]
    assert lines
    assert [line for line in lines if "#" not in line] == []
    names = PYPROJECT["tool"]["vulture"]["ignore_names"]
    assert sorted(names) == sorted(ast.literal_eval("[" + re.sub(r"#.*", "", "\n".join(lines)) + "]"))
