"""Hooks of the documentation site (mkdocs.yml): pages from elsewhere, folders in the navigation, bars in tables."""

import re
from pathlib import Path
from typing import Any, Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

__all__ = ["on_config", "on_files", "on_page_markdown"]

ROOT: Final = Path(__file__).parents[1]
FROM_ROOT: Final = {
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "container.md": "container/README.md",
    "security-policy.md": "SECURITY.md",
    "conduct.md": "CODE_OF_CONDUCT.md",
}
"""Pages of the site that are files at the repository's root."""
_CODE: Final = re.compile(r"`[^`]+`")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Replace each folder in the navigation by its pages: README.md first, the others by name."""
    config.nav = [_expanded(entry) for entry in config.nav or []]
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages from the root, their links as seen from docs/."""
    for page, name in FROM_ROOT.items():
        text = (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:  # noqa: ANN401  (the page, the configuration and the files)
    """Take the backslash of a bar in code of a table: GitHub wants it there, Python-Markdown shows it."""
    lines = [_CODE.sub(_bare_bars, line) if line.lstrip().startswith("|") else line for line in markdown.split("\n")]
    return "\n".join(lines)


def _bare_bars(code: re.Match[str]) -> str:
    return code.group().replace("\\|", "|")


def _expanded(entry: Any) -> Any:  # noqa: ANN401  (a navigation entry: a page, or a title with a page or entries)
    if isinstance(entry, dict):
        return {title: _expanded(value) for title, value in entry.items()}
    if isinstance(entry, list):
        return [_expanded(value) for value in entry]
    if isinstance(entry, str) and entry.endswith("/"):
        folder = ROOT / "docs" / entry
        pages = sorted(folder.glob("*.md"), key=lambda page: (page.name != "README.md", page.name))
        return [f"{entry}{page.name}" for page in pages]
    return entry
