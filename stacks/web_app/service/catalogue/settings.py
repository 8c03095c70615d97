"""The service's configuration: the environment, read once, checked, and never printed with its secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

KEY_PREFIX: Final = "catalogue:"
"""Of every key. The cache's user may use no others."""

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


class SettingsError(Exception):
    """A variable is missing or wrong; the message is one line that names it."""


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """Where the cache is. Reads go to the reader address, everything else to the primary."""

    host: str
    port: int
    reader_host: str
    reader_port: int
    tls: bool
    user: str
    password: str = field(repr=False)
    ttl_seconds: int


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where PostgreSQL is. ``root_cert`` is the CA bundle that the ``verify-*`` modes check against."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)
    sslmode: str
    root_cert: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the service is told from outside."""

    host: str
    port: int
    cache: CacheSettings
    database: DatabaseSettings

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> "Settings":
        """Read the contract's variables.

        Raises SettingsError naming the first variable that is missing or wrong, never with the value of a secret.
        """
        return cls(
            # A container's port is reached through the task's own network interface, so every address of the task has
            # to listen; the security group decides who may. Elsewhere HOST narrows it.
            host=env.get("HOST") or "0.0.0.0",  # noqa: S104  (see the comment above)
            port=integer(env, "PORT", 1, 65535),
            cache=CacheSettings(
                host=required_text(env, "CACHE_HOST"),
                port=integer(env, "CACHE_PORT", 1, 65535),
                reader_host=required_text(env, "CACHE_READER_HOST"),
                reader_port=integer(env, "CACHE_READER_PORT", 1, 65535),
                tls=choice(env, "CACHE_TLS", ("true", "false")) == "true",
                user=required_text(env, "CACHE_USER"),
                password=required_text(env, "CACHE_PASSWORD"),
                ttl_seconds=integer(env, "CACHE_TTL_SECONDS", 1, 86_400),
            ),
            database=database_settings(env),
        )


def database_settings(env: Mapping[str, str]) -> DatabaseSettings:
    """The variables of the database alone. Raises SettingsError."""
    sslmode = choice(env, "DB_SSLMODE", SSL_MODES)
    root_cert = env.get("PGSSLROOTCERT", "")
    if sslmode.startswith("verify-") and root_cert != "system" and not Path(root_cert).is_file():
        raise SettingsError(
            f"PGSSLROOTCERT must name a CA bundle that exists (or be 'system') when DB_SSLMODE is {sslmode},"
            f" got {root_cert!r}"
        )
    return DatabaseSettings(
        host=required_text(env, "DB_HOST"),
        port=integer(env, "DB_PORT", 1, 65535),
        name=required_text(env, "DB_NAME"),
        user=required_text(env, "DB_USER"),
        password=required_text(env, "DB_PASSWORD"),
        sslmode=sslmode,
        root_cert=root_cert,
    )


def required_text(env: Mapping[str, str], name: str) -> str:
    """A variable that must be there and not empty. Raises SettingsError."""
    value = env.get(name, "")
    if not value:
        raise SettingsError(f"{name} is required, and it is {'empty' if name in env else 'not set'}")
    return value


def integer(env: Mapping[str, str], name: str, least: int, most: int) -> int:
    """A variable that must be a whole number in a range. Raises SettingsError."""
    text = required_text(env, name)
    value = int(text) if text.isascii() and text.isdigit() else least - 1
    if not least <= value <= most:
        raise SettingsError(f"{name} must be a whole number from {least} to {most}, got {text!r}")
    return value


def choice(env: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    """A variable that must be one of some words. Raises SettingsError."""
    text = required_text(env, name)
    if text not in allowed:
        raise SettingsError(f"{name} must be one of {', '.join(allowed)}, got {text!r}")
    return text
