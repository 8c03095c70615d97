"""Event patterns of EventBridge, filter policies of SNS and filter criteria of Lambda: one language. Pure.

Sources: "Amazon EventBridge event patterns", EventBridge user guide; "Amazon SNS subscription filter policies", SNS
developer guide. In an array of an event one element that matches is enough.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

__all__ = ["attributes_as_event", "is_match", "matches_filter_policy"]

_MISSING: Final = object()
_ORDERS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "=": lambda value, wanted: value == wanted,
    "<": lambda value, wanted: value < wanted,
    "<=": lambda value, wanted: value <= wanted,
    ">": lambda value, wanted: value > wanted,
    ">=": lambda value, wanted: value >= wanted,
}


def is_match(pattern: Mapping[str, Any], event: object) -> bool:
    """Whether an event, or a part of one, has what every field of the pattern asks for."""
    if isinstance(event, list):
        return any(is_match(pattern, one) for one in event)
    for name, wanted in pattern.items():
        if name == "$or" and isinstance(wanted, list):
            if not any(is_match(one, event) for one in wanted if isinstance(one, dict)):
                return False
            continue
        value = event.get(name, _MISSING) if isinstance(event, dict) else _MISSING
        if isinstance(wanted, dict):
            if not is_match(wanted, {} if value is _MISSING else value):
                return False
        elif not isinstance(wanted, list) or not any(_rule_holds(rule, value) for rule in wanted):
            return False
    return True


def matches_filter_policy(
    policy: Mapping[str, Any], scope: str, attributes: Mapping[str, Mapping[str, Any]], message: str
) -> bool:
    """Whether a message passes a filter policy. `attributes` are as `attributes_as_event` takes them."""
    if scope != "MessageBody":
        return is_match(policy, attributes_as_event(attributes))
    try:
        body = json.loads(message)
    except ValueError:
        return False
    return isinstance(body, dict) and is_match(policy, body)


def attributes_as_event(attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Message attributes of SNS (``Type`` and ``Value`` by name) as the fields that a filter policy looks at."""
    return {name: _attribute(str(one.get("Type", "String")), one.get("Value")) for name, one in attributes.items()}


def _attribute(kind: str, value: Any) -> Any:  # noqa: ANN401  (JSON)
    if kind.startswith("Number"):
        try:
            return float(value)
        except (TypeError, ValueError):
            return None
    if kind == "String.Array":
        try:
            return json.loads(value)
        except (TypeError, ValueError):
            return None
    return value


def _rule_holds(rule: Any, value: Any) -> bool:  # noqa: ANN401  (JSON)
    """Whether one rule of a field holds for its value, which may be `_MISSING`."""
    if isinstance(rule, dict) and "exists" in rule:
        exists = value is not _MISSING and not isinstance(value, dict)  # only leaves exist
        return exists is bool(rule["exists"])
    if value is _MISSING:
        return False
    if isinstance(value, list):
        return any(_rule_holds(rule, one) for one in value)
    if not isinstance(rule, dict):
        return _same(rule, value)
    return all(name in _OPERATORS and _OPERATORS[name](wanted, value) for name, wanted in rule.items())


def _same(wanted: Any, value: Any) -> bool:  # noqa: ANN401  (JSON)
    """Equal, where true is not the number 1."""
    return wanted == value and isinstance(wanted, bool) is isinstance(value, bool)


def _anything_but(wanted: Any, value: Any) -> bool:  # noqa: ANN401  (JSON)
    if isinstance(wanted, dict):
        return not any(
            name in _OPERATORS and _OPERATORS[name](one, value)
            for name, several in wanted.items()
            for one in (several if isinstance(several, list) else [several])
        )
    return not any(_same(one, value) for one in (wanted if isinstance(wanted, list) else [wanted]))


def _affix(test: Callable[[str, str], bool], wanted: Any, value: Any) -> bool:  # noqa: ANN401  (JSON)
    if not isinstance(value, str):
        return False
    if isinstance(wanted, dict):
        folded = wanted.get("equals-ignore-case")
        return isinstance(folded, str) and test(value.lower(), folded.lower())
    return isinstance(wanted, str) and test(value, wanted)


def _numeric(wanted: Any, value: Any) -> bool:  # noqa: ANN401  (JSON)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isinstance(wanted, list) or not wanted:
        return False
    pairs = list(zip(wanted[::2], wanted[1::2], strict=False))
    return all(order in _ORDERS and _ORDERS[order](value, number) for order, number in pairs)


def _cidr(wanted: Any, value: Any) -> bool:  # noqa: ANN401  (JSON)
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


def _ignoring_case(wanted: Any, value: Any) -> bool:  # noqa: ANN401  (JSON)
    return isinstance(value, str) and isinstance(wanted, str) and value.lower() == wanted.lower()


def _wildcard(wanted: Any, value: Any) -> bool:  # noqa: ANN401  (JSON)
    if not isinstance(value, str) or not isinstance(wanted, str):
        return False
    words = re.findall(r"\\[*\\]|.", wanted, re.DOTALL)
    expression = "".join(".*" if word == "*" else re.escape(word[-1]) for word in words)
    return re.fullmatch(expression, value, re.DOTALL) is not None


_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "anything-but": _anything_but,
    "cidr": _cidr,
    "equals-ignore-case": _ignoring_case,
    "numeric": _numeric,
    "prefix": partial(_affix, str.startswith),
    "suffix": partial(_affix, str.endswith),
    "wildcard": _wildcard,
}
