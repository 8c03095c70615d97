"""An argument of another type is a TypeError that names it, and values are checked however they are made."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Template
from hypothesis import given
from hypothesis import strategies as st

from cachetwin_cdk import (
    Access,
    AccessString,
    CacheAlarms,
    Encryption,
    Engine,
    EngineVersion,
    MaintenanceWindow,
    NodeType,
    PasswordUser,
    ReplicationGroup,
    RestoreFrom,
    ServerlessCache,
    ServerlessEngine,
    SnapshotWindow,
    Topology,
    UsageLimits,
    UserGroup,
    ValidationError,
)
from cachetwin_cdk.patterns import MessagingService

ANYTHING: Any = None  # so that wrong types pass mypy


def wrong(value: object) -> Any:  # noqa: ANN401  (as above)
    return value


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (lambda: {"node_type": "cache.m7g.large"}, r"node_type must be a NodeType, got str 'cache\.m7g\.large'"),
        (lambda: {"topology": Topology.replicated(wrong(1.5))}, r"replicas must be an int, got float 1\.5"),
        (lambda: {"topology": Topology.replicated(True)}, "replicas must be an int, got bool True"),
        (
            lambda: {"topology": Topology.cluster(multi_az=wrong("yes"))},
            "multi_az must be a bool or None, got str 'yes'",
        ),
        (lambda: {"vpc": "vpc-1"}, "vpc must be an IVpc or None, got str 'vpc-1'"),
        (
            lambda: {"encryption": Encryption(kms_key=wrong("arn:aws:kms:::key/1"))},
            "kms_key must be an IKey or None, got str",
        ),
        (lambda: {"access": Access.users(wrong("ann"))}, "users must be an IUser, got str 'ann'"),
        (lambda: {"access": Access.users}, "access must be an Access or None, got function"),
        (
            lambda: {"engine_version": ServerlessEngine.VALKEY_8},
            "engine_version must be an EngineVersion, got ServerlessEngine",
        ),
        (lambda: {"parameters": [("timeout", "300")]}, "parameters must be a mapping or None, got list"),
        (lambda: {"restore": RestoreFrom.arns("arn:aws:s3:::b/o.rdb")}, "arns must be a sequence of str, got str"),
    ],
)
def test_a_wrong_type_is_named(
    stack: cdk.Stack, vpc: ec2.IVpc, arguments: Callable[[], dict[str, Any]], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        ReplicationGroup(stack, "Cache", **{"vpc": vpc, **arguments()})


def test_an_engine_version_is_none_of_a_serverless_cache(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    version: Any = EngineVersion.VALKEY_8_1
    with pytest.raises(TypeError, match=r"engine must be a ServerlessEngine, got EngineVersion valkey 8\.1"):
        ServerlessCache(stack, "Cache", vpc=vpc, engine=version)


def test_a_group_is_no_cache(stack: cdk.Stack) -> None:
    group: Any = UserGroup(stack, "Users")
    with pytest.raises(TypeError, match="cache must be an IReplicationGroup or an IServerlessCache or an IMemcachedC"):
        CacheAlarms(stack, "Alarms", cache=group)


@pytest.mark.parametrize(
    "make",
    [
        lambda: NodeType(ANYTHING),
        lambda: EngineVersion("valkey", "8.1"),  # type: ignore[arg-type]  # what is tested
        lambda: UsageLimits(data_storage_gb_max="10"),  # type: ignore[arg-type]  # same
        lambda: MessagingService(image="python"),  # type: ignore[arg-type]  # same
        lambda: AccessString(1),  # type: ignore[arg-type]  # same
    ],
)
def test_values_check_their_types_too(make: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match=r"^\w+ must be "):
        make()


def test_tokens_and_imported_resources_are_of_the_right_type(
    stack: cdk.Stack, vpc: ec2.IVpc, any_text: str, any_number: float
) -> None:
    key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111122223333:key/a")
    port: Any = any_number  # a token for a number is a float
    user = PasswordUser(stack, "Ann", access_string=AccessString.application(), user_id=any_text)
    arns = cdk.CfnParameter(stack, "Arns", type="CommaDelimitedList").value_as_list
    ReplicationGroup(
        stack,
        "Cache",
        vpc=vpc,
        port=port,
        node_type=NodeType(any_text),
        encryption=Encryption(kms_key=key),
        access=Access.users(*(user,)),
        restore=RestoreFrom.arns(arns),
    )
    (cache,) = Template.from_stack(stack).find_resources("AWS::ElastiCache::ReplicationGroup").values()
    assert cache["Properties"]["SnapshotArns"] == {"Ref": "Arns"}
    assert cache["Properties"]["Port"] == {"Ref": "AnyNumber"}


@given(text=st.text(max_size=30))
def test_a_value_is_checked_the_same_by_its_constructor_and_by_of(text: str) -> None:
    makers: list[tuple[Callable[[str], object], Callable[[str], object]]] = [
        (NodeType, NodeType.of),
        (MaintenanceWindow, MaintenanceWindow.of),
        (SnapshotWindow, SnapshotWindow.of),
        (
            lambda version: EngineVersion(Engine.VALKEY, version),
            lambda version: EngineVersion.of(Engine.VALKEY, version),
        ),
        (
            lambda version: ServerlessEngine(Engine.REDIS, version),
            lambda version: ServerlessEngine.of(Engine.REDIS, version),
        ),
    ]
    for construct, of in makers:
        assert _outcome(construct, text) == _outcome(of, text)


def _outcome(make: Callable[[str], object], text: str) -> str:
    try:
        return str(make(text))
    except ValidationError as error:
        return str(error)
