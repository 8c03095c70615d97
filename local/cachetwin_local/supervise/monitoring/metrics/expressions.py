"""Metric math: arithmetic, comparisons and some functions over series of equal length.

A series has a value or None for each period. A result of a division by zero, and of an operation with None, is None.
Source: CloudWatch user guide, "Using math expressions with CloudWatch metrics".
"""

import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

__all__ = ["FUNCTIONS", "ExpressionError", "Series", "evaluate", "unknown_functions"]

Series = list[float | None]
Value = Series | float | list[Series]

_TOKEN: Final = re.compile(
    r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|([A-Za-z_][A-Za-z0-9_]*)|(\"[^\"]*\"|'[^']*')|(<=|>=|==|!=|&&|\|\||[-+*/^(),<>\[\]]))"
)
_DEPTH_MAX: Final = 50
_BINARY: Final[Mapping[str, tuple[int, Callable[[float, float], float | None]]]] = {
    "||": (1, lambda a, b: float(bool(a) or bool(b))),
    "&&": (2, lambda a, b: float(bool(a) and bool(b))),
    "==": (3, lambda a, b: float(a == b)),
    "!=": (3, lambda a, b: float(a != b)),
    "<": (3, lambda a, b: float(a < b)),
    "<=": (3, lambda a, b: float(a <= b)),
    ">": (3, lambda a, b: float(a > b)),
    ">=": (3, lambda a, b: float(a >= b)),
    "+": (4, lambda a, b: a + b),
    "-": (4, lambda a, b: a - b),
    "*": (5, lambda a, b: a * b),
    "/": (5, lambda a, b: a / b if b else None),
    "^": (6, lambda a, b: a**b),
}


class ExpressionError(ValueError):
    """An expression that cannot be computed here; the message says why."""


def evaluate(expression: str, known: Mapping[str, Series], length: int, period_s: int) -> Series:
    """The series of an expression over those that are `known` by their ids. Raises ExpressionError."""
    parser = _Parser(expression, known, length, period_s)
    value = parser.whole()
    if isinstance(value, list) and value and isinstance(value[0], list):
        raise ExpressionError(f"{expression} must give one series, got several")
    return _series(value, length)


def unknown_functions(expression: str) -> list[str]:
    """The functions of an expression that are not here."""
    names = re.findall(r"([A-Za-z_][A-Za-z0-9_]*)\s*\(", re.sub(r"\"[^\"]*\"|'[^']*'", "", expression))
    return [name for name in dict.fromkeys(names) if name.upper() not in {*FUNCTIONS, "METRICS", "FILL", "IF"}]


def _series(value: Value, length: int) -> Series:
    if isinstance(value, list):
        if value and isinstance(value[0], list):
            raise ExpressionError("must be one series, got several")
        return value  # type: ignore[return-value]  # a list without lists
    return [float(value)] * length


def _each(length: int, function: Callable[..., float | None], *values: Value) -> Series | float:
    """A function over numbers, of each period; a number where every value is one."""
    if all(isinstance(value, float) for value in values):
        found = _number(function, *values)
        return math.nan if found is None else found
    rows = zip(*(_series(value, length) for value in values), strict=True)
    return [None if any(item is None for item in row) else _number(function, *row) for row in rows]


def _number(function: Callable[..., float | None], *values: object) -> float | None:
    try:
        found = function(*values)
    except (ArithmeticError, ValueError):
        return None
    return found if isinstance(found, int | float) and math.isfinite(found) else None


def _known_values(series: Series) -> list[float]:
    return [item for item in series if item is not None]


def _over_time(function: Callable[[list[float]], float]) -> Callable[[Series], float | None]:
    """A function of all values of one series."""
    return lambda series: function(values) if (values := _known_values(series)) else None


def _rate(series: Series, period_s: int) -> Series:
    found: Series = [None]
    for before, after in itertools.pairwise(series):
        found.append(None if before is None or after is None else (after - before) / period_s)
    return found[: len(series)]


def _difference(series: Series, period_s: int) -> Series:
    return [None if item is None else item * period_s for item in _rate(series, period_s)]


def _running_sum(series: Series, _period_s: int) -> Series:
    total, found = 0.0, Series()
    for item in series:
        total += item or 0
        found.append(total)
    return found


def _deviation(values: list[float]) -> float:
    middle = sum(values) / len(values)
    return math.sqrt(sum((value - middle) ** 2 for value in values) / len(values))


_OF_NUMBERS: Final[Mapping[str, Callable[[float], float | None]]] = {
    "ABS": abs,
    "CEIL": math.ceil,
    "FLOOR": math.floor,
    "LOG": lambda value: math.log(value) if value > 0 else None,
    "LOG10": lambda value: math.log10(value) if value > 0 else None,
}
_OF_VALUES: Final[Mapping[str, Callable[[list[float]], float]]] = {
    "AVG": lambda values: sum(values) / len(values),
    "MAX": max,
    "MIN": min,
    "STDDEV": _deviation,
    "SUM": sum,
}
_OF_TIME: Final[Mapping[str, Callable[[Series, int], Series]]] = {
    "DIFF": _difference,
    "RATE": _rate,
    "RUNNING_SUM": _running_sum,
}
FUNCTIONS: Final = frozenset(
    {*_OF_NUMBERS, *_OF_VALUES, *_OF_TIME, "DATAPOINT_COUNT", "FILL", "IF", "METRICS", "PERIOD"}
)
"""The functions that are here."""


class _Parser:
    """Computes while it reads."""

    def __init__(self, text: str, known: Mapping[str, Series], length: int, period_s: int) -> None:
        self._text = text
        self._known = known
        self._length = length
        self._period_s = period_s
        self._tokens = self._split(text)
        self._at = 0
        self._depth = 0

    def whole(self) -> Value:
        value = self._binary(0)
        if self._at < len(self._tokens):
            raise self._error(f"{self._tokens[self._at]} is one too many")
        return value

    def _split(self, text: str) -> list[str]:
        tokens, at = [], 0
        text = text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._error(f"{text[at:].split()[0]} is not metric math")
            tokens.append(match[0].strip())
            at = match.end()
        return tokens

    def _error(self, reason: str) -> ExpressionError:
        return ExpressionError(f"{self._text}: {reason}")

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, wanted: str = "") -> str:
        token = self._peek()
        if not token or (wanted and token != wanted):
            raise self._error(f"{wanted or 'a value'} is missing")
        self._at += 1
        return token

    def _binary(self, least: int) -> Value:
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise self._error("too deep")
        left = self._unary()
        while True:
            operator = {"AND": "&&", "OR": "||"}.get(self._peek().upper(), self._peek())
            rank, function = _BINARY.get(operator, (0, None))
            if function is None or rank <= least:
                self._depth -= 1
                return left
            self._at += 1
            left = self._apply(function, left, self._binary(rank))

    def _apply(self, function: Callable[..., float | None], left: Value, right: Value) -> Value:
        for value, swapped in ((left, False), (right, True)):
            if isinstance(value, list) and value and isinstance(value[0], list):
                other = right if not swapped else left
                pairs = [(one, other) if not swapped else (other, one) for one in value]
                return [_series(_each(self._length, function, *pair), self._length) for pair in pairs]
        return _each(self._length, function, left, right)

    def _unary(self) -> Value:
        if self._peek() == "-":
            self._at += 1
            return _each(self._length, lambda value: -value, self._unary())
        return self._primary()

    def _primary(self) -> Value:
        token = self._take()
        if token == "(":  # noqa: S105  (a bracket)
            value = self._binary(0)
            self._take(")")
            return value
        if token == "[":  # noqa: S105
            return self._list("]")
        if token[0].isdigit() or token[0] == ".":
            return float(token)
        if self._peek() == "(":
            return self._call(token.upper())
        if token not in self._known:
            raise self._error(f"{token} is no id of a metric")
        return self._known[token]

    def _arguments(self, end: str) -> list[Value | str]:
        found: list[Value | str] = []
        while self._peek() != end:
            token = self._peek()
            if token[:1] in {'"', "'"} or (token.upper() in {"REPEAT", "LINEAR"} and token not in self._known):
                found.append(self._take().strip("\"'"))
            else:
                found.append(self._binary(0))
            if self._peek() != end:
                self._take(",")
        self._take(end)
        return found

    def _list(self, end: str) -> list[Series]:
        return [_series(one, self._length) for one in self._arguments(end) if not isinstance(one, str)]

    def _call(self, name: str) -> Value:
        self._take("(")
        arguments = self._arguments(")")
        if name == "METRICS":
            part = arguments[0] if arguments and isinstance(arguments[0], str) else ""
            return [series for key, series in self._known.items() if part in key]
        if name not in FUNCTIONS:
            raise self._error(f"{name} is not here")
        if not arguments or isinstance(arguments[0], str):
            raise self._error(f"{name} needs a metric")
        first, rest = arguments[0], arguments[1:]
        if name == "FILL":
            return self._fill(first, rest[0] if rest else 0.0)
        if name == "IF":
            return self._if(first, rest)
        if name == "PERIOD":
            return float(self._period_s)
        if name in _OF_NUMBERS:
            return _each(self._length, _OF_NUMBERS[name], first)
        if name in _OF_TIME:
            return _OF_TIME[name](_series(first, self._length), self._period_s)
        return self._aggregate(name, first)

    def _aggregate(self, name: str, value: Value) -> Value:
        """Of several series one, period by period; of one series a number, which stands for every period."""
        if isinstance(value, list) and value and isinstance(value[0], list):
            rows = [_known_values(list(row)) for row in zip(*value, strict=True)]
            counts: Series = [float(len(row)) for row in rows]
            if name == "DATAPOINT_COUNT":
                return counts
            return [_OF_VALUES[name](row) if row else None for row in rows]
        series = _series(value, self._length)
        if name == "DATAPOINT_COUNT":
            return float(len(_known_values(series)))
        found = _over_time(_OF_VALUES[name])(series)
        if found is None:
            nothing: Series = [None] * self._length
            return nothing
        return found

    def _fill(self, value: Value, filler: Value | str) -> Value:
        if isinstance(value, list) and value and isinstance(value[0], list):
            return [self._filled(one, filler) for one in value]
        return self._filled(_series(value, self._length), filler)

    def _filled(self, series: Series, filler: Value | str) -> Series:
        if isinstance(filler, str):
            found, last = Series(), None
            for item in series:
                last = item if item is not None else last
                found.append(last)
            return found
        fill = _series(filler, self._length)
        return [other if item is None else item for item, other in zip(series, fill, strict=True)]

    def _if(self, condition: Value, rest: Sequence[Value | str]) -> Value:
        found = [_series(one, self._length) for one in rest if not isinstance(one, str)]
        if not found or len(found) != len(rest):
            raise self._error("IF needs a condition and what follows from it")
        others: Series = found[1] if len(found) > 1 else [None] * self._length
        rows = zip(_series(condition, self._length), found[0], others, strict=True)
        return [then if holds else other for holds, then, other in rows]
