"""The code blocks of the documentation: what each is, and how it is checked.

Every fenced block of a page that a person wrote has a comment on the line above it:

``<!-- check: run -->``             runs in the page's folder and exits 0; ``run, exit 1`` expects another status
``<!-- check: server 6379 -->``     starts, answers on the port, and runs until the page ends
``<!-- check: file app.py -->``     is written to the page's folder under that name
``<!-- check: output -->``          is what the block before printed; ``...`` stands for any text, alone for any lines
``<!-- check: tested by PATH -->``  is run by another test, which names the page
``<!-- check: construct -->``       is synthesised in a stack with a ``vpc`` by tests/cdk/docs/test_docs.py
``<!-- check: shape -->``           is a fragment that shows a form, in a language that this module can parse
``<!-- check: not run, CLASS -->``  can't run in a test; the classes are in ``NOT_RUN``, and its words are still checked

The blocks of a page run in order in one new folder and one environment, so that a reader and the test do the same. A
block in ``console`` has ``$`` before each command and the output below it. ``<!-- ports: 6379 -->`` on a page names
the ports that the test replaces by free ones.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
GENERATED = {
    "docs/constructs": "tests/cdk/docs/test_reference.py",
    "docs/commands": "tests/tools/test_command_pages.py",
    "docs/reference": "tests/tools/test_support_pages.py",
}
"""Folders whose pages a program writes, and the test that runs their examples."""

NOT_RUN = {
    "aws": "needs an AWS account",
    "docker": "needs Docker or Podman",
    "index": "installs from a package index",
    "minutes": "takes minutes",
    "sources": "needs sources that are not in this repository",
    "server": "needs a Valkey or Redis server on the machine",
    "terminal": "waits for a person, or runs until it is stopped",
}

_CHECK = re.compile(r"^\s*<!-- check: (.*?) -->\s*$")
_PORTS = re.compile(r"^<!-- ports: ([\d ]+) -->$", re.MULTILINE)
_FENCE = re.compile(r"^(\s*)(```+)\s*([\w-]*)(.*)$")
_DIRECTIVES = (
    r"run(, exit \d+)?",
    r"server \d+",
    r"file [\w./-]+",
    r"output",
    r"tested by [\w./-]+",
    r"construct",
    r"shape",
    rf"not run, ({'|'.join(NOT_RUN)})",
)


@dataclass(frozen=True)
class Block:
    """One fenced block: where it is, its language, its text and its directive (None without a mark)."""

    page: Path
    line: int
    language: str
    text: str
    check: str | None

    @property
    def where(self) -> str:
        """The page and line, as a compiler would name them."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Every page that a person wrote."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    found += (ROOT / folder / "README.md" for folder in ("constructs", "container", "engine", "local"))
    found += ROOT.glob("stacks/*/*/README.md")
    return sorted(page for page in found if not any(page.is_relative_to(ROOT / folder) for folder in GENERATED))


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found: list[Block] = []
    lines = page.read_text().splitlines()
    check: str | None = None
    at = 0
    while at < len(lines):
        line = lines[at]
        fence = _FENCE.match(line)
        marked = _CHECK.match(line)
        if fence:
            indent, marks, language = fence.group(1), fence.group(2), fence.group(3)
            first = at + 1
            while at + 1 < len(lines) and lines[at + 1].strip() != marks:
                at += 1
            text = "".join(f"{body.removeprefix(indent)}\n" for body in lines[first : at + 1])
            found.append(Block(page, first, language, text, check))
            at += 1
            check = None
        elif marked:
            check = marked.group(1)
        elif line.strip():
            check = None
        at += 1
    return found


def ports(page: Path) -> list[str]:
    """The ports that a page uses and that a test replaces."""
    return [port for line in _PORTS.findall(page.read_text()) for port in line.split()]


def indented_code(page: Path) -> list[int]:
    """Lines of code that four blanks make, outside of lists: such a block can't be marked."""
    lines = page.read_text().splitlines()
    before, fenced, found = "", False, []
    for number, line in enumerate(lines, 1):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and line.startswith("    ") and not re.match(r"\s*([-*]|\d+\.) |\s", before):
            found.append(number)
        if line.strip():
            before = line
    return found


def is_directive(check: str) -> bool:
    """Whether a mark is one of those above."""
    return any(re.fullmatch(pattern, check) for pattern in _DIRECTIVES)
