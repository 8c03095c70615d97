"""Identity-based policies as values: a policy's document read into statements.

Source: "IAM JSON policy elements reference", IAM user guide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cachetwin_local.errors import UserError

__all__ = ["Condition", "Policy", "Statement", "read_policy"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of a condition block: `key` compared by `operator` with any of `values`."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `excludes_actions` means that ``NotAction`` was given, `excludes_resources` ``NotResource``."""

    sid: str
    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    excludes_actions: bool = False
    excludes_resources: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy by its name, and its statements."""

    name: str
    statements: tuple[Statement, ...]


def read_policy(name: str, document: Mapping[str, Any]) -> Policy:
    """The policy of a document. Raises UserError that names the policy and what is wrong with it."""
    statements = document.get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    return Policy(name, tuple(_statement(f"policy {name}, statement {at}", one) for at, one in enumerate(listed)))


def _statement(where: str, statement: Any) -> Statement:  # noqa: ANN401  (a template's JSON)
    if not isinstance(statement, dict):
        raise UserError(f"{where}: must be an object, got {type(statement).__name__}")
    effect = statement.get("Effect")
    if not isinstance(effect, str) or effect not in {"Allow", "Deny"}:
        raise UserError(f"{where}: Effect must be Allow or Deny, got {effect}")
    actions, excludes_actions = _either(where, statement, "Action")
    resources, excludes_resources = _either(where, statement, "Resource")
    return Statement(
        sid=str(statement.get("Sid", "")),
        allows=effect == "Allow",
        actions=actions,
        resources=resources,
        conditions=tuple(_conditions(where, statement.get("Condition", {}))),
        excludes_actions=excludes_actions,
        excludes_resources=excludes_resources,
    )


def _either(where: str, statement: Mapping[str, Any], name: str) -> tuple[tuple[str, ...], bool]:
    """The values of an element or of its opposite (``NotAction``), and whether it was the opposite."""
    given = [each for each in (name, f"Not{name}") if each in statement]
    if len(given) != 1:
        raise UserError(f"{where}: must have one of {name} and Not{name}, got {' and '.join(given) or 'none'}")
    return _strings(f"{where}: {given[0]}", statement[given[0]]), given[0] != name


def _conditions(where: str, block: Any) -> list[Condition]:  # noqa: ANN401  (a template's JSON)
    if not isinstance(block, dict):
        raise UserError(f"{where}: Condition must be an object, got {type(block).__name__}")
    found = []
    for operator, lines in block.items():
        if not isinstance(lines, dict):
            raise UserError(f"{where}: Condition {operator} must be an object, got {type(lines).__name__}")
        found += [
            Condition(operator, key, _strings(f"{where}: Condition {operator} {key}", value))
            for key, value in lines.items()
        ]
    return found


def _strings(where: str, value: Any) -> tuple[str, ...]:  # noqa: ANN401  (a template's JSON)
    listed = value if isinstance(value, list) else [value]
    texts = [str(one).lower() if isinstance(one, bool) else one for one in listed]
    if not all(isinstance(one, str | int | float) for one in texts):
        raise UserError(f"{where}: must be a string or a list of strings")
    return tuple(str(one) for one in texts)
