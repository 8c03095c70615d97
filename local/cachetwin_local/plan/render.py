"""A topology for people (tables of rich) and for programs (JSON). Secrets appear as references, never as values.

Values that the template itself writes in clear where a secret belongs (a password, an AUTH token, a SecretString) are
hidden in both; a container's plain environment is shown, as the ECS console shows it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text as RichText

from cachetwin_local.assembly.values.stand_ins import MissingValue
from cachetwin_local.assembly.values.text import SecretRef, show
from cachetwin_local.plan.listing import Listing
from cachetwin_local.resources.context import NOT_READABLE
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
    if problems := _further_problems(topology):
        parts.append(_problems(problems))
    if topology.missing:
        parts.append(_missing(topology.missing))
    return Group(*parts)


def _coverage(topology: Topology, marks: Mapping[str, str], *, all_resources: bool) -> Listing:
    shown = [c for c in topology.coverage if all_resources or c.status != QUIET_STATUS]
    rows = [
        _texts(f"{marks[one.status]} {one.status}", _name(one), one.identity.type.removeprefix("AWS::"), one.note)
        for one in sorted(shown, key=lambda c: list(marks).index(c.status))
    ]
    hidden = len(topology.coverage) - len(shown)
    noun = "resource" if hidden == 1 else "resources"
    note = f"{marks[QUIET_STATUS]} {hidden} more {noun} modelled: checked, nothing to run" if hidden else ""
    return Listing(f"Plan for {', '.join(topology.stacks)}", ("", "Resource", "Type", "Here"), rows, note)


def _name(coverage: Coverage) -> str:
    path = coverage.identity.path
    if path == coverage.identity.logical_id:
        return coverage.identity.key
    return path.removesuffix("/Resource")


def _paths(topology: Topology) -> Listing:
    rows = [_texts(path.source, path.target, str(path.port)) for path in topology.paths]
    return Listing("Paths that the security groups open", ("From", "To", "Port"), rows)


def _outputs(topology: Topology) -> Listing:
    rows = []
    for output in topology.outputs:
        if output.export_name is None or not output.name.startswith("ExportsOutput"):
            value = show(output.value) + (f"\n({output.note})" if output.note else "")
            rows.append(_texts(output.stack, output.name, value))
    return Listing("Outputs", ("Stack", "Output", "Value"), rows)


def _missing(missing: tuple[MissingValue, ...]) -> Listing:
    rows = [_texts(one.kind, one.name, ", ".join(one.needed_by)) for one in missing if one.needed_by]
    unused = [f"{one.kind} {one.name}" for one in missing if not one.needed_by]
    note = f"missing too, but nothing that runs here needs it: {', '.join(unused)}" if unused else ""
    return Listing("Values that come from elsewhere", ("What", "Name", "Needed by"), rows, note)


def _problems(problems: Iterable[Problem]) -> Listing:
    styles = {"error": "red", "warning": "yellow"}
    rows = [
        (RichText(one.severity, style=styles[one.severity]), *_texts(one.identity.key, one.message)) for one in problems
    ]
    return Listing("Problems", ("", "Resource", "What"), rows)


def _further_problems(topology: Topology) -> list[Problem]:
    """The problems without those that the list of resources has told already: what cannot be read, and why."""
    unreadable = {one.identity.key for one in topology.coverage if one.status == "not readable"}
    return [
        one
        for one in topology.problems
        if one.identity.key not in unreadable or not one.message.startswith(NOT_READABLE)
    ]


def _texts(*words: str) -> tuple[RichText, ...]:
    """Words as they are: rich would read a bracket in a string as markup."""
    return tuple(RichText(word) for word in words)
