"""The limits on folders and modules: a crowded folder wants rooms, and a long module holds a second noun."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES_MAX = 15
"""Modules in a folder, beside its folders. The modules of ``commands`` are rows of a table: one command or family each."""
LINES_MAX = 500
"""Lines of a module that is not a test, unless its docstring says why it has more: it then names this limit."""


def crowded(modules: list[Path]) -> list[str]:
    """A sentence for each folder with too many modules."""
    counts = Counter(module.parent for module in modules if module.parent.name != "commands")
    return [
        f"{folder} has {count} modules, at most {MODULES_MAX} are allowed: put those of one noun into a folder"
        for folder, count in sorted(counts.items())
        if count > MODULES_MAX
    ]


def long(modules: list[Path], root: Path) -> list[str]:
    """A sentence for each module that is too long and does not say why."""
    found = []
    for module in modules:
        if module.parts[0] == "tests":
            continue
        text = (root / module).read_text(encoding="utf-8")
        count = len(text.splitlines())
        if count > LINES_MAX and f"{LINES_MAX} lines" not in head(text):
            found.append(
                f"{module} has {count} lines, at most {LINES_MAX} are allowed: move a noun into a module of its own, "
                f"or say in its docstring why it has more than {LINES_MAX} lines"
            )
    return found


def head(text: str) -> str:
    """The docstring that a module begins with; empty where it has none."""
    return text.split('"""')[1] if text.startswith('"""') else ""


def modules_of_the_repository() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("this is no checkout of git, which knows the modules of the repository")
    return sorted(Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())


def test_no_folder_is_crowded() -> None:
    found = crowded(modules_of_the_repository())
    assert not found, "\n".join(found)


def test_no_module_is_long_without_a_reason() -> None:
    found = long(modules_of_the_repository(), ROOT)
    assert not found, "\n".join(found)


def test_a_crowded_folder_is_named() -> None:
    modules = [Path(f"engine/{name}") for name in map(str, range(MODULES_MAX + 1))]
    assert crowded(modules[1:]) == []
    assert crowded(modules)[0].startswith("engine has 16 modules")


def test_a_folder_called_commands_may_have_any_number() -> None:
    assert crowded([Path("cli/commands") / str(number) for number in range(40)]) == []


@pytest.mark.parametrize(
    ("module", "docstring", "allowed"),
    [
        ("local/one.py", "One.", False),
        ("local/one.py", "One. It has more than 500 lines, because a table is one noun.", True),
        ("tests/one.py", "One.", True),
    ],
)
def test_a_long_module_needs_a_reason(tmp_path: Path, module: str, docstring: str, *, allowed: bool) -> None:
    path = tmp_path / module
    path.parent.mkdir()
    path.write_text(f'"""{docstring}"""\n' + "pass\n" * (LINES_MAX - 1))
    assert long([Path(module)], tmp_path) == []
    path.write_text(path.read_text() + "pass\n")
    found = long([Path(module)], tmp_path)
    assert found == [] if allowed else found[0].startswith("local/one.py has 501 lines")
