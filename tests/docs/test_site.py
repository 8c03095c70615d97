"""The documentation site builds strictly, with every internal link and anchor there, and loads nothing from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD_S_MAX = 120
_LOADED = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)="([^"]+)\"""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=BUILD_S_MAX, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_site_has_the_pages_of_the_folders(site: Path) -> None:
    for page in ("index.html", "constructs/ReplicationGroup/index.html", "commands/string/index.html"):
        assert (site / page).is_file()


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    for page in site.glob("**/*.html"):
        assert not [url for url in _LOADED.findall(page.read_text()) if "//" in url], page
    for style in site.glob("**/*.css"):
        assert "url(http" not in style.read_text()
        assert "@import" not in style.read_text()
