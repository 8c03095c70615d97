"""Engine versions: their families, their order, and how they are written."""

import pytest

from cachetwin_cdk import Engine, EngineVersion, ValidationError


@pytest.mark.parametrize(
    ("version", "family"),
    [
        (EngineVersion.VALKEY_7_2, "valkey7"),
        (EngineVersion.VALKEY_8_0, "valkey8"),
        (EngineVersion.VALKEY_8_2, "valkey8"),
        (EngineVersion.VALKEY_9_1, "valkey9"),
        (EngineVersion.REDIS_5_0_6, "redis5.0"),
        (EngineVersion.REDIS_6_0, "redis6.x"),
        (EngineVersion.REDIS_6_2, "redis6.x"),
        (EngineVersion.of(Engine.REDIS, "6.x"), "redis6.x"),
        (EngineVersion.REDIS_7_1, "redis7"),
        (EngineVersion.of(Engine.REDIS, "4.0.10"), "redis4.0"),
        (EngineVersion.MEMCACHED_1_5_16, "memcached1.5"),
        (EngineVersion.MEMCACHED_1_6_22, "memcached1.6"),
    ],
)
def test_the_family_follows_from_the_version(version: EngineVersion, family: str) -> None:
    assert version.parameter_family == family


@pytest.mark.parametrize(
    ("engine", "version"),
    [
        (Engine.VALKEY, "8"),
        (Engine.VALKEY, "8.1.1"),
        (Engine.REDIS, "7.1.0"),
        (Engine.REDIS, "5.0"),
        (Engine.MEMCACHED, "1.6"),
        (Engine.MEMCACHED, "latest"),
    ],
)
def test_a_version_is_written_as_the_service_writes_it(engine: Engine, version: str) -> None:
    with pytest.raises(ValidationError, match=f"version must look like .* got '{version}'"):
        EngineVersion.of(engine, version)


def test_versions_are_compared_by_number_within_their_engine() -> None:
    assert EngineVersion.of(Engine.VALKEY, "10.0").at_least(valkey="9.1")
    assert not EngineVersion.VALKEY_7_2.at_least(valkey="8.0", redis="6.0")
    assert EngineVersion.of(Engine.REDIS, "6.x").at_least(redis="6.2")
    assert not EngineVersion.MEMCACHED_1_6_12.at_least(valkey="7.2", redis="6.0")
    assert EngineVersion.MEMCACHED_1_6_12.at_least(memcached="1.6.12")


def test_constants_are_equal_to_what_of_makes() -> None:
    assert EngineVersion.of(Engine.VALKEY, "8.1") == EngineVersion.VALKEY_8_1
    assert str(EngineVersion.REDIS_5_0_6) == "redis 5.0.6"


def test_a_token_passes_but_names_no_family(any_text: str) -> None:
    version = EngineVersion.of(Engine.VALKEY, any_text)
    assert version.at_least(valkey="99.0")
    with pytest.raises(ValidationError, match="version must be known at synth to infer its parameter family"):
        _ = version.parameter_family
