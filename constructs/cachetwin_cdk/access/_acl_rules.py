"""The ACL rules of an access string, checked as the engine applies them: word by word, in order.

The names of commands come from ``acl_commands.json``, which ``tools/tables/acl_commands.py`` writes from the command
table of Cachetwin's engine. Modules that ElastiCache offers (JSON, search, Bloom filters) have names with a dot, of
which the part before it is checked.
"""

import difflib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from cachetwin_cdk.checks._validate import ValidationError
from cachetwin_cdk.engine.engine_version import Engine, EngineVersion

_TABLE: dict[str, Any] = json.loads((Path(__file__).parent / "acl_commands.json").read_text())
# User guide: JSON, search and Bloom filters, and the first version of each engine that has them; by category, and by the
# part of a command's name before its dot.
_MODULES: dict[str, dict[str, str]] = {
    "json": {"valkey": "7.2", "redis": "6.2"},
    "bloom": {"valkey": "8.1"},
    "search": {"valkey": "8.2"},
}
_MODULE_OF_PREFIX = {"json": "json", "bf": "bloom", "ft": "search"}
_MODULE_CATEGORIES = frozenset(_MODULES)
_CATEGORIES = frozenset({"all", *_TABLE["categories"]}) | _MODULE_CATEGORIES
# Commands that ElastiCache reserves (docs: supported and restricted commands); a rule that allows one is refused.
RESTRICTED_COMMANDS = frozenset(
    {
        "bgrewriteaof", "bgsave", "config", "debug", "migrate", "psync", "replicaof", "save", "shutdown", "slaveof",
        "sync",
    }
)  # fmt: skip
_COMMAND = re.compile(r"[+-](@?)([a-z][a-z0-9._-]*)(?:\|([a-z0-9_-]+))?", re.IGNORECASE)
# What says something of the user, not of a selector.
_ROOT_RULES = frozenset({"on", "off", "reset", "clearselectors", "sanitize-payload", "skip-sanitize-payload"})
_PASSWORD_RULES = frozenset({"nopass", "resetpass"})
_DATABASES = re.compile(r"db=[0-9]+(,[0-9]+)*")
# The engine reads a pattern up to white space of ASCII, and refuses one with a zero byte.
_UNPRINTABLE = re.compile(r"[^\S \t\r\n]|[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass
class _Selector:
    """What the words so far have allowed: patterns after one that matches everything are refused."""

    all_keys: bool = False
    all_channels: bool = False


def check_rules(text: str, engine_version: EngineVersion | None = None) -> None:
    """Raise ValidationError for a rule that ElastiCache refuses, at this version or else at every version."""
    if (strange := _UNPRINTABLE.search(text)) is not None:
        _refuse("be of printable characters with plain spaces between rules", strange[0], "remove that character")
    root, inner = _Selector(), None
    for rule in text.replace("(", " ( ").replace(")", " ) ").split():
        if rule in "()":
            if (rule == "(") is (inner is not None):
                _refuse("have a closing parenthesis for each opening one, not nested", text, "correct the selector")
            _require_feature("selectors", rule, engine_version, redis="7.0")
            inner = _Selector() if rule == "(" else None
        else:
            if inner is not None and (rule in _ROOT_RULES or rule[0] in "><#!"):
                _refuse(
                    "have rules for keys, channels and commands only within a selector",
                    _masked(rule).strip("'"),
                    "move it out",
                )
            _check_rule(rule, inner if inner is not None else root, engine_version)
    if inner is not None:
        _refuse("have a closing parenthesis for each opening one, not nested", text, "correct the selector")


def _check_rule(rule: str, selector: _Selector, version: EngineVersion | None) -> None:
    if rule.startswith((">", "<", "#", "!")) or rule in _PASSWORD_RULES:
        raise ValidationError(
            f"access_string must hold no password rule, got {_masked(rule)}; give the user its password in the "
            "PasswordUser construct"
        )
    if rule == "reset":
        raise ValidationError("access_string must not hold 'reset', got it; write the rules out, starting with on")
    if rule in {"on", "off", "allcommands", "nocommands"}:
        return
    if rule[0] in "+-":
        _check_command(rule, version)
    elif rule[0] in "~%" or rule in {"allkeys", "resetkeys"}:
        _check_keys(rule, selector, version)
    elif rule[0] == "&" or rule in {"allchannels", "resetchannels"}:
        _check_channels(rule, selector, version)
    elif rule == "clearselectors":
        _require_feature("selectors", rule, version, redis="7.0")
    elif rule in {"sanitize-payload", "skip-sanitize-payload"}:
        _require_feature(rule, rule, version, redis="6.2")
    elif rule in {"alldbs", "resetdbs"} or _DATABASES.fullmatch(rule):
        _require_feature("rules for databases", rule, version, valkey="9.1")
    else:
        _refuse(
            "consist of on, off, ~key, %R~key, &channel, +command, -command, +@category and -@category",
            rule,
            "correct or remove that rule",
        )


def _check_keys(rule: str, selector: _Selector, version: EngineVersion | None) -> None:
    if rule == "resetkeys":
        selector.all_keys = False
    elif rule in {"allkeys", "~*"}:
        selector.all_keys = True
    else:
        if rule[0] == "%":
            if not re.fullmatch(r"%(R|W|RW|WR)~\S+", rule):
                _refuse("write key permissions as %R~key, %W~key or %RW~key", rule, "correct that rule")
            _require_feature("key permissions", rule, version, redis="7.0")
        elif len(rule) == 1:
            _refuse("name the keys after ~", rule, "write ~* for every key")
        if selector.all_keys:
            _refuse("have no key pattern after one for every key", rule, "remove that rule, or the one for every key")
        selector.all_keys = rule in {"%RW~*", "%WR~*"}


def _check_channels(rule: str, selector: _Selector, version: EngineVersion | None) -> None:
    _require_feature("channels", rule, version, redis="6.2")
    if rule in {"allchannels", "&*"}:
        selector.all_channels = True
    elif rule == "resetchannels":
        selector.all_channels = False
    elif len(rule) == 1:
        _refuse("name the channels after &", rule, "write &* for every channel")
    elif selector.all_channels:
        _refuse(
            "have no channel pattern after one for every channel",
            rule,
            "remove that rule, or the one for every channel",
        )


def _check_command(rule: str, version: EngineVersion | None) -> None:
    found = _COMMAND.fullmatch(rule)
    if found is None:
        _refuse("write commands as +get or +client|setinfo and categories as +@read", rule, "correct that rule")
    sign, at, name, sub = rule[0], found[1], found[2].lower(), found[3].lower() if found[3] else None
    if at:
        if name not in _CATEGORIES or sub is not None:
            _refuse("name categories that ACL CAT lists", rule, _suggestion(name, _CATEGORIES))
        if name in _MODULES:
            _require_module(name, rule, version)
        return
    if sign == "+" and name in RESTRICTED_COMMANDS:
        _refuse("not allow a command that ElastiCache restricts", rule, "leave it out")
    if "." in name:
        module = _MODULE_OF_PREFIX.get(name.split(".")[0])
        if module is None:
            _refuse("name commands of JSON, search or Bloom filters where they have a dot", rule, "correct that rule")
        _require_module(module, rule, version)
        return
    _require_command(name, rule, version)
    if sub is not None:
        _check_subcommand(sign, name, sub, rule, version)


def _check_subcommand(sign: str, name: str, sub: str, rule: str, version: EngineVersion | None) -> None:
    """From 7.0 on sub-commands are commands; of others, and before, the first argument may be allowed, not denied."""
    is_container = any(command.startswith(f"{name}|") for command in (*_TABLE["valkey"], *_TABLE["redis"]))
    if is_container and (version is None or version.at_least(valkey="7.2", redis="7.0")):
        _require_command(f"{name}|{sub}", rule, version)
        return
    if sign == "-":
        where = f" for {version}" if version is not None else ""
        _refuse("deny sub-commands of commands that have some, from Redis 7.0 on", rule, f"deny the command{where}")


def _require_command(name: str, rule: str, version: EngineVersion | None) -> None:
    engines = [version.engine] if version is not None else [Engine.VALKEY, Engine.REDIS]
    for engine in engines:
        first = _TABLE[engine.value].get(name)
        if first is not None and (version is None or version.at_least(**{engine.value: first})):
            return
    where = str(version) if version is not None else "Valkey or Redis"
    _refuse(f"name commands that {where} has", rule, _suggestion(name, {**_TABLE["valkey"], **_TABLE["redis"]}))


def _require_feature(
    feature: str, rule: str, version: EngineVersion | None, *, valkey: str = "7.2", redis: str | None = None
) -> None:
    if version is not None and not version.at_least(valkey=valkey, redis=redis):
        least = f"Valkey {valkey} or Redis {redis}" if redis is not None else f"Valkey {valkey}"
        _refuse(f"use {feature} only from {least} on", rule, f"leave that rule out for {version}")


def _require_module(module: str, rule: str, version: EngineVersion | None) -> None:
    least = _MODULES[module]
    _require_feature(f"commands of {module}", rule, version, valkey=least["valkey"], redis=least.get("redis"))


def _suggestion(name: str, names: Any) -> str:  # noqa: ANN401  (whatever can be looped over)
    close = difflib.get_close_matches(name, list(names), n=1)
    return f"did you mean {close[0]!r}" if close and close[0] != name else "correct or remove that rule"


def _refuse(allowed: str, rule: str, remedy: str) -> NoReturn:
    raise ValidationError(f"access_string must {allowed}, got {rule!r}; {remedy}")


def _masked(rule: str) -> str:
    """The rule without the part that may be a secret."""
    return f"'{rule[0]}...'" if rule[0] in "><#!" else repr(rule)
