"""Whether the policy in the result of an authorizer's function lets a caller in. Pure."""

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["allows"]

_ACTION = "execute-api:Invoke"


def allows(decision: Mapping[str, Any], resource: str) -> bool:
    """Whether a statement allows the call of `resource`, an ARN, and none denies it."""
    policy = decision.get("policyDocument")
    statements = policy.get("Statement", []) if isinstance(policy, dict) else []
    effects = {
        str(one.get("Effect", "")).lower()
        for one in (statements if isinstance(statements, list) else [statements])
        if isinstance(one, dict) and _names(one, "Action", _ACTION) and _names(one, "Resource", resource)
    }
    return effects == {"allow"}


def _names(statement: Mapping[str, Any], element: str, text: str) -> bool:
    """Whether ``Action`` (or ``Resource``) has `text`, or ``NotAction`` has not."""
    opposite = f"Not{element}"
    if opposite in statement:
        return not _matches(statement[opposite], text)
    return _matches(statement.get(element), text)


def _matches(patterns: object, text: str) -> bool:
    every = patterns if isinstance(patterns, list) else [patterns]
    return any(isinstance(one, str) and _expression(one).fullmatch(text) for one in every)


def _expression(pattern: str) -> re.Pattern[str]:
    escaped = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(escaped, re.IGNORECASE | re.DOTALL)
