"""Every command on every page runs, or says why it can't (see ``pages.py`` for the marks)."""

import ast
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from tests.docs.known_words import unknown
from tests.docs.pages import GENERATED, ROOT, Block, blocks, indented_code, is_directive, pages
from tests.docs.reader import Reader

PAGES = pages()


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def has_something_to_run(page: Path) -> bool:
    return any(re.match(r"run|server", block.check or "") for block in blocks(page))


def commands(block: Block) -> str:
    """The shell's part of a block."""
    if block.language != "console":
        return block.text
    return re.sub(r"^(?!\$ ).*\n", "", block.text.replace("\\\n", " "), flags=re.MULTILINE).replace("$ ", "", 1)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_says_how_it_is_checked(page: Path) -> None:
    assert not [block.where for block in blocks(page) if block.check is None], "put <!-- check: ... --> above it"
    assert not [
        f"{block.where}: {block.check}" for block in blocks(page) if block.check and not is_directive(block.check)
    ]
    assert not indented_code(page), "code by four blanks can't be marked: use a fence"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_relative_link_leads_to_a_file(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text())
    from_root = {"container.md", "contributing.md", "changelog.md"}  # the site's names of files at the root
    assert not [t for t in targets if not (page.parent / t).exists() and Path(t).name not in from_root]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_another_test_runs_is_run_there(page: Path) -> None:
    for block in blocks(page):
        if block.check and block.check.startswith("tested by "):
            test = ROOT / block.check.removeprefix("tested by ")
            assert page.name in test.read_text(), f"{block.where}: {test.name} does not name {page.name}"


def test_the_pages_that_a_program_writes_have_their_test() -> None:
    for folder, test in GENERATED.items():
        assert list((ROOT / folder).glob("*.md"))
        assert (ROOT / test).is_file()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_command_line_names_what_exists(page: Path) -> None:
    for block in blocks(page):
        if block.language in {"sh", "console"}:
            script = commands(block)
            syntax = subprocess.run(
                ["bash", "-n"], input=script, text=True, capture_output=True, timeout=10, check=False
            )
            assert syntax.returncode == 0, f"{block.where}: {syntax.stderr}"
            assert unknown(script) is None, f"{block.where}: there is no {unknown(script)}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_fragment_has_the_form_of_its_language(page: Path) -> None:
    for block in blocks(page):
        if block.check == "shape":
            match block.language:
                case "json":
                    json.loads(block.text)
                case "toml":
                    tomllib.loads(block.text)
                case "yaml":
                    list(yaml.safe_load_all(block.text))
                case "python":
                    ast.parse(block.text)
                case _:
                    assert block.language in {"text", "dockerfile"}, block.where


@pytest.mark.parametrize("page", [page for page in PAGES if has_something_to_run(page)], ids=name)
def test_the_blocks_of_a_page_run_in_order(page: Path, tmp_path: Path) -> None:
    with Reader(page, tmp_path) as reader:
        for block in blocks(page):
            reader.do(block)
