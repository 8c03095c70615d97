"""The rules of composite alarms. Pure.

Source: CloudWatch API reference, PutCompositeAlarm, AlarmRule.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from .evaluation import State

__all__ = ["RuleError", "alarms_of", "holds"]

_TOKEN: Final = re.compile(r"\s*(?:(\(|\))|\"([^\"]*)\"|'([^']*)'|([^\s()\"']+))")
_STATES: Final = {"ALARM": "ALARM", "OK": "OK", "INSUFFICIENT_DATA": "INSUFFICIENT_DATA"}


class RuleError(ValueError):
    """A rule that cannot be read."""


def alarms_of(rule: str) -> list[str]:
    """The names or ARNs of the alarms that a rule names. Raises RuleError."""
    found: list[str] = []

    def take(name: str) -> State:
        found.append(name)
        return "OK"

    holds(rule, take)
    return list(dict.fromkeys(found))


def holds(rule: str, state_of: Callable[[str], State]) -> bool:
    """Whether a rule holds; `state_of` gives the state of an alarm by its name or ARN. Raises RuleError."""
    tokens = list(_tokens(rule))
    value, end = _either(tokens, 0, state_of)
    if end != len(tokens):
        raise RuleError(f"{rule}: {tokens[end]} is one too many")
    return value


def _tokens(rule: str) -> Iterator[str]:
    at, text = 0, rule.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise RuleError(f"{rule}: cannot be read")
        yield next(group for group in match.groups() if group is not None)
        at = match.end()


def _at(tokens: list[str], at: int) -> str:
    if at >= len(tokens):
        raise RuleError("the rule ends too early")
    return tokens[at]


def _either(tokens: list[str], at: int, state_of: Callable[[str], State]) -> tuple[bool, int]:
    value, at = _both(tokens, at, state_of)
    while at < len(tokens) and tokens[at] == "OR":
        other, at = _both(tokens, at + 1, state_of)
        value = value or other
    return value, at


def _both(tokens: list[str], at: int, state_of: Callable[[str], State]) -> tuple[bool, int]:
    value, at = _one(tokens, at, state_of)
    while at < len(tokens) and tokens[at] == "AND":
        other, at = _one(tokens, at + 1, state_of)
        value = value and other
    return value, at


def _one(tokens: list[str], at: int, state_of: Callable[[str], State]) -> tuple[bool, int]:
    token = _at(tokens, at)
    if token == "NOT":  # noqa: S105  (a word of the rule)
        value, at = _one(tokens, at + 1, state_of)
        return not value, at
    if token == "(":  # noqa: S105
        value, at = _either(tokens, at + 1, state_of)
        return value, _closed(tokens, at)
    if token in {"TRUE", "FALSE"}:
        return token == "TRUE", at + 1  # noqa: S105
    if token not in _STATES:
        raise RuleError(f"{token} is no state of an alarm")
    if _at(tokens, at + 1) != "(":
        raise RuleError(f"{token} must be followed by an alarm in brackets")
    return state_of(_at(tokens, at + 2)) == _STATES[token], _closed(tokens, at + 3)


def _closed(tokens: list[str], at: int) -> int:
    if _at(tokens, at) != ")":
        raise RuleError(f"a bracket is not closed before {tokens[at]}")
    return at + 1
