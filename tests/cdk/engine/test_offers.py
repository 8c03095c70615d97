"""Node types and versions that ElastiCache does not offer are refused; newer ones pass and are warned of."""

import json
from pathlib import Path

import aws_cdk as cdk
import cfnlint  # type: ignore[import-untyped]
import pytest
from aws_cdk import aws_ec2 as ec2
from hypothesis import given
from hypothesis import strategies as st

from cachetwin_cdk import (
    Engine,
    EngineVersion,
    GlobalDatastore,
    MemcachedCluster,
    NodeType,
    ReplicationGroup,
    ServerlessEngine,
    ValidationError,
)
from cachetwin_cdk.engine._offers import _SIZES

LISTS = Path(cfnlint.__file__).parent / "data" / "schemas" / "extensions" / "aws_elasticache_cachecluster"
REGIONS = json.loads((LISTS / "cachenodetype_enum.json").read_text())
OFFERED = sorted({name for region in REGIONS.values() if isinstance(region, dict) for name in region.get("enum", ())})
VERSIONS = [
    (rule["if"]["properties"]["Engine"]["const"], version)
    for rule in json.loads((LISTS / "engine_version.json").read_text())["allOf"]
    if "EngineVersion" in rule["if"]["properties"]
    for version in rule["then"]["properties"]["EngineVersion"]["enum"]
]


def test_every_node_type_that_a_region_offers_is_known() -> None:
    assert len(OFFERED) > 80
    assert [name for name in OFFERED if NodeType.of(name).is_unconfirmed] == []


def test_every_version_that_the_service_lists_is_known() -> None:
    assert len(VERSIONS) > 20
    assert [pair for pair in VERSIONS if EngineVersion.of(Engine(pair[0]), pair[1]).is_unconfirmed] == []


@given(family=st.sampled_from(sorted(_SIZES)), multiple=st.integers(2, 40))
def test_a_size_is_offered_or_larger_than_the_largest_or_refused(family: str, multiple: int) -> None:
    name = f"cache.{family}.{multiple}xlarge"
    if f"{multiple}xlarge" in _SIZES[family]:
        assert not NodeType(name).is_unconfirmed
        return
    largest = max(
        [int(size.removesuffix("xlarge") or 1) for size in _SIZES[family] if size.endswith("xlarge")], default=0
    )
    if multiple > largest:
        assert NodeType(name).is_unconfirmed
    else:
        with pytest.raises(ValidationError, match=f"node_type must be a size of family {family}"):
            NodeType(name)


@pytest.mark.parametrize("name", ["cache.m7g.3xlarge", "cache.r6gd.large", "cache.m5.small"])
def test_a_node_type_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="node_type must be a size of family"):
        NodeType.of(name)


@pytest.mark.parametrize("name", ["cache.m9g.large", "cache.m8g.24xlarge", "cache.r8g.metal"])
def test_a_newer_node_type_passes_and_says_so(name: str) -> None:
    assert NodeType.of(name).is_unconfirmed


@pytest.mark.parametrize(
    ("engine", "version"),
    [(Engine.VALKEY, "7.3"), (Engine.VALKEY, "6.0"), (Engine.REDIS, "6.1"), (Engine.MEMCACHED, "1.6.7")],
)
def test_a_version_that_does_not_exist_is_refused(engine: Engine, version: str) -> None:
    with pytest.raises(ValidationError, match=f"version must be one that ElastiCache offers of {engine}"):
        EngineVersion.of(engine, version)


@pytest.mark.parametrize(("engine", "version"), [(Engine.VALKEY, "5"), (Engine.REDIS, "6"), (Engine.MEMCACHED, "1.5")])
def test_a_serverless_version_that_does_not_exist_is_refused(engine: Engine, version: str) -> None:
    with pytest.raises(ValidationError, match=f"major_version must be one of serverless {engine}"):
        ServerlessEngine.of(engine, version)


@pytest.mark.parametrize("version", ["9.2", "10.0"])
def test_a_newer_version_passes_and_says_so(version: str) -> None:
    assert EngineVersion.of(Engine.VALKEY, version).is_unconfirmed


def test_memcached_does_not_tier_data(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(ValidationError, match="node_type must have no SSD for Memcached"):
        MemcachedCluster(stack, "Cache", vpc=vpc, node_type=NodeType.R6GD_XLARGE)


@pytest.mark.parametrize("family", ["m4", "r4"])
def test_older_families_are_in_no_global_datastore(stack: cdk.Stack, vpc: ec2.IVpc, family: str) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, node_type=NodeType.of(f"cache.{family}.large"))
    with pytest.raises(ValidationError, match="node_type must not be of m4 or r4 in a global datastore"):
        GlobalDatastore(stack, "Global", primary=cache)
