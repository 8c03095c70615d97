"""Parameters and users from outside into the engine: all of a request or nothing, with errors that name what is wrong."""

from collections.abc import Iterable
from typing import Final

from cachetwin_engine.core.acl.access import Permission
from cachetwin_engine.core.acl.rules import RuleError
from cachetwin_engine.core.admin.elasticache import apply_parameter_group, rename_commands, take_over_parameter_group
from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.engine import Engine
from cachetwin_engine.core.execution.logins import set_user_group
from cachetwin_engine.core.protocol.errors import CommandError

AUTHENTICATION: Final = ("password", "no-password-required", "iam")


class ParameterError(Exception):
    """A parameter that the engine does not have, or a value that it refuses; ``name`` is the parameter's."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name


class UnknownParameter(ParameterError):
    """No parameter of this profile has that name."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "the engine has no such parameter")


class UserError(Exception):
    """A user that cannot be set up; the message names the user and what is wrong, never a password."""


def set_parameters(config: Config, parameters: Iterable[tuple[str, str]]) -> None:
    """Set parameters as at start, immutable ones too: all of them, or none when ParameterError is raised."""
    pairs = list(parameters)
    trial = Config(config.profile)
    trial.values.update(config.values)
    for target in (trial, config):
        for name, value in pairs:
            _set(target, name, value)


def set_parameter_group(engine: Engine, parameters: dict[str, str]) -> list[str]:
    """Set the parameters of an ElastiCache parameter group: all of them, or none when ParameterError is raised.

    The names that mean something to the service alone are returned.
    """
    trial = Config(engine.config.profile)
    trial.values.update(engine.config.values)
    trial.clients.buffer_limits = dict(engine.config.clients.buffer_limits)
    try:
        apply_parameter_group(trial, parameters)
        rename_commands(dict(engine.commands), parameters.get("rename-commands", ""))
        return take_over_parameter_group(engine, parameters)
    except CommandError as problem:
        text = problem.line.decode("utf-8", "replace").removeprefix("ERR ")
        name, _, reason = text.partition(": ")
        raise ParameterError(name, reason or "refused") from None


def _set(config: Config, name: str, value: str) -> None:
    if config.get(name) is None and not config.is_retired(name):
        raise UnknownParameter(name)
    try:
        config.set_at_start(name, value)
    except CommandError as problem:
        reason = problem.line.decode("utf-8", "replace").removeprefix(f"ERR {name.lower()}: ")
        raise ParameterError(name, reason) from None
    except UnicodeEncodeError:
        raise ParameterError(name, "the value is not UTF-8") from None


def set_users(engine: Engine, users: Iterable[object]) -> None:
    """Make these users the only ones; each is ``{"user_name", "access_string", "authentication", "passwords"}``.

    Raises UserError and changes nothing when one of them cannot be used.
    """
    permissions = [_permission(user) for user in users]
    try:
        set_user_group(engine, permissions)
    except RuleError as problem:
        raise UserError(problem.reason.decode("utf-8", "replace")) from None


def _permission(user: object) -> Permission:
    if not isinstance(user, dict):
        raise UserError(f"a user must be an object, got a {type(user).__name__}")
    name = _text(user, "user_name", "a user")
    who = f"user {name!r}"
    authentication = _text(user, "authentication", who)
    if authentication not in AUTHENTICATION:
        raise UserError(f"{who}: authentication must be one of {', '.join(AUTHENTICATION)}, got {authentication!r}")
    passwords = user.get("passwords", [])
    if not isinstance(passwords, list) or not all(isinstance(password, str) for password in passwords):
        raise UserError(f"{who}: passwords must be a list of strings")
    access_string = _text(user, "access_string", who)
    secrets = [password.encode() for password in passwords]
    return Permission(name.encode(), access_string.encode(), authentication.encode(), secrets)


def _text(user: dict[str, object], field: str, who: str) -> str:
    value = user.get(field)
    if not isinstance(value, str):
        raise UserError(f"{who}: {field} must be a string, got a {type(value).__name__}")
    return value
