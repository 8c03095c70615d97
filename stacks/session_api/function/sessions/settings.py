"""What the function is told from outside: the environment, read once and checked."""

from collections.abc import Mapping
from dataclasses import dataclass

KINDS = ("serverless", "replication-group")  # transactions with WATCH need one node, or what looks like one
TTL_MAX_S = 31_536_000


class SettingsError(Exception):
    """A variable is missing or wrong; the message is one line that names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the cache is, as whom to log in, and how long a session lives without being used."""

    host: str
    port: int
    tls: bool
    user: str
    cache_name: str
    kind: str
    key_prefix: str
    ttl_s: int
    region: str

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> "Settings":
        """Read the variables that SessionApi sets. Raises SettingsError for the first that is missing or wrong."""
        return cls(
            host=_text(env, "CACHE_HOST"),
            port=_integer(env, "CACHE_PORT", 1, 65535),
            tls=_choice(env, "CACHE_TLS", ("true", "false")) == "true",
            user=_text(env, "CACHE_USER"),
            cache_name=_text(env, "CACHE_NAME"),
            kind=_choice(env, "CACHE_KIND", KINDS),
            key_prefix=_text(env, "CACHE_KEY_PREFIX"),
            ttl_s=_integer(env, "SESSION_TTL_SECONDS", 1, TTL_MAX_S),
            region=_text(env, "AWS_REGION"),  # Lambda's own
        )


def _text(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if not value:
        raise SettingsError(f"{name} is required, and it is {'empty' if name in env else 'not set'}")
    return value


def _integer(env: Mapping[str, str], name: str, least: int, most: int) -> int:
    text = _text(env, name)
    value = int(text) if text.isascii() and text.isdigit() else least - 1
    if not least <= value <= most:
        raise SettingsError(f"{name} must be a whole number from {least} to {most}, got {text!r}")
    return value


def _choice(env: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    text = _text(env, name)
    if text not in allowed:
        raise SettingsError(f"{name} must be one of {', '.join(allowed)}, got {text!r}")
    return text
