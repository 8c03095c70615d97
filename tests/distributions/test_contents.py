"""What the three distributions hold and say of themselves."""

import tarfile
import tomllib
import zipfile

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from tests.distributions.wheels import FOLDERS, ROOT, Built, tracked

VERSION = (ROOT / "VERSION").read_text().strip()
NOT_INSTALLED = {"LICENSE", "README.md", "VERSION", "pyproject.toml", "setup.py"}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_wheel_holds_the_tracked_files_and_the_license(built: dict[str, Built], name: str) -> None:
    with zipfile.ZipFile(built[name].wheel) as archive:
        names = set(archive.namelist())
        stem = f"{name.replace('-', '_')}-{VERSION}"
        info = f"{stem}.dist-info"
        assert archive.read(f"{info}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    installed = {name.removeprefix(f"{stem}.data/purelib/") for name in names if not name.startswith(info)}
    assert installed == tracked(FOLDERS[name]) - NOT_INSTALLED


@pytest.mark.parametrize("name", FOLDERS)
def test_a_source_archive_holds_files_and_no_links(built: dict[str, Built], name: str) -> None:
    with tarfile.open(built[name].sdist) as archive:
        assert not [member.name for member in archive if member.issym() or member.islnk()]
        held = {member.name.partition("/")[2] for member in archive}
    assert tracked(FOLDERS[name]) <= held


@pytest.mark.parametrize("name", FOLDERS)
def test_all_have_the_version_of_the_one_file_and_the_same_pythons(built: dict[str, Built], name: str) -> None:
    metadata = built[name].metadata()
    assert (metadata["Name"], metadata["Version"]) == (name, VERSION)
    assert SpecifierSet(metadata["Requires-Python"]) == SpecifierSet(">=3.11,<3.15")
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Description-Content-Type"] == "text/markdown"


def test_the_runner_asks_for_the_engine_of_its_own_minor_version(built: dict[str, Built]) -> None:
    required = [Requirement(text) for text in built["cachetwin"].metadata().get_all("Requires-Dist", [])]
    (engine,) = (one for one in required if one.name == "cachetwin-engine")
    major, minor, _ = VERSION.split(".")
    assert VERSION in engine.specifier
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
