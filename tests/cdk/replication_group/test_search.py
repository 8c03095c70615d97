"""Search (vectors, full text): what it needs of the engine, the nodes and the kind of cache."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from cachetwin_cdk import (
    Access,
    AccessString,
    Engine,
    EngineVersion,
    NodeType,
    PasswordUser,
    ReplicationGroup,
    ServerlessCache,
    ValidationError,
)

Warnings = Callable[[], list[str]]
PARAMETERS = {"search-default-timeout-ms": "5000"}


def searcher(stack: cdk.Stack, text: str = "on ~* -@all +ft.search", engine: Engine = Engine.VALKEY) -> Access:
    return Access.users(PasswordUser(stack, "User", access_string=AccessString.of(text), engine=engine))


@pytest.mark.parametrize("text", ["on ~* +ft.search", "on ~* -@all +@search", "on ~* +@read (~v:* +FT.CREATE)"])
def test_users_may_search_from_valkey_8_2_on(stack: cdk.Stack, vpc: ec2.IVpc, text: str) -> None:
    access = searcher(stack, text)
    large: dict[str, Any] = {"vpc": vpc, "node_type": NodeType.R7G_LARGE, "access": access}
    ReplicationGroup(stack, "Cache", engine_version=EngineVersion.VALKEY_8_2, **large)
    with pytest.raises(ValidationError, match=r"use commands of search only from Valkey 8\.2 on"):
        ReplicationGroup(stack, "Old", engine_version=EngineVersion.VALKEY_8_1, **large)


@pytest.mark.parametrize(
    ("text", "version", "message"),
    [
        ("on ~* +bf.add", EngineVersion.VALKEY_8_0, r"use commands of bloom only from Valkey 8\.1 on"),
        ("on ~* +@json", EngineVersion.REDIS_6_0, r"use commands of json only from Valkey 7\.2 or Redis 6\.2 on"),
        ("on ~* +ts.add", EngineVersion.VALKEY_9_1, "name commands of JSON, search or Bloom filters"),
    ],
)
def test_modules_have_their_versions(text: str, version: EngineVersion, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        AccessString.of(text).validate(version)


def test_nodes_with_an_ssd_have_no_search(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(ValidationError, match="node_type must not tier data with search"):
        ReplicationGroup(
            stack, "Cache", vpc=vpc, engine_version=EngineVersion.VALKEY_9_0, node_type=NodeType.R6GD_XLARGE,
            parameters=PARAMETERS,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("node_type", "reserved", "said"),
    [
        (NodeType.T4G_MICRO, "49", ["cachetwin:search-memory"]),
        (NodeType.T4G_MICRO, "50", []),
        (NodeType.T4G_SMALL, None, ["cachetwin:search-memory"]),
        (NodeType.T4G_SMALL, "30", []),
        (NodeType.T4G_MEDIUM, None, []),
        (NodeType.M7G_LARGE, None, []),
    ],
)
def test_small_nodes_need_more_reserved_memory(
    vpc: ec2.IVpc, warnings: Warnings, node_type: NodeType, reserved: str | None, said: list[str]
) -> None:
    own = {"reserved-memory-percent": reserved} if reserved is not None else {}
    ReplicationGroup(
        cdk.Stack.of(vpc), "Cache", vpc=vpc, engine_version=EngineVersion.VALKEY_8_2, node_type=node_type,
        parameters={**PARAMETERS, **own},
    )  # fmt: skip
    assert warnings() == said


def test_a_serverless_cache_has_no_search(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(ValidationError, match="name no commands of search for a serverless cache"):
        ServerlessCache(stack, "Cache", vpc=vpc, access=searcher(stack))
