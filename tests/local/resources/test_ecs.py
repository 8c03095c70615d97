"""Services and task definitions."""

from dataclasses import replace
from typing import cast

import pytest
from tests.local.resources.templates import CACHE, DATABASE, IMAGE, messages, one, plan_of, status, unreadable

from cachetwin_local.assembly.template import Assembly, Json, Resource, Stack
from cachetwin_local.plan.planner import plan
from cachetwin_local.topology.host_names import host_names
from cachetwin_local.topology.values import Topology


def service(container: Json, **properties: Json) -> Topology:
    image = f"000000000000.dkr.ecr.us-east-1.amazonaws.com/assets:{IMAGE.asset_hash}"
    definition = {"Name": "web", "Image": image, "PortMappings": [{"ContainerPort": 8000}], **container}
    return plan_of(
        Cluster=one("ECS::Cluster"),
        Setting=one("SSM::Parameter", Name="/app/mode", Type="String", Value="fast"),
        Task=one("ECS::TaskDefinition", Family="web", ContainerDefinitions=[definition]),
        Service=one("ECS::Service", Cluster={"Ref": "Cluster"}, TaskDefinition={"Ref": "Task"}, **properties),
    )


def test_a_container_has_what_its_definition_says() -> None:
    container = {
        "Command": ["python", "app.py"],
        "EntryPoint": ["/init"],
        "WorkingDirectory": "/srv",
        "Environment": [{"Name": "A", "Value": 1}, {"Name": "B", "Value": ""}],
        "Secrets": [
            {"Name": "MODE", "ValueFrom": {"Fn::Sub": "arn:aws:ssm:us-east-1:${AWS::AccountId}:parameter${Setting}"}}
        ],
        "HealthCheck": {"Command": ["CMD-SHELL", "curl x"], "Interval": 10},
    }
    (made,) = service(container).services[0].containers
    assert (made.command, made.entry_point, made.working_directory) == (("python", "app.py"), ("/init",), "/srv")
    assert made.environment == {"A": "1", "B": "", "MODE": "fast"}
    assert made.image.directory == "asset.web"
    assert made.health_check is not None
    assert (made.health_check.command, made.health_check.interval_s, made.health_check.retries) == (
        ("CMD-SHELL", "curl x"),
        10,
        3,
    )


@pytest.mark.parametrize(
    ("waits", "reason"),
    [
        ({"a": ("b", "START"), "b": ("a", "START")}, "DependsOn must not be a circle, which a, b are"),
        ({"a": ("c", "START")}, "ContainerName: must be another container of the task (b), got c"),
        ({"a": ("b", "HEALTHY")}, "can be HEALTHY for a container with a HealthCheck, which b lacks"),
        ({"a": ("b", "SUCCESS")}, "can be SUCCESS for a container that is not essential, which b is"),
        ({"a": ("b", "READY")}, "must be one of START, COMPLETE, SUCCESS, HEALTHY, got READY"),
    ],
)
def test_a_container_that_would_wait_for_ever_is_refused(waits: dict[str, tuple[str, str]], reason: str) -> None:
    image = f"000000000000.dkr.ecr.us-east-1.amazonaws.com/assets:{IMAGE.asset_hash}"
    depends_on = {name: [{"ContainerName": other, "Condition": state}] for name, (other, state) in waits.items()}
    containers = [{"Name": name, "Image": image, "DependsOn": depends_on.get(name, [])} for name in ("a", "b")]
    found = plan_of(
        Cluster=one("ECS::Cluster"),
        Task=one("ECS::TaskDefinition", Family="web", ContainerDefinitions=containers),
        Service=one("ECS::Service", Cluster={"Ref": "Cluster"}, TaskDefinition={"Ref": "Task"}),
    )
    assert reason in unreadable(found)["Service"]


def test_a_service_runs_one_task_unless_it_says_otherwise() -> None:
    assert len(service({}).services[0].tasks) == 1
    assert service({}, DesiredCount=0).services[0].tasks == ()
    (reason,) = unreadable(service({}, DesiredCount=51)).values()
    assert "DesiredCount: must be between 0 and 50 here, got 51" in reason


@pytest.mark.parametrize("name", ["/app/mode", "mode"])
def test_a_secret_variable_may_be_an_ssm_parameter_with_or_without_a_slash(name: str) -> None:
    definition = {
        "Name": "web",
        "Image": f"x:{IMAGE.asset_hash}",
        "Secrets": [{"Name": "MODE", "ValueFrom": f"arn:aws:ssm:us-east-1:0:parameter/{name.removeprefix('/')}"}],
    }
    topology = plan_of(
        Setting=one("SSM::Parameter", Name=name, Type="String", Value="fast"),
        Task=one("ECS::TaskDefinition", ContainerDefinitions=[definition]),
        Service=one("ECS::Service", TaskDefinition={"Ref": "Task"}),
    )
    assert topology.services[0].containers[0].environment == {"MODE": "fast"}
    assert "parameter//" not in str([c.identity.arn for c in topology.coverage])


