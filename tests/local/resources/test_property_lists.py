"""Every property of every type that runs here is in a list, and `plan` names those that do nothing here."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cfnlint  # type: ignore[import-untyped]
import pytest
from tests.local.resources.templates import CACHE, messages, one, plan_of, status

from cachetwin_local.resources.property_lists import PROPERTY_LISTS, is_needed
from cachetwin_local.resources.translators import TRANSLATORS

SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas"
SOURCES = Path(__file__).parents[3] / "local" / "cachetwin_local"
Schema = dict[str, Any]


def schema_of(type_name: str) -> Schema:
    names = json.loads((SCHEMAS / "providers" / "us-east-1.json").read_text())
    schema: Schema = json.loads((SCHEMAS / "resources" / f"{names[type_name]}.json").read_text())
    return schema


def properties_of(part: Schema, root: Schema) -> Schema:
    """The properties of a part of a schema, in the items of lists and in alternatives too."""
    while "$ref" in part:
        target = root
        for step in part["$ref"].lstrip("#/").split("/"):
            target = target[step]
        part = target
    if "items" in part:
        return properties_of(part["items"], root)
    found = dict(part.get("properties", {}))
    for word in ("anyOf", "oneOf", "allOf"):
        for choice in part.get(word, []):
            found |= properties_of(choice, root)
    return found


def paths_of(part: Schema, root: Schema, prefix: tuple[str, ...] = ()) -> Iterator[str]:
    for name, inner in properties_of(part, root).items():
        if name not in prefix:
            yield ".".join((*prefix, name))
            yield from paths_of(inner, root, (*prefix, name))


def settable(type_name: str) -> list[str]:
    """The paths of the properties that a template may set."""
    schema = schema_of(type_name)
    read_only = {path.split("/")[2] for path in schema.get("readOnlyProperties", []) if path.count("/") == 2}
    writable = set(schema["properties"]) - (read_only - set(schema.get("createOnlyProperties", [])))
    return [path for path in paths_of(schema, schema) if path.partition(".")[0] in writable]


def test_every_type_that_runs_has_a_list() -> None:
    assert set(PROPERTY_LISTS) == set(TRANSLATORS)


@pytest.mark.parametrize("type_name", TRANSLATORS)
def test_every_property_is_in_a_list(type_name: str) -> None:
    paths = settable(type_name)
    assert len(paths) > 1
    listed = PROPERTY_LISTS[type_name]
    assert [path for path in paths if listed.of_path(path) is None] == []


@pytest.mark.parametrize("type_name", TRANSLATORS)
def test_every_listed_property_exists(type_name: str) -> None:
    paths = set(settable(type_name))
    listed = PROPERTY_LISTS[type_name]
    names = [*listed.used, *listed.recorded, *listed.refused]
    assert [name for name in names if name.removesuffix(".*").partition(":")[0] not in paths] == []


@pytest.mark.parametrize("type_name", TRANSLATORS)
def test_every_used_property_is_named_in_the_code_that_reads_it(type_name: str) -> None:
    folders = [SOURCES / "resources", SOURCES / "plan", SOURCES / "topology", SOURCES / "assembly"]
    files = [path for folder in folders for path in folder.rglob("*.py") if path.name != "property_use.py"]
    code = "\n".join(path.read_text() for path in files)
    words = {
        name.removesuffix(".*").rpartition(":" if ":" in name else ".")[2] for name in PROPERTY_LISTS[type_name].used
    }
    assert [word for word in words if not re.search(rf"['\"]{word}['\"]", code)] == []


def test_a_refused_property_is_a_warning_with_its_path_and_reason() -> None:
    topology = plan_of(Cache=one("ElastiCache::ReplicationGroup", **CACHE, PrimaryClusterId="other"))
    assert len(topology.replication_groups) == 1
    assert messages(topology) == ["PrimaryClusterId: a cache here does not begin as a copy of a node"]


def test_a_value_that_asks_for_nothing_is_no_warning() -> None:
    more = {"NetworkType": "ipv4", "DataTieringEnabled": False, "PrimaryClusterId": ""}
    assert messages(plan_of(Cache=one("ElastiCache::ReplicationGroup", **CACHE, **more))) == []


def test_an_attribute_is_named_by_its_key_and_an_unknown_one_too() -> None:
    attributes = [
        {"Key": "stickiness.enabled", "Value": "true"},
        {"Key": "stickiness.type", "Value": "source_ip"},
        {"Key": "deregistration_delay.timeout_seconds", "Value": "5"},
        {"Key": "slow_start.duration_seconds", "Value": "0"},
        {"Key": "of.next.year", "Value": "yes"},
    ]
    topology = plan_of(Group=one("ElasticLoadBalancingV2::TargetGroup", TargetGroupAttributes=attributes))
    assert [message.partition(": ")[0] for message in messages(topology)] == [
        "TargetGroupAttributes:stickiness.type",
        "TargetGroupAttributes:of.next.year",
    ]


def test_a_property_that_no_list_has_is_named() -> None:
    assert messages(plan_of(Secret=one("SecretsManager::Secret", SecretString="x", Newest=1))) == [
        "Newest: this property is not known here"
    ]


def test_a_service_mesh_is_named_where_it_is_on() -> None:
    listed = PROPERTY_LISTS["AWS::ECS::Service"]
    assert [path for path, _ in listed.unmet({"VpcLatticeConfigurations": [{"PortName": "x"}]})] == [
        "VpcLatticeConfigurations"
    ]
    assert listed.unmet({"ServiceConnectConfiguration": {"Enabled": True, "Namespace": "x"}}) == []
    assert listed.unmet({"ServiceRegistries": [{"RegistryArn": "x"}]}) == []


def test_a_listener_of_a_load_balancer_that_does_not_run_does_not_run() -> None:
    network = one("ElasticLoadBalancingV2::LoadBalancer", Type="network", Subnets=["subnet-1"])
    listener = one(
        "ElasticLoadBalancingV2::Listener",
        LoadBalancerArn={"Ref": "Balancer"},
        Port=80,
        Protocol="TCP",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": "arn"}],
    )
    topology = plan_of(Balancer=network, Listener=listener)
    assert status(topology, "Listener") == ("not supported", "App/Balancer, which does not run here, would have it")


@pytest.mark.parametrize(("value", "expected"), [("yes", "enabled"), ("no", "disabled")])
def test_a_parameter_group_of_the_app_may_enable_cluster_mode(value: str, expected: str) -> None:
    group = one(
        "ElastiCache::ParameterGroup",
        CacheParameterGroupFamily="valkey8",
        Description="d",
        Properties={"cluster-enabled": value},
    )
    cache = one("ElastiCache::ReplicationGroup", **CACHE, CacheParameterGroupName={"Ref": "Group"})
    assert plan_of(Group=group, Cache=cache).replication_groups[0].cluster_mode == expected


def test_what_is_needed_follows_from_the_lists() -> None:
    assert is_needed("AWS::ECS::TaskDefinition", ("ContainerDefinitions", 0, "Environment", 1, "Value"))
    assert not is_needed("AWS::ECS::TaskDefinition", ("ContainerDefinitions", 0, "User"))
    assert not is_needed("AWS::EC2::Instance", ("ImageId",))
    assert is_needed("AWS::SSM::Parameter", ("Value",))
