"""What a service is told from outside: the environment, read once, checked, and never printed with its secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field


class SettingsError(Exception):
    """A variable is missing or wrong; the message is one line that names it."""


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """Where the cache is, and as whom to log in."""

    host: str
    port: int
    tls: bool
    user: str
    password: str = field(repr=False)

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> "CacheSettings":
        """Read what MessagingServices sets for every service."""
        return cls(
            host=text(env, "CACHE_HOST"),
            port=integer(env, "CACHE_PORT", 1, 65535),
            tls=choice(env, "CACHE_TLS", ("true", "false")) == "true",
            user=text(env, "CACHE_USER"),
            password=text(env, "CACHE_PASSWORD"),
        )


def text(env: Mapping[str, str], name: str) -> str:
    """A variable that must not be empty. Raises SettingsError without its value."""
    value = env.get(name, "")
    if not value:
        raise SettingsError(f"{name} is required, and it is {'empty' if name in env else 'not set'}")
    return value


def integer(env: Mapping[str, str], name: str, least: int, most: int) -> int:
    """A whole number between two others. Raises SettingsError."""
    found = text(env, name)
    value = int(found) if found.isascii() and found.isdigit() else least - 1
    if not least <= value <= most:
        raise SettingsError(f"{name} must be a whole number from {least} to {most}, got {found!r}")
    return value


def choice(env: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    """One of several words. Raises SettingsError."""
    found = text(env, name)
    if found not in allowed:
        raise SettingsError(f"{name} must be one of {', '.join(allowed)}, got {found!r}")
    return found
