"""Write docs/commands/ from the engine's command table: ``python -m tools.command_pages``.

A test fails when the pages are not what this script writes.
"""

from pathlib import Path
from typing import Final

from tools.memcached_pages import memcached_pages

from cachetwin_engine.core.acl.rules import rows_of
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.engine import Engine
from cachetwin_engine.core.registry.command_table import Command
from cachetwin_engine.core.registry.usage import parse_usage, usage_line

FOLDER: Final = Path(__file__).parents[1] / "docs" / "commands"
PROFILE: Final = "valkey-8.1"
LATER: Final = ("valkey-9.0", "valkey-9.1")
"""Profiles that have more commands, each also what the one before has."""

ABSENT: Final[dict[str, str]] = {}
"""Commands of Valkey 8.1 that the engine does not have, and why. SENTINEL is another program and not planned."""


def rows(profile: str = PROFILE) -> list[Command]:
    """The commands and sub-commands of a profile."""
    engine = Engine(PROFILES[profile], lambda: 0, 1)
    return rows_of(engine.commands)


def pages() -> dict[str, str]:
    """File name to text."""
    by_group: dict[str, list[Command]] = {}
    for row in rows():
        by_group.setdefault(row.group, []).append(row)
    texts = {f"{group}.md": _group_page(group, members) for group, members in by_group.items()}
    texts["README.md"] = _index(by_group)
    texts["later.md"] = _later_page()
    return texts | memcached_pages()


def _index(by_group: dict[str, list[Command]]) -> str:
    total = sum(len(members) for members in by_group.values())
    lines = [
        "# Commands",
        "",
        f"What `cachetwin-engine --profile {PROFILE}` answers: {total} commands and sub-commands.",
        "Written by `tools/command_pages.py` from the command table; a test compares this list with Valkey 8.1's.",
        "",
        "| group | commands |",
        "|---|---|",
    ]
    for group in sorted(by_group):
        names = ", ".join(f"`{_title(row)}`" for row in by_group[group] if row.parent is None)
        lines.append(f"| [{group}]({group}.md) | {names} |")
    lines += [
        "",
        "Commands that later versions add: [later.md](later.md). Those of Memcached: [memcached.md](memcached.md).",
    ]
    lines += ["", "## Not here", "", "| command | why |", "|---|---|"]
    lines += [f"| `{name.replace('|', ' ')}` | {why} |" for name, why in sorted(ABSENT.items())]
    lines += ["| `SENTINEL` | not planned: it is another program |", ""]
    return "\n".join(lines)


def _later_page() -> str:
    lines = ["# Later versions", "", f"What profiles above `{PROFILE}` add, each to the one before it."]
    known = {row.name for row in rows()}
    for profile in LATER:
        added = [row for row in rows(profile) if row.name not in known]
        known |= {row.name for row in added}
        lines += ["", f"## `--profile {profile}`", "", *_table(added)]
    return "\n".join([*lines, ""])


def _group_page(group: str, members: list[Command]) -> str:
    return "\n".join([f"# {group}", "", *_table(members), ""])


def _table(members: list[Command]) -> list[str]:
    lines = ["| command | arguments | since | complexity | ACL | |", "|---|---|---|---|---|---|"]
    for row in members:
        usage = f"`{usage_line(parse_usage(row.arguments))}`" if row.arguments else ""
        categories = " ".join(f"@{category.decode()}" for category in row.categories)
        cells = [f"`{_title(row)}`", usage, row.since, row.complexity, categories, row.summary]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines


def _title(row: Command) -> str:
    return row.name.decode().upper().replace("|", " ")


if __name__ == "__main__":
    for name, text in pages().items():
        (FOLDER / name).parent.mkdir(exist_ok=True)
        (FOLDER / name).write_text(text)
