"""Engines, their versions and the parameter family that each version belongs to.

The versions are those that ElastiCache listed in late 2026 (cfn-lint's copy of the service's list). ``of()`` takes any
other: the set is open, because versions appear faster than libraries.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import ValidationError, known, require_match

from ._offers import is_newer_version, require_version


class Engine(StrEnum):
    """The software that runs on the nodes of a cache."""

    VALKEY = "valkey"
    REDIS = "redis"
    MEMCACHED = "memcached"


# The service's version formats: valkey x.y, redis x.y from 6.0 and x.y.z before, memcached x.y.z.
_FORMATS = {
    Engine.VALKEY: (r"\d+\.\d+", "look like 8.1"),
    Engine.REDIS: (r"([6-9]|\d\d+)\.(\d+|x)|[2-5]\.\d+\.\d+", "look like 7.1, or like 5.0.6 before version 6"),
    Engine.MEMCACHED: (r"\d+\.\d+\.\d+", "look like 1.6.22"),
}


@checked_arguments
@dataclass(frozen=True)
class EngineVersion:
    """An engine and its version, such as Valkey 8.1."""

    engine: Engine
    version: str

    VALKEY_7_2: ClassVar["EngineVersion"]
    VALKEY_8_0: ClassVar["EngineVersion"]
    VALKEY_8_1: ClassVar["EngineVersion"]
    VALKEY_8_2: ClassVar["EngineVersion"]
    VALKEY_9_0: ClassVar["EngineVersion"]
    VALKEY_9_1: ClassVar["EngineVersion"]
    REDIS_5_0_6: ClassVar["EngineVersion"]
    REDIS_6_0: ClassVar["EngineVersion"]
    REDIS_6_2: ClassVar["EngineVersion"]
    REDIS_7_0: ClassVar["EngineVersion"]
    REDIS_7_1: ClassVar["EngineVersion"]
    MEMCACHED_1_5_16: ClassVar["EngineVersion"]
    MEMCACHED_1_6_12: ClassVar["EngineVersion"]
    MEMCACHED_1_6_17: ClassVar["EngineVersion"]
    MEMCACHED_1_6_22: ClassVar["EngineVersion"]

    @classmethod
    def of(cls, engine: Engine, version: str) -> "EngineVersion":
        """Any version of an engine, such as ``EngineVersion.of(Engine.VALKEY, "9.2")``.

        Raises ValidationError when the version is not written as the service writes it for that engine.
        """
        return cls(engine, version)

    def __post_init__(self) -> None:
        """Raise ValidationError when the version is not written as the service writes it for that engine."""
        pattern, allowed = _FORMATS[self.engine]
        remedy = f"write the {self.engine} version as ElastiCache lists it"
        require_match("version", self.version, pattern, allowed, remedy=remedy)
        if known(self.version):
            require_version(self.engine.value, self.version)

    @property
    def is_unconfirmed(self) -> bool:
        """Whether this is newer than the versions that this library knows."""
        return known(self.version) and is_newer_version(self.engine.value, self.version)

    @property
    def parameter_family(self) -> str:
        """The parameter group family, such as ``valkey8``, ``redis6.x`` or ``memcached1.6``.

        Raises ValidationError when the version is a token: a family cannot be inferred from what is not known yet.
        """
        if not known(self.version):
            raise ValidationError(
                "version must be known at synth to infer its parameter family, got a token; pass family= instead"
            )
        major, minor = self._numbers()[:2]
        if self.engine is Engine.REDIS and major == 6:
            return "redis6.x"
        if self.engine is Engine.MEMCACHED or (self.engine is Engine.REDIS and major < 6):
            return f"{self.engine}{major}.{minor}"
        return f"{self.engine}{major}"

    def at_least(self, *, valkey: str | None = None, redis: str | None = None, memcached: str | None = None) -> bool:
        """Whether this is at least the version given for its engine; an engine left out does not qualify.

        A version that is a token qualifies, because nothing is known against it.
        """
        least = {Engine.VALKEY: valkey, Engine.REDIS: redis, Engine.MEMCACHED: memcached}[self.engine]
        if least is None:
            return False
        return not known(self.version) or self._numbers() >= _numbers(least)

    def _numbers(self) -> tuple[int, ...]:
        return _numbers(self.version)

    def __str__(self) -> str:
        return f"{self.engine} {self.version}"


def _numbers(version: str) -> tuple[int, ...]:
    """``6.x`` counts as the newest 6."""
    return tuple(10_000 if part == "x" else int(part) for part in version.split("."))


for _name in [name for name in EngineVersion.__annotations__ if name.isupper()]:
    _engine, _version = _name.lower().split("_", 1)
    setattr(EngineVersion, _name, EngineVersion.of(Engine(_engine), _version.replace("_", ".")))
