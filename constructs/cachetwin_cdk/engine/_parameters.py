"""Names and values of parameters, checked against a table of each family.

``cache_parameters.json`` is written by ``tools/tables/cache_parameters.py`` from Cachetwin's engine and the user guide.
"""

import difflib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from constructs import IConstruct

from cachetwin_cdk.checks._validate import WarningId, known, refuse, require_match, warn

from .engine_version import EngineVersion

_TABLE: dict[str, dict[str, dict[str, Any]]] = json.loads((Path(__file__).parent / "cache_parameters.json").read_text())
_COMMANDS = frozenset(json.loads((Path(__file__).parents[1] / "access" / "acl_commands.json").read_text())["redis"])
_EVENTS = "AKEg$lshzxetmdn"
_DELIVERED = frozenset("KE")
_NUMBER_MAX = 2**63 - 1  # of a parameter without a bound: what fits into the engine's configuration


def check_parameters(family: str, parameters: Mapping[str, str]) -> None:
    """Raise ValidationError for a parameter that the family does not have, or that does not have such a value.

    Tokens pass, and so do the parameters of a family that the table does not have.
    """
    for name, value in parameters.items():
        if not isinstance(value, str):
            refuse(f"parameters[{name!r}]", "be text", value, f"write {str(value).lower()!r}")
        require_match(
            "parameters", name, r"[a-z][a-z0-9_-]*", "be named as the service names them", remedy="use lower case"
        )
        if family in _TABLE and known(name):
            _check_parameter(family, name, value)


def warn_of_parameters(
    scope: IConstruct, family: str, engine_version: EngineVersion, parameters: Mapping[str, str]
) -> None:
    """Warn of parameters that the user guide does not list, of newer versions, and of those without effect."""
    rows = _TABLE.get(family, {})
    for name, value in parameters.items():
        row = rows.get(name, {})
        if row.get("listed") is False:
            warn(
                scope,
                WarningId.PARAMETER_UNCONFIRMED,
                f"parameter {name} of {family} is known to the engine, not to ElastiCache's user guide; check that "
                "'aws elasticache describe-engine-default-parameters' lists it, then acknowledge this warning",
            )
        least = row.get("since")
        if least is not None and not engine_version.at_least(valkey=least, redis=least):
            warn(
                scope,
                WarningId.PARAMETER_OF_NEWER_VERSION,
                f"parameter {name} has no effect before version {least}, and the engine is {engine_version}; leave it out, "
                "or choose a newer engine_version",
            )
        if row.get("kind") == "events" and known(value) and value and not _DELIVERED & set(value):
            warn(
                scope,
                WarningId.NO_NOTIFICATIONS,
                f"{name} {value} delivers nothing without K or E; write K{value} for events by key, E{value} by event",
            )


def _check_parameter(family: str, name: str, value: str) -> None:
    rows = _TABLE[family]
    row = rows.get(name)
    if row is None:
        close = difflib.get_close_matches(name, [other for other in rows if rows[other]["kind"] != "fixed"], n=1)
        remedy = f"did you mean {close[0]!r}" if close else "correct or remove that name"
        refuse("parameters", f"hold parameters that {family} has", name, remedy)
    if row["kind"] == "fixed":
        refuse("parameters", "hold no parameter that ElastiCache fixes", name, "leave it out")
    if known(value):
        _check_value(f"parameters[{name!r}]", row, value)


def _check_value(name: str, row: Mapping[str, Any], value: str) -> None:
    kind = row["kind"]
    if kind == "choice" and value not in row["choices"]:
        refuse(name, f"be one of {', '.join(row['choices'])}", value, "choose one of those")
    if kind == "switch" and value not in {"0", "1"}:
        refuse(name, "be 0 or 1", value, "write 1 to turn it on")
    if kind == "events" and (strangers := sorted(set(value) - set(_EVENTS))):
        refuse(name, f"hold letters of {_EVENTS} only", "".join(strangers), "remove those letters")
    if kind == "integer":
        _check_number(name, row, value)
    if kind == "number" and (not re.fullmatch(r"[0-9]+(\.[0-9]+)?", value) or float(value) <= row["low"]):
        refuse(name, f"be a number above {row['low']}", value, "write it as 1.25")
    if kind == "renamed commands":
        _check_renamed(name, value)


def _check_number(name: str, row: Mapping[str, Any], value: str) -> None:
    low, high = row.get("low"), row.get("high")
    if not re.fullmatch(r"0|-?[1-9][0-9]*", value):
        refuse(name, "be a whole number", value, "write digits, without a unit")
    number = int(value)
    if high is None and number > _NUMBER_MAX:
        high = _NUMBER_MAX
    if (low is not None and number < low) or (high is not None and number > high):
        bounds = f"be between {low} and {high}" if high is not None else f"be at least {low}"
        refuse(name, bounds, number, "choose a number in that range")
    least = row.get("zero_or_from")
    if least is not None and 0 < number < least:
        refuse(name, f"be 0 or at least {least}", number, "choose 0 to turn it off, or a larger number")


def _check_renamed(name: str, value: str) -> None:
    words = value.split()
    if len(words) % 2:
        refuse(name, "be pairs of a command and its new name", value, "write flushall blocked, with one space between")
    old, new = words[::2], [word for word in words[1::2] if word.lower() != "blocked"]
    for several in (old, new):
        if len({word.lower() for word in several}) != len(several):
            refuse(name, "name each command once", value, "remove the second one")
    for command in old:
        if command.lower() not in _COMMANDS:
            refuse(name, "name commands that Redis has", command, "correct or remove that pair")
