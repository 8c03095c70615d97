"""Condition operators of policies.

`holds` has three answers: a condition holds, does not, or is not known, because this machine does not know the key's
value (the network a request comes from) or the operator. Keys that a request simply does not have (a tag that is not
there) are absent, and absent keys are known.

Source: "IAM JSON policy elements: Condition operators", IAM user guide.
"""

import base64
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from .policies import Condition

__all__ = ["Context", "holds", "is_known", "matches", "with_variables"]

Context = Mapping[str, str | Sequence[str]]
"""The keys of a request and their values; the names of keys are compared without case."""

_ABSENT_UNLESS_GIVEN: Final = (
    "aws:resourcetag/", "aws:requesttag/", "aws:principaltag/", "aws:tagkeys", "aws:multifactorauth",
    "elasticache:resourcetag/",
)  # fmt: skip
_VARIABLE: Final = re.compile(r"\$\{([^},]+)(?:,\s*'([^']*)')?\}")
_LITERALS: Final = {"*": "\x00", "?": "\x01", "$": "\x02"}  # ``${*}`` stands for the character itself


def holds(condition: Condition, context: Context) -> bool | None:
    """Whether a condition holds for a request; None where that is not known here."""
    name, set_operator, if_exists = _parts(condition.operator)
    values = _values(condition.key, context)
    if name == "Null":
        if values is None and not _is_absent(condition.key):
            return None
        return any((values is None) == (value.lower() == "true") for value in condition.values)
    if name not in _OPERATORS:
        return None
    if values is None:
        if not _is_absent(condition.key):
            return None
        return if_exists or set_operator == "ForAllValues" or name in _NEGATED
    wanted = [text for value in condition.values if (text := with_variables(value, context)) is not None]
    compare = _OPERATORS[name]

    def one(value: str) -> bool:
        found = any(_safely(compare, value, each) for each in wanted)
        return not found if name in _NEGATED else found

    if set_operator == "ForAllValues":
        return all(one(value) for value in values)
    if name in _NEGATED and set_operator is None:
        return all(one(value) for value in values)
    return any(one(value) for value in values)


def is_known(condition: Condition, known_keys: Sequence[str]) -> bool:
    """Whether a condition can be evaluated for requests that have `known_keys`."""
    name, _set_operator, _if_exists = _parts(condition.operator)
    key = condition.key.lower()
    return (name == "Null" or name in _OPERATORS) and (_is_absent(key) or key in {one.lower() for one in known_keys})


def with_variables(text: str, context: Context) -> str | None:
    """`text` with its policy variables replaced, None for one that the request does not have.

    Characters that a variable such as ``${*}`` protects are returned as themselves only by `matches`.
    """
    missing = False

    def value(match: re.Match[str]) -> str:
        nonlocal missing
        if match[1] in _LITERALS:
            return _LITERALS[match[1]]
        values = _values(match[1], context)
        if values:
            return values[0]
        missing = missing or match[2] is None
        return match[2] or ""

    replaced = _VARIABLE.sub(value, text)
    return None if missing else replaced


def matches(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether `text` matches a pattern with ``*`` and ``?``."""
    words = [".*" if c == "*" else "." if c == "?" else re.escape(_plain(c)) for c in pattern]
    return re.fullmatch("".join(words), text, re.DOTALL | (re.IGNORECASE if ignore_case else 0)) is not None


def _plain(text: str) -> str:
    for literal, stand_in in _LITERALS.items():
        text = text.replace(stand_in, literal)
    return text


def _parts(operator: str) -> tuple[str, str | None, bool]:
    """The operator without ``ForAnyValue:`` and ``IfExists``, and these two."""
    prefix, colon, name = operator.rpartition(":")
    return name.removesuffix("IfExists"), prefix if colon else None, name.endswith("IfExists")


def _is_absent(key: str) -> bool:
    return key.lower().startswith(_ABSENT_UNLESS_GIVEN)


def _values(key: str, context: Context) -> list[str] | None:
    for name, value in context.items():
        if name.lower() == key.lower():
            return [value] if isinstance(value, str) else list(value)
    return None


def _safely(compare: Callable[[str, str], bool], value: str, wanted: str) -> bool:
    """False for a value that is not of the operator's type, as in IAM."""
    try:
        return compare(value, wanted)
    except ValueError:
        return False


def _string_equals(value: str, wanted: str) -> bool:
    return value == _plain(wanted)


def _string_equals_ignore_case(value: str, wanted: str) -> bool:
    return value.lower() == _plain(wanted).lower()


def _string_like(value: str, wanted: str) -> bool:
    return matches(wanted, value)


def _arn_like(value: str, wanted: str) -> bool:
    parts, patterns = value.split(":", 5), wanted.split(":", 5)
    return len(parts) == len(patterns) and all(matches(p, v) for p, v in zip(patterns, parts, strict=True))


def _boolean(value: str, wanted: str) -> bool:
    return value.lower() == wanted.lower()


def _binary(value: str, wanted: str) -> bool:
    return base64.b64decode(value) == base64.b64decode(wanted)


def _address(value: str, wanted: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)


def _date(text: str) -> float:
    """Seconds since 1970 of an ISO 8601 date or of seconds since 1970."""
    if text.replace(".", "", 1).isdecimal():
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


_ORDERS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "Equals": lambda value, wanted: value == wanted,
    "NotEquals": lambda value, wanted: value == wanted,
    "LessThan": lambda value, wanted: value < wanted,
    "LessThanEquals": lambda value, wanted: value <= wanted,
    "GreaterThan": lambda value, wanted: value > wanted,
    "GreaterThanEquals": lambda value, wanted: value >= wanted,
}


def _ordered(read: Callable[[str], float], order: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda value, wanted: order(read(value), read(wanted))


_NEGATED: Final = frozenset(
    {
        "StringNotEquals", "StringNotEqualsIgnoreCase", "StringNotLike", "NumericNotEquals", "DateNotEquals",
        "NotIpAddress", "ArnNotEquals", "ArnNotLike",
    }
)  # fmt: skip
"""Operators that hold when the comparison in `_OPERATORS` does not hold for any value, and for an absent key."""

_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StringEquals": _string_equals,
    "StringNotEquals": _string_equals,
    "StringEqualsIgnoreCase": _string_equals_ignore_case,
    "StringNotEqualsIgnoreCase": _string_equals_ignore_case,
    "StringLike": _string_like,
    "StringNotLike": _string_like,
    "ArnEquals": _arn_like,
    "ArnNotEquals": _arn_like,
    "ArnLike": _arn_like,
    "ArnNotLike": _arn_like,
    "Bool": _boolean,
    "BinaryEquals": _binary,
    "IpAddress": _address,
    "NotIpAddress": _address,
    **{f"Numeric{name}": _ordered(float, order) for name, order in _ORDERS.items()},
    **{f"Date{name}": _ordered(_date, order) for name, order in _ORDERS.items()},
}
