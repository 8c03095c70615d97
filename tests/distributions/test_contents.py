"""What the three distributions hold and say of themselves."""

import tarfile
import tomllib

import pytest
from packaging.requirements import Requirement
from tests.distributions.wheels import Built
from tools.distributions import FOLDERS, ROOT, metadata, problems, tracked, version


@pytest.mark.parametrize("name", FOLDERS)
def test_a_wheel_is_as_a_release_wants_it(built: dict[str, Built], name: str) -> None:
    assert problems(built[name].wheel, name) == []


@pytest.mark.parametrize("name", FOLDERS)
def test_a_source_archive_holds_files_and_no_links(built: dict[str, Built], name: str) -> None:
    with tarfile.open(built[name].sdist) as archive:
        assert not [member.name for member in archive if member.issym() or member.islnk()]
        held = {member.name.partition("/")[2] for member in archive}
    assert tracked(FOLDERS[name]) <= held


def test_the_runner_asks_for_the_engine_of_its_own_minor_version(built: dict[str, Built]) -> None:
    required = [Requirement(text) for text in metadata(built["cachetwin"].wheel).get_all("Requires-Dist", [])]
    (engine,) = (one for one in required if one.name == "cachetwin-engine")
    major, minor, _ = version().split(".")
    assert version() in engine.specifier
    assert f"{major}.{int(minor) + 1}.0" not in engine.specifier
    assert "cachetwin-cdk" not in {one.name for one in required}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_readme_fits_on_a_screen(name: str) -> None:
    lines = (ROOT / FOLDERS[name] / "README.md").read_text().splitlines()
    assert lines[0] == f"# {name}"
    assert len(lines) <= 50


def test_the_root_describes_no_distribution() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "project" not in settings
    assert sorted(settings["tool"]["uv"]["workspace"]["members"]) == sorted(FOLDERS.values())
