"""Parameter groups: the family is inferred, the parameters are text."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from cachetwin_cdk import (
    ClusterMode,
    Engine,
    EngineVersion,
    ParameterGroup,
    ReplicationGroup,
    Topology,
    ValidationError,
)

Properties = Callable[[str], dict[str, Any]]
Warnings = Callable[[], list[str]]
GROUP = "AWS::ElastiCache::ParameterGroup"


def test_without_parameters_it_holds_the_family_only(stack: cdk.Stack, properties: Properties) -> None:
    ParameterGroup(stack, "Parameters", engine_version=EngineVersion.VALKEY_8_1)
    assert properties(GROUP) == {
        "CacheParameterGroupFamily": "valkey8",
        "Description": "Parameters of Shop/Parameters",
    }


def test_parameters_are_passed_on(stack: cdk.Stack, properties: Properties) -> None:
    ParameterGroup(
        stack,
        "Parameters",
        engine_version=EngineVersion.REDIS_7_1,
        parameters={"maxmemory-policy": "allkeys-lru"},
        description="Evict anything",
    )
    assert properties(GROUP) == {
        "CacheParameterGroupFamily": "redis7",
        "Description": "Evict anything",
        "Properties": {"maxmemory-policy": "allkeys-lru"},
    }


def test_a_parameter_name_in_capitals_is_refused(stack: cdk.Stack) -> None:
    with pytest.raises(ValidationError, match="parameters must be named as the service names them, got 'MaxMemory'"):
        ParameterGroup(stack, "P", engine_version=EngineVersion.VALKEY_8_1, parameters={"MaxMemory": "1"})


def test_a_value_that_is_not_text_is_refused(stack: cdk.Stack) -> None:
    parameters: Any = {"timeout": 300}
    with pytest.raises(ValidationError, match=r"parameters\['timeout'\] must be text, got 300; write '300'"):
        ParameterGroup(stack, "P", engine_version=EngineVersion.VALKEY_8_1, parameters=parameters)


def test_a_family_the_documentation_lacks_is_warned_of(stack: cdk.Stack, warnings: Warnings) -> None:
    ParameterGroup(stack, "P", engine_version=EngineVersion.of(Engine.VALKEY, "10.0"))
    assert warnings() == ["cachetwin:parameter-family-unconfirmed"]


def test_a_given_family_wins_over_the_version_s(
    stack: cdk.Stack, any_text: str, properties: Properties, warnings: Warnings
) -> None:
    ParameterGroup(stack, "P", engine_version=EngineVersion.of(Engine.VALKEY, any_text), family="valkey8")
    assert properties(GROUP)["CacheParameterGroupFamily"] == "valkey8"
    assert warnings() == []


def test_what_exists_already_can_be_used(stack: cdk.Stack) -> None:
    group = ParameterGroup.from_parameter_group_name(stack, "P", "team", family="valkey8")
    assert (group.parameter_group_name, group.family, group.is_cluster_enabled) == ("team", "valkey8", None)
    assert group.parameter_group_ref.cache_parameter_group_name == "team"


def test_tokens_are_accepted(stack: cdk.Stack, any_text: str, properties: Properties) -> None:
    ParameterGroup(stack, "P", engine_version=EngineVersion.VALKEY_8_1, parameters={"timeout": any_text})
    assert properties(GROUP)["Properties"] == {"timeout": {"Ref": "AnyText"}}


@pytest.mark.parametrize(
    ("name", "version", "mode", "message"),
    [
        ("default.redis7", EngineVersion.VALKEY_8_1, ClusterMode.DISABLED, "parameter_group must be of family valkey8"),
        (
            "default.valkey7",
            EngineVersion.VALKEY_8_1,
            ClusterMode.DISABLED,
            "parameter_group must be of family valkey8",
        ),
        (
            "default.valkey8",
            EngineVersion.VALKEY_8_1,
            ClusterMode.ENABLED,
            "parameter_group must set cluster-enabled=yes",
        ),
        (
            "default.redis6.x.cluster.on",
            EngineVersion.REDIS_6_2,
            ClusterMode.DISABLED,
            "parameter_group must not set cluster-enabled=yes",
        ),
    ],
)
def test_the_name_of_a_default_group_tells_family_and_mode(
    stack: cdk.Stack, vpc: ec2.IVpc, *, name: str, version: EngineVersion, mode: ClusterMode, message: str
) -> None:
    group = ParameterGroup.from_parameter_group_name(stack, "Default", name)
    with pytest.raises(ValidationError, match=message):
        ReplicationGroup(
            stack, "Cache", vpc=vpc, parameter_group=group, engine_version=version, topology=Topology(cluster_mode=mode)
        )


@pytest.mark.parametrize("name", ["default.valkey8.cluster.on", "teams-own", "default.valkey8x"])
def test_a_group_that_fits_or_tells_nothing_passes(stack: cdk.Stack, vpc: ec2.IVpc, name: str) -> None:
    group = ParameterGroup.from_parameter_group_name(stack, "Group", name)
    ReplicationGroup(stack, "Cache", vpc=vpc, parameter_group=group, topology=Topology.cluster())
