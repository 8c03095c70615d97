"""Write docs/commands/ from the engine's command table: ``python tools/command_pages.py``.

A test fails when the pages are not what this script writes.
"""

from pathlib import Path
from typing import Final

from cachetwin_engine.core.acl.rules import rows_of
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.engine import Engine
from cachetwin_engine.core.registry.command_table import Command
from cachetwin_engine.core.registry.usage import parse_usage, usage_line
from cachetwin_engine.memcached.commands import COMMANDS as MEMCACHED_COMMANDS

FOLDER: Final = Path(__file__).parents[1] / "docs" / "commands"
PROFILE: Final = "valkey-8.1"
LATER: Final = ("valkey-9.0", "valkey-9.1")
"""Profiles that have more commands, each also what the one before has."""

ABSENT: Final[dict[str, str]] = {}
"""Commands of Valkey 8.1 that the engine does not have, and why. SENTINEL is another program and not planned."""


MEMCACHED: Final = "memcached-1.6"
MEMCACHED_GROUPS: Final[dict[str, str]] = {
    "classic": "The classic text protocol: a line, with the value on a line of its own behind the commands that store.",
    "meta": "The meta protocol: each flag is a letter, some with a token behind it; what comes back is what they ask for.",
    "memory": "The LRU and the slab classes. Under `--elasticache yes` these answer ERROR, as the service's nodes do.",
    "server": "The server and its statistics.",
    "elasticache": "What ElastiCache's nodes have beside memcached.",
}
META_FLAGS: Final[tuple[tuple[str, str, str], ...]] = (
    ("b", "mg ms md ma", "the key is base64, of any bytes"),
    ("k", "mg ms md ma", "return the key"),
    ("O(token)", "mg ms md ma", "return the token, of up to 31 bytes, as it came"),
    ("q", "mg ms md ma", "no reply where nothing is wrong: not EN of mg, nor HD of the others"),
    ("c", "mg ms ma", "return the CAS number"),
    ("v", "mg ma", "return the value"),
    ("t", "mg ma", "return the seconds left to live, -1 for no end"),
    ("T(token)", "mg ms md ma", "set the time to live; of md only with I"),
    ("s", "mg ms", "return the size of the value"),
    ("f", "mg", "return the client flags"),
    ("h", "mg", "return whether the item was read before: 0 or 1"),
    ("l", "mg", "return the seconds since it was last read"),
    ("u", "mg", "leave the LRU alone"),
    (
        "N(token)",
        "mg ms ma",
        "make a missing item with this time to live; the client of mg has won. Of ms with MA and MP",
    ),
    ("R(token)", "mg", "win if less than this time is left"),
    ("F(token)", "ms", "the client flags"),
    ("C(token)", "ms md ma", "only if this is still the CAS number"),
    ("I", "ms md", "md: mark as stale in place of deleting; ms: an older CAS number is taken, the value stays stale"),
    ("M(token)", "ms ma", "mode: E add, A append, P prepend, R replace, S set; I or + increment, D or - decrement"),
    ("J(token)", "ma", "the number that N begins with"),
    ("D(token)", "ma", "by how much, 1 without it"),
    ("E(token)", "mg ms md ma", "only `memcached-1.6.45`: the CAS number that the item gets"),
    ("C(token)", "mg", "only `memcached-1.6.45`: no value if this is the CAS number"),
    ("x", "md", "only `memcached-1.6.45`: empty the value and keep the item"),
)


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
    texts["memcached.md"] = _memcached_page()
    return texts


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


def _memcached_page() -> str:
    lines = [
        "# Memcached",
        "",
        f"What `cachetwin-engine --profile {MEMCACHED}` answers. The binary protocol has the commands of the classic",
        "one and those of auto discovery. [Differences](../differences.md#memcached) has what is not here.",
    ]
    for group, text in MEMCACHED_GROUPS.items():
        lines += ["", f"## {group}", "", text, "", "| command | forms | since | |", "|---|---|---|---|"]
        for name, row in sorted(MEMCACHED_COMMANDS.items()):
            if row.group == group:
                forms = "<br>".join(f"`{form.strip()}`" for form in row.usage.split(" | "))
                cells = [f"`{name.decode()}`", forms, row.since, row.summary]
                lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        if group == "meta":
            lines += ["", "| flag | of | |", "|---|---|---|"]
            lines += [f"| `{flag}` | {commands} | {text} |" for flag, commands, text in META_FLAGS]
    lines += ["", "W in a reply: this client is to fetch the value anew. Z: another one is. X: the value is stale.", ""]
    return "\n".join(lines)


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
        (FOLDER / name).write_text(text)
