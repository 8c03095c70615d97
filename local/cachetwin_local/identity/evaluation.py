"""The decision about one request: may a role do `action` to `resource`.

A Deny that matches wins, else an Allow that matches, else the request is refused. A permissions boundary has to allow
the request as well. A condition that is not known here (see `conditions`) counts as met in an Allow and as not met in a
Deny, and the decision names it: an app is not stopped by what this machine cannot know.

Source: "Policy evaluation logic", IAM user guide. There are no policies of resources, organisations or sessions here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from .conditions import Context, holds, is_known, matches, with_variables
from .policies import Policy, Statement

__all__ = ["Decision", "decide", "not_known"]

_ARN_PARTS: Final = 6


@dataclass(frozen=True, slots=True)
class Decision:
    """`reason` says what decided; `assumed` names the conditions that could not be evaluated."""

    allowed: bool
    reason: str
    assumed: tuple[str, ...] = ()


def decide(
    policies: Iterable[Policy], action: str, resource: str, context: Context, boundary: Policy | None = None
) -> Decision:
    """Whether `policies` (and `boundary`, if there is one) allow `action` on `resource`."""
    by_role = _decide(policies, action, resource, context)
    if boundary is None or not by_role.allowed:
        return by_role
    by_boundary = _decide([boundary], action, resource, context)
    assumed = by_role.assumed + by_boundary.assumed
    if by_boundary.allowed:
        return Decision(allowed=True, reason=by_role.reason, assumed=assumed)
    return Decision(allowed=False, reason=f"permissions boundary: {by_boundary.reason}", assumed=assumed)


def not_known(policies: Iterable[Policy], known_keys: Sequence[str]) -> list[str]:
    """What of the conditions of `policies` cannot be evaluated for requests that have `known_keys`, in words."""
    found = [
        f"{_name(policy, statement)}: {condition.operator} {condition.key}"
        for policy in policies
        for statement in policy.statements
        for condition in statement.conditions
        if not is_known(condition, known_keys)
    ]
    return list(dict.fromkeys(found))


def _decide(policies: Iterable[Policy], action: str, resource: str, context: Context) -> Decision:
    allowed_by, assumed = "", list[str]()
    for policy in policies:
        for statement in policy.statements:
            if not _is_about(statement, action, resource, context):
                continue
            met, unknown = _conditions(statement, context)
            assumed += [f"{_name(policy, statement)}: {name}" for name in unknown]
            if not met or (unknown and not statement.allows):
                continue
            if not statement.allows:
                return Decision(allowed=False, reason=f"denied by {_name(policy, statement)}", assumed=tuple(assumed))
            allowed_by = allowed_by or _name(policy, statement)
    if allowed_by:
        return Decision(allowed=True, reason=f"allowed by {allowed_by}", assumed=tuple(assumed))
    return Decision(allowed=False, reason=f"no policy allows {action} on {resource}", assumed=tuple(assumed))


def _is_about(statement: Statement, action: str, resource: str, context: Context) -> bool:
    named = any(matches(pattern, action, ignore_case=True) for pattern in statement.actions)
    if named == statement.excludes_actions:
        return False
    patterns = [text for one in statement.resources if (text := with_variables(one, context)) is not None]
    return any(_matches_arn(pattern, resource) for pattern in patterns) != statement.excludes_resources


def _matches_arn(pattern: str, arn: str) -> bool:
    """Wildcards do not reach across the colons that part an ARN, except in its last part and in ``*`` alone.

    Parts that a pattern lacks at its end match anything ("Use wildcards in ARNs", IAM user guide: incomplete ARNs).
    """
    if pattern == "*" or arn == "*":
        return pattern == "*"
    parts, patterns = arn.split(":", 5), pattern.split(":", 5)
    patterns += ["*"] * (_ARN_PARTS - len(patterns))
    return len(parts) == len(patterns) and all(matches(p, v) for p, v in zip(patterns, parts, strict=True))


def _conditions(statement: Statement, context: Context) -> tuple[bool, list[str]]:
    """Whether no condition fails, and the ones that are not known."""
    unknown = []
    for condition in statement.conditions:
        held = holds(condition, context)
        if held is None:
            unknown.append(f"{condition.operator} {condition.key}")
        elif not held:
            return False, []
    return True, unknown


def _name(policy: Policy, statement: Statement) -> str:
    return f"{policy.name} ({statement.sid})" if statement.sid else policy.name
