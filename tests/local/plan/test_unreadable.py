"""One resource that cannot be read stops nothing but what needs it."""

import json
from pathlib import Path

import pytest
from tests.local.resources.templates import CACHE, DATABASE, messages, one, plan_of, unreadable

from cachetwin_local.assembly.reader import read_assembly
from cachetwin_local.assembly.template import Json
from cachetwin_local.plan.planner import plan
from cachetwin_local.plan.render import to_json


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"CacheNodeType": "cache.z9.huge"}, "CacheNodeType: must be one of the"),
        ({"CacheNodeType": {"Fn::ImportValue": "of-another-app"}}, "Fn::ImportValue must name an export"),
        ({"CacheNodeType": {"Ref": "Size"}}, "must name a resource or a parameter"),
        ({"Port": "{{resolve:ssm:/nowhere}}"}, "SSM parameter must be one that a stack of this app defines"),
        ({"NumCacheClusters": 99}, "NumCacheClusters: must be between 1 and 6, got 99"),
    ],
)
def test_a_cache_that_cannot_be_read_is_named_and_the_database_runs(wrong: Json, reason: str) -> None:
    topology = plan_of(
        Cache=one("ElastiCache::ReplicationGroup", **{**CACHE, **wrong}), Db=one("RDS::DBInstance", **DATABASE)
    )
    assert reason in unreadable(topology)["Cache"]
    assert topology.replication_groups == ()
    assert [database.identity.logical_id for database in topology.databases] == ["Db"]
    (message,) = messages(topology)
    assert message.startswith("cannot be read, so it does not run: stack App, Cache")


def test_what_needs_it_is_named_too() -> None:
    group = one("ElastiCache::UserGroup", UserGroupId="g", Engine="valkey", UserIds=[{"Ref": "Alice"}])
    topology = plan_of(
        Alice=one("ElastiCache::User", UserId={"Ref": "Missing"}, UserName="alice"),
        Group=group,
        Cache=one("ElastiCache::ReplicationGroup", **CACHE, UserGroupIds=[{"Ref": "Group"}]),
        Other=one("ElastiCache::ReplicationGroup", **CACHE),
    )
    found = unreadable(topology)
    assert "Alice, UserId" in found["Alice"]
    assert found["Group"] == found["Cache"] == "needs App/Alice, which cannot be read"
    assert [cache.identity.logical_id for cache in topology.replication_groups] == ["Other"]


def test_a_parameter_without_a_value_stops_only_what_uses_it(tmp_path: Path) -> None:
    template = {
        "Parameters": {"Size": {"Type": "String"}},
        "Conditions": {"Large": {"Fn::Equals": [{"Ref": "Size"}, "large"]}},
        "Resources": {
            "Cache": one("ElastiCache::ReplicationGroup", **{**CACHE, "CacheNodeType": {"Ref": "Size"}}),
            "Sometimes": {**one("ElastiCache::ReplicationGroup", **CACHE), "Condition": "Large"},
            "Db": one("RDS::DBInstance", **DATABASE),
        },
        "Outputs": {
            "Address": {"Value": {"Fn::GetAtt": ["Db", "Endpoint.Address"]}},
            "Size": {"Value": {"Ref": "Size"}},
        },
    }
    (tmp_path / "app.json").write_text(json.dumps(template))
    artifact = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "app.json"}}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"App": artifact}}))
    topology = plan(read_assembly(tmp_path))
    assert set(unreadable(topology)) == {"Cache", "Sometimes"}
    assert len(topology.databases) == 1
    address, size = topology.outputs
    assert address.value == topology.databases[0].endpoint.address
    assert size.note.startswith("cannot be read: ")
    assert json.dumps(to_json(topology))
    given = plan(read_assembly(tmp_path), parameters={"Size": "cache.t4g.small"})
    assert unreadable(given) == {}
    assert [cache.identity.logical_id for cache in given.replication_groups] == ["Cache"]


