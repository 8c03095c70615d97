"""Parameter groups: the family is inferred, the parameters are text."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest

from cachetwin_cdk import Engine, EngineVersion, ParameterGroup, ValidationError

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
    ParameterGroup(stack, "P", engine_version=EngineVersion.VALKEY_9_0)
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
