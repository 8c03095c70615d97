"""Settings and the choice of the command line, in a plan."""

from pathlib import Path

import pytest
from tests.local.resources.templates import CACHE, DATABASE, messages, one, plan_of, status

from cachetwin_local.assembly.template import Json
from cachetwin_local.assembly.values.text import SecretRef
from cachetwin_local.errors import UserError
from cachetwin_local.plan.choice import Choice
from cachetwin_local.settings import ServiceSettings, Settings
from cachetwin_local.supervise.cache.node_settings import NodeSettings
from cachetwin_local.supervise.project.clock import Clock
from cachetwin_local.topology.values import TaskAddress, Topology


def shop(settings: Settings | None = None, choice: Choice | None = None, image: str = "x:" + "f" * 64) -> Topology:
    environment = [
        {"Name": "CACHE", "Value": {"Fn::GetAtt": ["Cache", "PrimaryEndPoint.Address"]}},
        {"Name": "TOKEN", "Value": "{{resolve:secretsmanager:shared/token}}"},
    ]
    definition: Json = {"Name": "web", "Image": image, "Environment": environment}
    definition["PortMappings"] = [{"ContainerPort": 8000}]
    return plan_of(
        settings=settings,
        choice=choice,
        Cache=one("ElastiCache::ReplicationGroup", **CACHE),
        Db=one("RDS::DBInstance", **DATABASE),
        Definition=one("ECS::TaskDefinition", ContainerDefinitions=[definition]),
        Web=one("ECS::Service", TaskDefinition={"Ref": "Definition"}),
    )


GIVEN = {"shared/token": "t"}


def test_a_secret_from_elsewhere_has_the_value_of_the_settings() -> None:
    assert shop().services == ()
    topology = shop(Settings(secrets=GIVEN))
    (secret,) = topology.secrets
    assert (secret.name, secret.value) == ("shared/token", "t")
    assert topology.services[0].containers[0].environment["TOKEN"] == (SecretRef(secret.identity.arn),)
    arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:other-abcdef"
    value_from = {"Name": "TOKEN", "ValueFrom": arn}
    container = {"Name": "web", "Image": "x:" + "f" * 64, "Secrets": [value_from]}
    resources = {
        "Definition": one("ECS::TaskDefinition", ContainerDefinitions=[container]),
        "Web": one("ECS::Service", TaskDefinition={"Ref": "Definition"}),
    }
    without = plan_of(**resources)
    assert (without.services, without.missing[0].name, without.missing[0].needed_by) == ((), arn, ("App/Web",))
    assert [one.identity.arn for one in plan_of(settings=Settings(secrets={arn: "t"}), **resources).secrets] == [arn]


def test_imports_parameters_and_ssm_parameters_have_the_values_of_the_settings() -> None:
    cache = one(
        "ElastiCache::ReplicationGroup",
        **{**CACHE, "CacheNodeType": {"Fn::ImportValue": "size"}, "Port": "{{resolve:ssm:/cache/port}}"},
    )
    topology = plan_of(settings=Settings(imports={"size": "cache.t4g.micro"}, ssm={"/cache/port": "7001"}), Cache=cache)
    (group,) = topology.replication_groups
    assert (group.nodes[0].node_type, group.nodes[0].endpoint.port) == ("cache.t4g.micro", 7001)
    assert topology.missing == ()


def test_a_service_gets_tasks_variables_and_a_log_level() -> None:
    settings = Settings(
        secrets=GIVEN,
        services={"Web": ServiceSettings(tasks=3, environment={"COLOR": "red"})},
        log_levels={"App/Web": "debug", "Cache": "info", "Db": "error"},
        ports={"Cache": 7000},
    )
    topology = shop(settings)
    (service,) = topology.services
    assert len(service.tasks) == service.desired_count == 3
    assert {"COLOR": "red", "LOG_LEVEL": "debug"}.items() <= service.containers[0].environment.items()
    assert topology.replication_groups[0].parameters["loglevel"] == "notice"
    assert topology.databases[0].parameters["log_min_messages"] == "error"
    assert topology.replication_groups[0].nodes[0].endpoint.port == 7000