def test_names_of_cloud_map_and_service_connect_stand_for_the_tasks() -> None:
    port = {"ContainerPort": 8080, "Name": "api"}
    definition = {"Name": "web", "Image": f"x:{IMAGE.asset_hash}", "PortMappings": [port]}
    connect = {
        "Enabled": True,
        "Namespace": {"Fn::GetAtt": ["Local", "Arn"]},
        "Services": [
            {"PortName": "api", "ClientAliases": [{"Port": 80, "DnsName": "shop"}]},
            {"PortName": "api"},
            {"PortName": "api", "ClientAliases": [{"Port": 80, "DnsName": "a b\n192.0.2.1 github.com"}]},
            {"PortName": "api", "ClientAliases": [{"Port": 80, "DnsName": "localhost"}]},
        ],
    }
    topology = plan_of(
        Local=one("ServiceDiscovery::PrivateDnsNamespace", Name="shop.local", Vpc="vpc-1"),
        Registry=one("ServiceDiscovery::Service", Name="web", DnsConfig={"NamespaceId": {"Ref": "Local"}}),
        Task=one("ECS::TaskDefinition", ContainerDefinitions=[definition]),
        Service=one(
            "ECS::Service",
            TaskDefinition={"Ref": "Task"},
            DesiredCount=2,
            ServiceRegistries=[{"RegistryArn": {"Fn::GetAtt": ["Registry", "Arn"]}}],
            ServiceConnectConfiguration=connect,
        ),
    )
    (service,) = topology.services
    assert service.discovery_names == ("web.shop.local", "shop", "api.shop.local")
    addresses = [task.address for task in service.tasks]
    assert [address for address, name in host_names(topology) if name == "web.shop.local"] == addresses
    here = messages(topology)
    assert "Service Connect gives port 80: here it is the container's, 8080" in here
    assert sum("cannot be a host's name here" in message for message in here) == 2


def test_a_task_definition_that_no_service_runs_starts_tasks_when_it_is_asked_to() -> None:
    definition = {"Name": "job", "Image": f"x:{IMAGE.asset_hash}"}
    group = {"NetworkConfiguration": {"AwsVpcConfiguration": {"SecurityGroups": ["sg-1"]}}}
    given = {"Task": one("ECS::TaskDefinition", ContainerDefinitions=[definition])}
    topology = plan_of(**given)
    assert status(topology, "Task")[0] == "twinned"
    assert [(one.on_demand, one.tasks, one.security_groups) for one in topology.services] == [(True, (), ())]
    target = {
        "Id": "t",
        "Arn": "arn:aws:ecs:us-east-1:1:cluster/c",
        "EcsParameters": {"TaskDefinitionArn": {"Ref": "Task"}, **group},
    }
    topology = plan_of(**given, Rule=one("Events::Rule", ScheduleExpression="rate(1 day)", Targets=[target]))
    assert topology.services[0].security_groups == ("sg-1",)
    assert any("has no role that may do ecs:RunTask" in message for message in messages(topology))


def test_a_service_told_of_a_cache_through_a_secret_and_a_parameter_depends_on_it() -> None:
    cache_properties = cast("dict[str, Json]", CACHE)
    address = {"Fn::GetAtt": ["Cache", "PrimaryEndPoint.Address"]}
    definition = {
        "Name": "web",
        "Image": f"x:{IMAGE.asset_hash}",
        "Secrets": [{"Name": "CONFIG", "ValueFrom": {"Ref": "Secret"}}],
        "Environment": [{"Name": "DB", "Value": {"Fn::GetAtt": ["Setting", "Value"]}}],
    }
    topology = plan_of(
        Cache=one("ElastiCache::ReplicationGroup", **cache_properties),
        Db=one("RDS::DBInstance", **DATABASE),
        Secret=one("SecretsManager::Secret", SecretString={"Fn::Join": ["", ["host=", address]]}),
        Setting=one("SSM::Parameter", Type="String", Value={"Fn::GetAtt": ["Db", "Endpoint.Address"]}),
        Task=one("ECS::TaskDefinition", ContainerDefinitions=[definition]),
        Service=one("ECS::Service", TaskDefinition={"Ref": "Task"}),
    )
    assert topology.services[0].depends_on == ("App/Cache", "App/Db")


def planned(dockerfile: str | None, **container: Json) -> Topology:
    """A service whose image has this Dockerfile."""
    image = replace(IMAGE, dockerfile_text=dockerfile)
    definition = {"Name": "web", "Image": "x:" + "f" * 64, **container}
    made = {
        "Definition": one("ECS::TaskDefinition", ContainerDefinitions=[definition]),
        "Service": one("ECS::Service", TaskDefinition={"Ref": "Definition"}),
    }
    resources = {
        name: Resource("App", name, value["Type"], value["Properties"], name, None, ()) for name, value in made.items()
    }
    stack = Stack("App", "App", "us-east-1", "000000000000", (), resources)
    return plan(Assembly({"App": stack}, {image.asset_hash: image}, {}))


def test_what_a_dockerfile_asks_for_and_a_process_cannot_have_is_said_by_the_plan() -> None:
    topology = planned("FROM node:22\nCOPY . .\nRUN npm ci\nCMD node server.js")
    assert topology.services == ()
    assert status(topology, "Service") == (
        "not supported",
        "container web: its Dockerfile asks for what a process cannot have: RUN npm ci",
    )


def test_packages_of_the_system_are_a_warning() -> None:
    topology = planned("FROM python:3.13\nRUN apt-get install -y libpq5\nCMD run")
    assert len(topology.services) == 1
    (message,) = messages(topology)
    assert message.endswith("has from this machine what its Dockerfile installs: RUN apt-get install -y libpq5")


def test_a_container_without_a_command_of_its_own_does_not_run() -> None:
    note = "container web runs the command of its base image nginx"
    assert status(planned("FROM nginx\nCOPY . /x"), "Service") == ("not supported", note)
    assert status(planned("FROM nginx\nCOPY . /x", Command=["run"]), "Service")[0] == "twinned"
