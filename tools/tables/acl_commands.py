"""Writes ``access/acl_commands.json`` of the constructs: since which version each engine has a command, for access strings.

    python -m tools.tables.acl_commands            write the table
    python -m tools.tables.acl_commands --check    exit 1 if it is not current

The constructs do not depend on the engine, so what they know of its commands is this file. A sub-command is written
``container|sub``. ``tests/cdk/access/test_acl_rules.py`` runs the check.
"""

import json
import sys
from pathlib import Path

from tools.tables.written import write_or_check

import cachetwin_engine.core.commands  # noqa: F401  (adds the rows of the command table)
from cachetwin_engine.core.acl.rules import rows_of
from cachetwin_engine.core.registry.command_table import CATEGORY_NAMES, table_for

TABLE = Path(__file__).parents[2] / "constructs" / "cachetwin_cdk" / "access" / "acl_commands.json"
# The versions that ElastiCache offers with users; its Redis OSS 7.1 has the commands of 7.0.
VERSIONS = {"valkey": ("7.2", "8.0", "8.1", "8.2", "9.0", "9.1"), "redis": ("6.0", "6.2", "7.0")}


def names(engine: str, version: str) -> set[str]:
    """Commands and sub-commands that an engine has at a version."""
    major, minor = (int(part) for part in version.split("."))
    table = table_for((major, minor, 255), engine == "valkey")
    return {row.name.decode() for row in rows_of(table)}


def since(engine: str) -> dict[str, str]:
    """The first version with each command. Raises ValueError when a later version has lost one."""
    first: dict[str, str] = {}
    for version in VERSIONS[engine]:
        found = names(engine, version)
        if lost := first.keys() - found:
            raise ValueError(f"{engine} {version} has no longer {sorted(lost)}: the table cannot say so")
        for name in found:
            first.setdefault(name, version)
    return dict(sorted(first.items()))


def text() -> str:
    """The file's content."""
    table = {"categories": [name.decode() for name in CATEGORY_NAMES], **{engine: since(engine) for engine in VERSIONS}}
    return json.dumps(table, indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(write_or_check(TABLE, text, "tools.tables.acl_commands"))
