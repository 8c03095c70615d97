"""docs/commands says what the engine has, and nothing of Valkey 8.1's commands is passed over in silence."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
VALKEY_COMMANDS = Path(__file__).with_name(
    "valkey-8.1-commands.txt"
)  # names in Valkey 8.1.1's src/commands, no SENTINEL


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_commands", ROOT / "tools/command_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_command_of_valkey_is_there_or_named_as_absent(generate: ModuleType) -> None:
    here = {row.name.decode().upper() for row in generate.rows()}
    wanted = set(VALKEY_COMMANDS.read_text().split())
    assert wanted - here - set(generate.ABSENT) == set()


def test_what_is_named_as_absent_is_absent(generate: ModuleType) -> None:
    here = {row.name.decode().upper() for row in generate.rows()}
    assert here & set(generate.ABSENT) == set()


def test_the_pages_are_what_the_table_says(generate: ModuleType) -> None:
    folder = ROOT / "docs/commands"
    on_disk = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.md")}
    assert on_disk == generate.pages(), "run: python -m tools.command_pages"
