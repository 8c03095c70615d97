"""The tests mirror the code: where a module's tests are is known from where the module is."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = ROOT / "engine/cachetwin_engine/core/commands"
CORE = ROOT / "engine/cachetwin_engine/core"
TESTS = ROOT / "tests/engine"
OTHER_FOLDERS = {"compat", "fuzz", "server", "memcached"}
"""Against a reference server, with generated input, through sockets; and of the second engine."""


def modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if path.name != "__init__.py")


def test_the_folders_are_there() -> None:
    assert len(modules(COMMANDS)) > 40
    assert TESTS.is_dir()


@pytest.mark.parametrize("module", modules(COMMANDS), ids=lambda path: path.relative_to(COMMANDS).as_posix())
def test_a_command_module_has_a_test_file_of_its_name(module: Path) -> None:
    place = TESTS / "commands" / module.relative_to(COMMANDS).with_name(f"test_{module.name}")
    assert place.is_file(), f"missing: {place.relative_to(ROOT)}"
    assert "\ndef test_" in place.read_text()


def test_a_folder_of_tests_is_a_folder_of_the_engine() -> None:
    folders = {path.parent.relative_to(TESTS) for path in TESTS.rglob("test_*.py")} - {Path()}
    missing = {
        folder.as_posix() for folder in folders if not (CORE / folder).is_dir() and folder.parts[0] not in OTHER_FOLDERS
    }
    assert not missing