def test_a_rule_that_cannot_be_read_is_a_warning() -> None:
    topology = plan_of(
        Group=one("EC2::SecurityGroup", GroupDescription="g", VpcId="vpc-1"),
        Rule=one("EC2::SecurityGroupIngress", GroupId={"Ref": "Group"}, IpProtocol="tcp", CidrIp="10.0.0.0/99"),
    )
    (problem,) = topology.problems
    assert (problem.severity, problem.identity.logical_id) == ("warning", "Rule")
    assert "CidrIp: must be an address range such as 10.0.0.0/16, got 10.0.0.0/99" in problem.message


def test_a_value_that_nobody_gave_stops_nothing_where_nothing_needs_it() -> None:
    definition = one(
        "ECS::TaskDefinition",
        TaskRoleArn={"Fn::ImportValue": "shared-role"},
        ContainerDefinitions=[{"Name": "web", "Image": "x:" + "f" * 64, "User": {"Fn::ImportValue": "shared-user"}}],
    )
    service = one(
        "ECS::Service",
        TaskDefinition={"Ref": "Definition"},
        Cluster={"Fn::ImportValue": "shared-cluster"},
        NetworkConfiguration={"AwsvpcConfiguration": {"Subnets": {"Fn::Split": [",", {"Fn::ImportValue": "subnets"}]}}},
    )
    machine = one(
        "EC2::Instance", ImageId="{{resolve:ssm:/aws/service/ami}}", UserData={"Fn::Transform": {"Name": "x"}}
    )
    topology = plan_of(Definition=definition, Service=service, Machine=machine)
    assert unreadable(topology) == {}
    assert [one.identity.logical_id for one in topology.services] == ["Service"]
    found = {(one.kind, one.name): (one.used_by, one.needed_by) for one in topology.missing}
    assert found["import", "shared-cluster"] == (("App/Service",), ())
    assert found["ssm", "/aws/service/ami"] == (("App/Machine",), ())
    assert {kind for kind, _ in found} == {"import", "ssm", "function"}


def test_what_needs_a_missing_value_through_the_name_of_another_resource_is_named() -> None:
    cluster = one("ECS::Cluster", ClusterName={"Fn::ImportValue": "cluster-name"})
    environment = [{"Name": "CLUSTER", "Value": {"Ref": "Cluster"}}]
    definition = one(
        "ECS::TaskDefinition",
        ContainerDefinitions=[{"Name": "web", "Image": "x:" + "f" * 64, "Environment": environment}],
    )
    topology = plan_of(Cluster=cluster, Definition=definition)
    assert "Environment[0].Value: Fn::ImportValue must name an export" in unreadable(topology)["Definition"]
    (missing,) = topology.missing
    assert (missing.used_by, missing.needed_by) == (("App/Cluster",), ("App/Definition",))


def test_a_service_whose_image_is_known_by_name_only_stops_nothing_else() -> None:
    definition = one("ECS::TaskDefinition", ContainerDefinitions=[{"Name": "web", "Image": "nginx"}])
    topology = plan_of(
        Definition=definition,
        Service=one("ECS::Service", TaskDefinition={"Ref": "Definition"}),
        Cache=one("ElastiCache::ReplicationGroup", **CACHE),
    )
    assert (topology.services, len(topology.replication_groups), topology.problems) == ((), 1, ())
    notes = {one.identity.logical_id: (one.status, one.note) for one in topology.coverage}
    assert notes["Service"][0] == "not supported"
    assert "container web must be made from a folder of the app" in notes["Service"][1]


def test_a_name_that_nobody_gave_is_generated() -> None:
    topology = plan_of(
        Balancer=one("ElasticLoadBalancingV2::LoadBalancer", Name={"Fn::ImportValue": "name"}),
        Listener=one(
            "ElasticLoadBalancingV2::Listener",
            LoadBalancerArn={"Ref": "Balancer"},
            Port=80,
            Protocol="HTTP",
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}],
        ),
    )
    assert unreadable(topology) == {}
    (balancer,) = topology.load_balancers
    assert len(balancer.listeners) == 1
    assert "missing" not in balancer.identity.arn
