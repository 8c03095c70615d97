"""The storefront's configuration: the environment, read once and checked."""

from collections.abc import Mapping
from dataclasses import dataclass

from stacks.web_app.service.catalogue.settings import (
    DatabaseSettings,
    choice,
    database_settings,
    integer,
    required_text,
)

DISCOVERY_SECONDS = "10"


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """The configuration endpoint, and how often it is asked for the nodes."""

    host: str
    port: int
    tls: bool
    ttl_seconds: int
    discovery_seconds: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the service is told from outside."""

    host: str
    port: int
    cache: CacheSettings
    database: DatabaseSettings

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> "Settings":
        """Read the variables. Raises SettingsError naming the first that is missing or wrong."""
        with_defaults = {"CACHE_DISCOVERY_SECONDS": DISCOVERY_SECONDS, **env}
        return cls(
            host=env.get("HOST") or "0.0.0.0",  # noqa: S104  (the security group decides who may reach the task)
            port=integer(env, "PORT", 1, 65535),
            cache=CacheSettings(
                host=required_text(env, "CACHE_HOST"),
                port=integer(env, "CACHE_PORT", 1, 65535),
                tls=choice(env, "CACHE_TLS", ("true", "false")) == "true",
                ttl_seconds=integer(env, "CACHE_TTL_SECONDS", 1, 86_400),
                discovery_seconds=integer(with_defaults, "CACHE_DISCOVERY_SECONDS", 1, 3_600),
            ),
            database=database_settings(env),
        )
