"""The text of a ``cachetwin.toml``, completed with commented lines for what a plan misses."""

import json
from collections.abc import Iterator

from cachetwin_local.topology.values import Topology

__all__ = ["completed"]

_HEAD = """\
# What a run on this machine needs and the templates do not say: `cachetwin init` completes this file, and
# docs/how-to/settings.md describes every key.
"""
_SECTIONS = {"parameter": "parameters", "import": "imports", "ssm": "ssm", "secret": "secrets"}


def completed(text: str | None, topology: Topology) -> tuple[str, list[str]]:
    """The text with a commented line for each thing that is missing and not mentioned yet, and these lines."""
    lines = (_HEAD if text is None else text).splitlines()
    added = []
    for section, name, line in _wanted(topology):
        if any(json.dumps(name) in one for one in lines):
            continue
        _insert(lines, section, line)
        added.append(f"[{section}] {line}")
    return "\n".join(lines) + "\n", added


def _wanted(topology: Topology) -> Iterator[tuple[str, str, str]]:
    """The section, the name and the line of each thing that is missing."""
    for one in topology.missing:
        section = _SECTIONS.get(one.kind)
        if section is not None and one.needed_by:
            yield section, one.name, f'# {json.dumps(one.name)} = ""  # needed by {", ".join(one.needed_by)}'
    for coverage in topology.coverage:
        if coverage.identity.type == "AWS::ECS::Service" and coverage.status == "not supported":
            key = coverage.identity.key
            line = f'# {json.dumps(key)} = {{ process = "" }}  # or {{ url = "http://127.0.0.1:3000" }}'
            yield "services", key, line


def _insert(lines: list[str], section: str, line: str) -> None:
    header = f"[{section}]"
    if header in lines:
        lines.insert(lines.index(header) + 1, line)
    else:
        lines += ["", header, line]
