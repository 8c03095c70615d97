"""A topology for people (tables of rich) and for programs (JSON). Secrets appear as references, never as values.

Values that the template itself writes in clear where a secret belongs (a password, an AUTH token, a SecretString) are
hidden in both; a container's plain environment is shown, as the ECS console shows it.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text as RichText

from cachetwin_local.assembly.values.stand_ins import MissingValue
from cachetwin_local.assembly.values.text import SecretRef, show
from cachetwin_local.topology.values import Coverage, Problem, Topology

HIDDEN: Final = "(hidden)"
SECRET_FIELDS: Final = frozenset({"password", "passwords", "auth_token", "value", "secret_string_template"})
ASCII_MARKS: Final = {"twinned": "*", "modelled": "o"}
STATUS_MARKS: Final = {"twinned": "●", "modelled": "○", "not supported": "-", "not readable": "!", "left out": "-"}
QUIET_STATUS: Final = "modelled"

Json = dict[str, object]


def to_json(topology: Topology) -> Json:
    """The topology as JSON values: the dataclasses' fields by name, texts as strings, tuples as lists."""
    return {field.name: _json(getattr(topology, field.name), field.name) for field in fields(topology)}


def _json(value: object, name: str, owner: str = "") -> object:
    if isinstance(value, SecretRef):
        return str(value)
    if isinstance(value, tuple) and name != "passwords" and any(isinstance(part, SecretRef) for part in value):
        return show(value)
    if name in SECRET_FIELDS and isinstance(value, str) and not (name == "value" and owner == "Output"):
        return HIDDEN
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value).__name__
        return {field.name: _json(getattr(value, field.name), field.name, kind) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _json(item, "") for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_json(item, name, owner) for item in value]
    return value


def render_table(topology: Topology, *, all_resources: bool = False, ascii_only: bool = False) -> RenderableType:
    """Tables of what runs, what does not, the problems and the outputs.

    Modelled resources are counted, or listed with `all_resources`; `ascii_only` is for terminals that have no more.
    """
    marks = {**STATUS_MARKS, **(ASCII_MARKS if ascii_only else {})}
    parts: list[RenderableType] = [_coverage(topology, marks, all_resources=all_resources)]
    if topology.paths:
        parts.append(_paths(topology))
    if topology.outputs:
        parts.append(_outputs(topology))
    if topology.problems:
        parts.append(_problems(topology.problems))
    if topology.missing:
        parts.append(_missing(topology.missing))
    return Group(*parts)


def _coverage(topology: Topology, marks: Mapping[str, str], *, all_resources: bool) -> Table:
    table = Table(title=f"Plan for {', '.join(topology.stacks)}", title_justify="left", expand=False)
    for heading in ("", "Resource", "Type", "Here"):
        table.add_column(heading, overflow="fold")
    shown = [c for c in topology.coverage if all_resources or c.status != QUIET_STATUS]
    for one in sorted(shown, key=lambda c: list(marks).index(c.status)):
        table.add_row(
            f"{marks[one.status]} {one.status}", _name(one), one.identity.type.removeprefix("AWS::"), one.note
        )
    hidden = len(topology.coverage) - len(shown)
    if hidden:
        noun = "resource" if hidden == 1 else "resources"
        table.caption = f"{marks[QUIET_STATUS]} {hidden} more {noun} modelled: checked, nothing to run"
        table.caption_justify = "left"
    return table


def _name(coverage: Coverage) -> str:
    path = coverage.identity.path
    if path == coverage.identity.logical_id:
        return coverage.identity.key
    return path.removesuffix("/Resource")


def _paths(topology: Topology) -> Table:
    table = Table(title="Paths that the security groups open", title_justify="left")
    for heading in ("From", "To", "Port"):
        table.add_column(heading, overflow="fold")
    for path in topology.paths:
        table.add_row(path.source, path.target, str(path.port))
    return table


def _outputs(topology: Topology) -> Table:
    table = Table(title="Outputs", title_justify="left")
    for heading in ("Stack", "Output", "Value"):
        table.add_column(heading, overflow="fold")
    for output in topology.outputs:
        if output.export_name is None or not output.name.startswith("ExportsOutput"):
            value = show(output.value) + (f"\n({output.note})" if output.note else "")
            table.add_row(output.stack, output.name, RichText(value))
    return table


def _missing(missing: tuple[MissingValue, ...]) -> Table:
    table = Table(title="Values that come from elsewhere", title_justify="left")
    for heading in ("What", "Name", "Needed by"):
        table.add_column(heading, overflow="fold")
    for one in (one for one in missing if one.needed_by):
        table.add_row(one.kind, one.name, ", ".join(one.needed_by))
    unused = [f"{one.kind} {one.name}" for one in missing if not one.needed_by]
    if unused:
        table.caption = f"missing too, and not needed here: {', '.join(unused)}"
        table.caption_justify = "left"
    return table


def _problems(problems: tuple[Problem, ...]) -> Table:
    table = Table(title="Problems", title_justify="left")
    for heading in ("", "Resource", "What"):
        table.add_column(heading, overflow="fold")
    for problem in problems:
        style = "red" if problem.severity == "error" else "yellow"
        table.add_row(RichText(problem.severity, style=style), problem.identity.key, RichText(problem.message))
    return table
