"""Whether the policy in the result of an authorizer's function lets a caller in. Pure.

A condition that is not known here counts as met in an Allow and as not met in a Deny, as for the policies of roles.
"""

import re
from collections.abc import Mapping
from typing import Any

from cachetwin_local.identity.conditions import Context, holds
from cachetwin_local.identity.policies import Condition

__all__ = ["allows"]

_ACTION = "execute-api:Invoke"


def allows(decision: Mapping[str, Any], resource: str, context: Context) -> bool:
    """Whether a statement allows the call of `resource`, an ARN, and none denies it. `context` has the request's keys."""
    policy = decision.get("policyDocument")
    statements = policy.get("Statement", []) if isinstance(policy, dict) else []
    effects = {
        str(one.get("Effect", "")).lower()
        for one in (statements if isinstance(statements, list) else [statements])
        if isinstance(one, dict)
        and _names(one, "Action", _ACTION)
        and _names(one, "Resource", resource)
        and _is_met(one, context)
    }
    return effects == {"allow"}


def _names(statement: Mapping[str, Any], element: str, text: str) -> bool:
    """Whether ``Action`` (or ``Resource``) has `text`, or ``NotAction`` has not."""
    opposite = f"Not{element}"
    if opposite in statement:
        return not _matches(statement[opposite], text)
    return _matches(statement.get(element), text)


def _is_met(statement: Mapping[str, Any], context: Context) -> bool:
    """Whether every condition of a statement holds; one that is not an object holds in a Deny only."""
    allows_ = str(statement.get("Effect", "")).lower() == "allow"
    block = statement.get("Condition", {})
    if not isinstance(block, dict) or not all(isinstance(lines, dict) for lines in block.values()):
        return not allows_
    for operator, lines in block.items():
        for key, value in lines.items():
            values = tuple(str(one) for one in (value if isinstance(value, list) else [value]))
            held = holds(Condition(operator, key, values), context)
            if not (allows_ if held is None else held):
                return False
    return True


def _matches(patterns: object, text: str) -> bool:
    every = patterns if isinstance(patterns, list) else [patterns]
    return any(isinstance(one, str) and _expression(one).fullmatch(text) for one in every)


def _expression(pattern: str) -> re.Pattern[str]:
    escaped = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(escaped, re.IGNORECASE | re.DOTALL)
