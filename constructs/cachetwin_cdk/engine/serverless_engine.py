"""Engines of serverless caches, whose versions are major versions only."""

from dataclasses import dataclass
from typing import ClassVar

from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import known, require_match

from ._offers import is_newer_major_version, newest_of_major, require_major_version
from .engine_version import Engine, EngineVersion

_FORMATS = {
    Engine.VALKEY: (r"\d+", "look like 8"),
    Engine.REDIS: (r"\d+", "look like 7"),
    Engine.MEMCACHED: (r"\d+\.\d+", "look like 1.6"),
}


@checked_arguments
@dataclass(frozen=True)
class ServerlessEngine:
    """An engine and its major version, such as Valkey 8; the service chooses the minor one."""

    engine: Engine
    major_version: str

    VALKEY_7: ClassVar["ServerlessEngine"]
    VALKEY_8: ClassVar["ServerlessEngine"]
    VALKEY_9: ClassVar["ServerlessEngine"]
    REDIS_7: ClassVar["ServerlessEngine"]
    MEMCACHED_1_6: ClassVar["ServerlessEngine"]

    @classmethod
    def of(cls, engine: Engine, major_version: str) -> "ServerlessEngine":
        """Any major version, such as ``ServerlessEngine.of(Engine.VALKEY, "10")``."""
        return cls(engine, major_version)

    def __post_init__(self) -> None:
        """Raise ValidationError when the version is not written as the service writes it for that engine."""
        pattern, allowed = _FORMATS[self.engine]
        remedy = f"write the major version of {self.engine}"
        require_match("major_version", self.major_version, pattern, allowed, remedy=remedy)
        if known(self.major_version):
            require_major_version(self.engine.value, self.major_version)

    @property
    def is_unconfirmed(self) -> bool:
        """Whether this is newer than the major versions that this library knows."""
        return known(self.major_version) and is_newer_major_version(self.engine.value, self.major_version)

    def is_valkey_from(self, major: int) -> bool:
        """Whether this is Valkey of at least that major version; a version that is a token qualifies."""
        return self.engine is Engine.VALKEY and (not known(self.major_version) or int(self.major_version) >= major)

    @property
    def newest_version(self) -> EngineVersion:
        """The newest version of this major version, which a serverless cache may run."""
        version = newest_of_major(self.engine.value, self.major_version) or f"{self.major_version}.0"
        return EngineVersion(self.engine, version)

    def __str__(self) -> str:
        return f"{self.engine} {self.major_version}"


for _name in [name for name in ServerlessEngine.__annotations__ if name.isupper()]:
    _engine, _version = _name.lower().split("_", 1)
    setattr(ServerlessEngine, _name, ServerlessEngine.of(Engine(_engine), _version.replace("_", ".")))