def test_a_cluster_announces_its_nodes_by_name_where_the_settings_ask_for_it() -> None:
    sharded = one("ElastiCache::ReplicationGroup", **{**CACHE, "NumNodeGroups": 2, "ReplicasPerNodeGroup": 0})
    (by_address,) = plan_of(Cache=sharded).replication_groups
    (by_name,) = plan_of(settings=Settings(cluster_nodes={"Cac*": "name"}), Cache=sharded).replication_groups
    found = [
        NodeSettings((), "valkey-8.1", group.parameters, "", Clock(), options=("--cluster-topology",)).parameters_of(
            group.nodes[0]
        )["cluster-preferred-endpoint-type"]
        for group in (by_address, by_name)
    ]
    assert found == ["ip", "hostname"]


def test_a_process_takes_the_place_of_an_image_that_only_docker_can_run(tmp_path: Path) -> None:
    own = Settings(secrets=GIVEN, services={"Web": ServiceSettings(process="run me", folder=tmp_path)})
    (service,) = shop(own, image="nginx").services
    (container,) = service.containers
    assert (container.image.in_place, container.image.directory) == (True, str(tmp_path))
    assert container.command == ("/bin/sh", "-c", "run me")
    assert "CACHE" in container.environment


def test_a_service_may_run_at_a_url() -> None:
    topology = shop(
        Settings(secrets=GIVEN, services={"Web": ServiceSettings(url="http://127.0.0.1:3000")}), image="nginx"
    )
    (service,) = topology.services
    assert (service.containers, service.tasks) == ((), (TaskAddress("127.0.0.1", {8000: 3000}),))
    assert status(topology, "Web") == ("twinned", "http://127.0.0.1:3000, which you run")


def test_what_is_left_out_does_not_run_and_what_needs_it_is_warned_of() -> None:
    for topology in (
        shop(Settings(secrets=GIVEN, leave_out=("App/Cache",))),
        shop(Settings(secrets=GIVEN), Choice(without=["Cache"])),
    ):
        assert topology.replication_groups == ()
        assert (len(topology.services), len(topology.databases)) == (1, 1)
        assert status(topology, "Cache")[0] == "left out"
        assert messages(topology) == ["needs App/Cache, which is left out"]


def test_only_keeps_what_is_named_and_what_it_needs() -> None:
    topology = shop(Settings(secrets=GIVEN), Choice(only=["Web"]))
    assert (len(topology.services), len(topology.replication_groups), topology.databases) == (1, 1, ())


@pytest.mark.parametrize(
    ("settings", "choice", "message"),
    [
        (
            Settings(),
            Choice(only=["Wab"]),
            "--only must name one of App/Cache, App/Db, App/Web, got Wab; did you mean Web",
        ),
        (Settings(), Choice(without=["zzz"]), "--without must name one of App/Cache, App/Db, App/Web, got zzz$"),
        (Settings(leave_out=("Wab",)), None, "cachetwin.toml: leave-out must name one of .*, got Wab"),
        (
            Settings(services={"Cache": ServiceSettings()}),
            None,
            "cachetwin.toml: services must name one of App/Definition, App/Web",
        ),
        (Settings(ports={"Web": 1}), None, "cachetwin.toml: ports must name one of App/Cache, App/Db, got Web"),
        (
            Settings(cluster_nodes={"Cache": "name"}),
            None,
            "cachetwin.toml: cluster-nodes must name one of \\(there is none\\), got Cache",
        ),
        (Settings(log_levels={"X": "info"}), None, "cachetwin.toml: log-levels must name one of"),
    ],
)
def test_a_name_that_no_resource_has_is_refused_with_the_nearest(
    settings: Settings, choice: Choice | None, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        shop(Settings(**{**{f: getattr(settings, f) for f in settings.__slots__}, "secrets": GIVEN}), choice)


def test_what_cannot_be_read_can_be_left_out_and_is_told_no_more() -> None:
    bad = one("ElastiCache::ReplicationGroup", **{**CACHE, "NumCacheClusters": 99})
    resources = {"Bad": bad, "Cache": one("ElastiCache::ReplicationGroup", **CACHE)}
    topology = plan_of(settings=Settings(leave_out=("B*",)), **resources)
    assert (status(topology, "Bad")[0], messages(topology)) == ("left out", [])
    assert [group.identity.logical_id for group in topology.replication_groups] == ["Cache"]
