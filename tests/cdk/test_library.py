"""The library as its users meet it: its names, and the Node it runs on."""

import inspect
import os
from importlib import resources

import pytest

import cachetwin_cdk
from cachetwin_cdk import patterns
from cachetwin_cdk._node import node_from_wheel, use_supported_node


def test_the_public_names_are_these() -> None:
    """Removing or renaming one breaks somebody's app."""
    assert cachetwin_cdk.__all__ == [
        "AccessString",
        "AlarmPack",
        "AuthToken",
        "AuthTokenRotation",
        "CacheAlarms",
        "CacheDashboard",
        "CacheRecord",
        "ClusterMode",
        "Compliance",
        "ConnectionType",
        "ControlPlaneEndpoint",
        "Durability",
        "Endpoint",
        "EndpointKind",
        "Engine",
        "EngineVersion",
        "GlobalDatastore",
        "IGlobalDatastore",
        "IMemcachedCluster",
        "IParameterGroup",
        "IReplicationGroup",
        "IServerlessCache",
        "ISubnetGroup",
        "IUser",
        "IUserGroup",
        "IamUser",
        "IpDiscovery",
        "LogDelivery",
        "LogFormat",
        "LogType",
        "MaintenanceWindow",
        "MemcachedCluster",
        "NetworkType",
        "NoPasswordUser",
        "NodeType",
        "ParameterGroup",
        "PasswordUser",
        "ReplicaScaling",
        "ReplicationGroup",
        "SecondaryReplicationGroup",
        "ServerlessCache",
        "ServerlessEngine",
        "Shard",
        "ShardScaling",
        "SnapshotWindow",
        "SubnetGroup",
        "TransitEncryptionMode",
        "UsageLimits",
        "User",
        "UserGroup",
        "UserPasswordRotation",
        "ValidationError",
    ]
    assert patterns.__all__ == [
        "ApiType",
        "CachedWebApp",
        "ExistingDatabase",
        "MessagingService",
        "MessagingServices",
        "SessionApi",
    ]


def test_every_public_name_says_what_it_is_for() -> None:
    for module in (cachetwin_cdk, patterns):
        for name in module.__all__:
            assert inspect.getdoc(getattr(module, name)), f"{name} has no docstring"


def test_it_is_typed() -> None:
    assert resources.files("cachetwin_cdk").joinpath("py.typed").is_file()


def test_cdk_runs_on_the_node_of_the_wheel() -> None:
    node = node_from_wheel()
    assert node is not None
    assert node.exists()
    assert os.environ["JSII_NODE"] == str(node)


def test_a_node_that_was_chosen_before_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JSII_NODE", "/opt/node")
    use_supported_node()
    assert os.environ["JSII_NODE"] == "/opt/node"


def test_without_the_wheel_jsii_finds_node_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JSII_NODE")
    monkeypatch.setattr("cachetwin_cdk._node.find_spec", lambda _name: None)
    use_supported_node()
    assert "JSII_NODE" not in os.environ
