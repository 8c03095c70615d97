"""The plan of whole apps: what runs, who is told of whom, which paths are closed, and how it is shown."""

import copy
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from cachetwin_local.assembly.reader import read_assembly
from cachetwin_local.assembly.template import Json
from cachetwin_local.assembly.values.text import SecretRef
from cachetwin_local.errors import UserError
from cachetwin_local.plan.planner import plan
from cachetwin_local.plan.render import render_table, to_json
from cachetwin_local.topology.values import Topology

ASSEMBLIES = Path(__file__).parents[1] / "assemblies"
GOLDEN = Path(__file__).parents[2] / "golden"
THREE_STACKS = ASSEMBLIES / "three_stacks"

Templates = dict[str, Json]
Change = Callable[[Templates], None]


def plan_three_stacks(tmp_path: Path, change: Change, **options: Json) -> Topology:
    """The plan of three_stacks after `change` edited its templates."""
    names = ("Net", "Data", "Web")
    templates = {name: json.loads((THREE_STACKS / f"{name}.template.json").read_text()) for name in names}
    change(templates)
    for name, template in templates.items():
        (tmp_path / f"{name}.template.json").write_text(json.dumps(template))
        (tmp_path / f"{name}.assets.json").write_text((THREE_STACKS / f"{name}.assets.json").read_text())
    (tmp_path / "manifest.json").write_text((THREE_STACKS / "manifest.json").read_text())
    return plan(read_assembly(tmp_path), project="test", **options)


def resource(template: Json, type_name: str) -> Json:
    """The properties of the template's one resource of a type."""
    (found,) = [r for r in template["Resources"].values() if r["Type"] == type_name]
    return found.setdefault("Properties", {})


@pytest.fixture(scope="module")
def topology() -> Topology:
    return plan(read_assembly(THREE_STACKS), project="test")


def test_the_cache_has_its_version_nodes_memory_and_parameters(topology: Topology) -> None:
    (group,) = topology.replication_groups
    assert (group.engine, group.engine_version, group.profile) == ("valkey", "8.1", "valkey-8.1")
    assert [(n.role, n.availability_zone) for n in group.nodes] == [
        ("primary", "us-east-1a"),
        ("replica", "us-east-1b"),
    ]
    assert group.reader_endpoint is not None
    endpoints = (group.endpoint, group.reader_endpoint, *(node.endpoint for node in group.nodes))
    assert len({(endpoint.address, endpoint.port) for endpoint in endpoints}) == 4
    assert {node.maxmemory_bytes for node in group.nodes} == {536870912 * 3 // 4}
    assert group.parameters["maxmemory-policy"] == "allkeys-lru"
    assert group.endpoint.tls == "required"
    assert group.endpoint.port == group.endpoint.port_on_aws == 6379
    assert group.endpoint.names[0].startswith("master.")


def test_the_users_are_those_of_the_group_and_the_default_user_is_off(topology: Topology) -> None:
    app, default = topology.replication_groups[0].users
    assert (app.user_name, app.access_string, app.authentication_type) == ("app", "on ~* +@all", "password")
    secret = next(s for s in topology.secrets if s.identity.logical_id.startswith("CachePw"))
    assert app.passwords == ((SecretRef(secret.identity.arn),),)
    assert (default.user_name, default.access_string) == ("default", "off -@all")


def test_the_database_takes_its_credentials_from_the_generated_secret(topology: Topology) -> None:
    (database,) = topology.databases
    secret = next(s for s in topology.secrets if s.identity.logical_id.startswith("DbSecret"))
    assert database.password == (SecretRef(secret.identity.arn, "password"),)
    assert database.username == (SecretRef(secret.identity.arn, "username"),)
    assert (database.db_name, database.force_ssl, database.endpoint.port) == ("shop", True, 5432)
    assert database.parameters == {"log_min_duration_statement": "500"}
    assert secret.generate is not None
    assert (secret.generate.password_length, secret.generate.generate_string_key) == (30, "password")
    (attachment,) = secret.attachments
    assert attachment.target == database.identity.key
    assert attachment.values == {
        "engine": "postgres",
        "host": database.endpoint.address,
        "port": 5432,
        "dbname": "shop",
        "dbInstanceIdentifier": database.identity.physical_name,
    }


def test_the_service_has_its_image_environment_and_secrets(topology: Topology) -> None:
    (service,) = topology.services
    (container,) = service.containers
    (group,), (database,) = topology.replication_groups, topology.databases
    assert container.environment["CACHE_HOST"] == group.endpoint.address
    assert container.environment["CACHE_PORT"] == "6379"
    assert container.environment["DB_HOST"] == database.endpoint.address
    password = container.environment["DB_PASSWORD"]
    assert isinstance(password, tuple)
    assert isinstance(password[0], SecretRef)
    assert password[0].json_key == "password"
    assert container.image.directory is not None
    assert (THREE_STACKS / container.image.directory / "Dockerfile").is_file()
    assert len(service.tasks) == service.desired_count == 2
    assert len({task.address for task in service.tasks}) == 2
    assert [task.ports for task in service.tasks] == [{8000: 8000}] * 2


def test_a_service_depends_on_the_caches_and_databases_that_it_is_told_of(topology: Topology) -> None:
    assert topology.services[0].depends_on == ("Data/Db5D02A0A9", "Data/Rg")


def test_the_load_balancer_opens_8080_for_80_and_forwards_to_the_service(topology: Topology) -> None:
    (balancer,) = topology.load_balancers
    (listener,) = balancer.listeners
    assert (listener.endpoint.address, listener.endpoint.port, listener.endpoint.port_on_aws) == ("127.0.0.1", 8080, 80)
    (group,) = topology.target_groups
    (target,) = group.targets
    assert (target.service, target.container_name, target.container_port) == (
        topology.services[0].identity.key,
        "web",
        8000,
    )
    url = next(output for output in topology.outputs if "ServiceURL" in output.name)
    assert url.value == "http://127.0.0.1:8080"


def test_every_resource_of_every_template_is_covered_once(topology: Topology) -> None:
    keys = [one.identity.key for one in topology.coverage]
    expected = {
        f"{name}/{logical_id}"
        for name in ("Net", "Data", "Web")
        for logical_id in json.loads((THREE_STACKS / f"{name}.template.json").read_text())["Resources"]
    }
    assert set(keys) == expected
    assert len(keys) == len(set(keys))
    assert {one.status for one in topology.coverage} == {"twinned", "modelled"}


def test_the_paths_are_those_that_the_app_needs_and_all_are_open(topology: Topology) -> None:
    assert {(path.source.split("/")[1][:3], path.target.split("/")[1][:3], path.port) for path in topology.paths} == {
        ("Svc", "Db5", 5432),
        ("Svc", "Rg", 6379),
        ("Svc", "Svc", 8000),
    }
    assert topology.problems == ()


def test_planning_twice_gives_the_same_topology(topology: Topology) -> None:
    assert plan(read_assembly(THREE_STACKS), project="test") == topology


def test_another_project_gets_other_addresses(topology: Topology) -> None:
    other = plan(read_assembly(THREE_STACKS), project="other")
    assert other.replication_groups[0].endpoint.address != topology.replication_groups[0].endpoint.address


def test_where_only_one_address_exists_ports_move_and_do_not_collide() -> None:
    topology = plan(read_assembly(THREE_STACKS), project="test", loopback="shared")
    (group,), (service,) = topology.replication_groups, topology.services
    assert group.reader_endpoint is not None
    places = [group.endpoint, group.reader_endpoint, topology.databases[0].endpoint]
    ports = [place.port for place in places] + [port for task in service.tasks for port in task.ports.values()]
    assert {place.address for place in places} == {task.address for task in service.tasks} == {"127.0.0.1"}
    assert len(ports) == len(set(ports))
    assert service.containers[0].environment["CACHE_PORT"] == str(group.endpoint.port)


def test_a_stack_is_planned_with_those_it_depends_on() -> None:
    topology = plan(read_assembly(THREE_STACKS), stacks=["Data"])
    assert topology.stacks == ("Net", "Data")
    assert topology.services == ()
    with pytest.raises(UserError, match="stack must be one of Net, Data, Web, got Dat"):
        plan(read_assembly(THREE_STACKS), stacks=["Dat"])


# Security groups


def without(template: Json, type_name: str, port: int) -> None:
    gone = [
        key
        for key, value in template["Resources"].items()
        if value["Type"] == type_name and value["Properties"].get("FromPort") == port
    ]
    assert gone
    for key in gone:
        del template["Resources"][key]


def test_a_service_that_cannot_reach_its_cache_is_named_with_the_missing_rule(tmp_path: Path) -> None:
    topology = plan_three_stacks(tmp_path, lambda t: without(t["Web"], "AWS::EC2::SecurityGroupIngress", 6379))
    (problem,) = topology.problems
    assert problem.severity == "error"
    assert problem.identity.key == "Web/SvcServiceF685A632"
    assert problem.message == (
        "SvcServiceF685A632 cannot reach Rg on port 6379: Rg (security group CacheSg89F87252) has no ingress rule for "
        "port 6379 from SvcServiceF685A632 (security group SvcServiceSecurityGroup95F39366)"
    )


@pytest.mark.parametrize(("port", "target"), [(5432, "Db5D02A0A9"), (8000, "SvcServiceF685A632")])
def test_a_closed_database_or_service_is_a_problem(tmp_path: Path, port: int, target: str) -> None:
    topology = plan_three_stacks(tmp_path, lambda t: without(t["Web"], "AWS::EC2::SecurityGroupIngress", port))
    assert [f"cannot reach {target} on port {port}" in problem.message for problem in topology.problems] == [True]


def test_a_service_that_may_not_send_is_a_problem_of_its_own_group(tmp_path: Path) -> None:
    def close(templates: Templates) -> None:
        group = templates["Web"]["Resources"]["SvcServiceSecurityGroup95F39366"]["Properties"]
        group["SecurityGroupEgress"] = [
            {"CidrIp": "10.0.0.0/16", "IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432}
        ]

    topology = plan_three_stacks(tmp_path, close)
    (problem,) = topology.problems
    assert "has no egress rule for port 6379 to Rg" in problem.message


RULES = [
    ({"CidrIp": "10.0.0.0/16", "IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379}, True),
    ({"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"}, True),
    ({"CidrIp": "10.0.0.0/16", "IpProtocol": "tcp", "FromPort": 6000, "ToPort": 7000}, True),
    ({"CidrIp": "10.0.0.0/16", "IpProtocol": "6", "FromPort": 0, "ToPort": 65535}, True),
    ({"CidrIp": "10.0.128.0/17", "IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379}, True),
    ({"CidrIp": "10.0.128.0/18", "IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379}, False),
    ({"CidrIp": "192.168.0.0/16", "IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379}, False),
    ({"CidrIp": "10.0.0.0/16", "IpProtocol": "udp", "FromPort": 6379, "ToPort": 6379}, False),
    ({"CidrIp": "10.0.0.0/16", "IpProtocol": "tcp", "FromPort": 6380, "ToPort": 6380}, False),
    ({"CidrIpv6": "::/0", "IpProtocol": "-1"}, False),
    ({"SourcePrefixListId": "pl-1", "IpProtocol": "-1"}, False),
]


@pytest.mark.parametrize(("rule", "is_open"), RULES)
def test_a_rule_of_the_caches_own_list_opens_the_path_when_it_covers_it(
    tmp_path: Path, rule: Json, *, is_open: bool
) -> None:
    def change(templates: Templates) -> None:
        without(templates["Web"], "AWS::EC2::SecurityGroupIngress", 6379)
        templates["Data"]["Resources"]["CacheSg89F87252"]["Properties"]["SecurityGroupIngress"] = [rule]

    assert (plan_three_stacks(tmp_path, change).problems == ()) is is_open


def test_a_group_that_the_app_does_not_define_is_a_warning_not_an_error(tmp_path: Path) -> None:
    def change(templates: Templates) -> None:
        without(templates["Web"], "AWS::EC2::SecurityGroupIngress", 6379)
        resource(templates["Data"], "AWS::ElastiCache::ReplicationGroup")["SecurityGroupIds"] = ["sg-elsewhere"]

    (problem,) = plan_three_stacks(tmp_path, change).problems
    assert problem.severity == "warning"
    assert "as far as this app's templates say" in problem.message


def test_a_cache_without_groups_is_in_the_default_group_of_its_vpc(tmp_path: Path) -> None:
    def change(templates: Templates) -> None:
        del resource(templates["Data"], "AWS::ElastiCache::ReplicationGroup")["SecurityGroupIds"]

    (problem,) = plan_three_stacks(tmp_path, change).problems
    assert "security group the default group of Vpc8378EB38" in problem.message


# What cannot run here


def test_a_variable_from_something_that_does_not_run_is_a_warning(tmp_path: Path) -> None:
    def change(templates: Templates) -> None:
        web = templates["Web"]
        serverless = {"Engine": "newcache", "ServerlessCacheName": "s"}
        web["Resources"]["S"] = {"Type": "AWS::ElastiCache::ServerlessCache", "Properties": serverless}
        web["Resources"]["F"] = {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "java21"}}
        web["Outputs"]["Function"] = {"Value": {"Fn::GetAtt": ["F", "Arn"]}}
        web["Resources"]["X"] = {"Type": "Custom::Thing", "Properties": {}}
        container = resource(web, "AWS::ECS::TaskDefinition")["ContainerDefinitions"][0]
        container["Environment"].append({"Name": "SESSIONS", "Value": {"Fn::GetAtt": ["S", "Endpoint.Address"]}})

    topology = plan_three_stacks(tmp_path, change)
    notes = {one.identity.logical_id: (one.status, one.note) for one in topology.coverage}
    assert notes["S"] == ("not supported", "a serverless cache with the engine newcache does not run here yet")
    assert notes["F"] == (
        "not supported",
        "functions run here in Python (python3.x) and Node.js (nodejsN.x), got java21",
    )
    assert notes["X"] == ("not supported", "the runner does not know this type; nothing runs for it")
    (problem,) = topology.problems
    assert problem.severity == "warning"
    assert (
        problem.message == "SESSIONS comes from Web/S, which does not run here: "
        "a serverless cache with the engine newcache does not run here yet"
    )
    (note,) = [output.note for output in topology.outputs if output.name == "Function"]
    assert note == "Web/F: not running here"


@pytest.mark.parametrize(
    ("essential", "services", "problems"), [(False, 1, [("warning", "container agent")]), (True, 0, [])]
)
def test_an_image_that_is_not_of_the_app_stops_the_service_where_it_is_essential(
    tmp_path: Path, *, essential: bool, services: int, problems: list[tuple[str, str]]
) -> None:
    def change(templates: Templates) -> None:
        containers = resource(templates["Web"], "AWS::ECS::TaskDefinition")["ContainerDefinitions"]
        containers.append({"Name": "agent", "Image": "public.ecr.aws/agent:1", "Essential": essential})

    topology = plan_three_stacks(tmp_path, change)
    assert len(topology.services) == services
    assert [(p.severity, p.message.split(" must")[0]) for p in topology.problems] == problems


def test_a_secret_from_elsewhere_stops_only_what_uses_it(tmp_path: Path) -> None:
    arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:other-abcdef"

    def change(templates: Templates) -> None:
        container = resource(templates["Web"], "AWS::ECS::TaskDefinition")["ContainerDefinitions"][0]
        container["Secrets"].append({"Name": "TOKEN", "ValueFrom": arn})

    topology = plan_three_stacks(tmp_path, change)
    (problem,) = topology.problems
    wanted = "; give its value under [secrets] in cachetwin.toml"
    reason = f"must use secrets that a stack of this app defines, got {arn}{wanted}"
    assert (problem.severity, problem.message) == ("warning", f"cannot be read, so it does not run: {reason}")
    assert topology.services == ()
    assert [(one.kind, one.name) for one in topology.missing] == [("secret", arn)]


# How it is shown


def test_no_secret_is_shown(tmp_path: Path) -> None:
    def change(templates: Templates) -> None:
        data = templates["Data"]
        resource(data, "AWS::RDS::DBInstance")["MasterUserPassword"] = "hunter2-db"
        resource(data, "AWS::ElastiCache::User")["AuthenticationMode"]["Passwords"] = ["hunter2-cache-password"]
        data["Resources"]["Literal"] = {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {"SecretString": "hunter2-secret"},
        }

    topology = plan_three_stacks(tmp_path, change)
    console = Console(file=io.StringIO(), width=200)
    console.print(render_table(topology, all_resources=True))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue() + json.dumps(to_json(topology))
    assert "hunter2" not in shown
    assert "(hidden)" in shown


def test_json_holds_every_part_and_shows_secrets_as_references(topology: Topology) -> None:
    shown = json.loads(json.dumps(to_json(topology)))
    environment = shown["services"][0]["containers"][0]["environment"]
    assert environment["DB_PASSWORD"].startswith(
        "{{resolve:secretsmanager:arn:aws:secretsmanager:us-east-1:000000000000:secret:DbSecret"
    )
    assert shown["replication_groups"][0]["nodes"][1]["role"] == "replica"
    assert len(shown["coverage"]) == len(topology.coverage)
    assert shown["outputs"][-1]["value"] == "http://127.0.0.1:8080"


def test_the_table_names_what_runs_what_does_not_and_what_is_wrong(tmp_path: Path) -> None:
    def change(templates: Templates) -> None:
        without(templates["Web"], "AWS::EC2::SecurityGroupIngress", 6379)
        templates["Web"]["Resources"]["F"] = {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "java21"}}

    console = Console(file=io.StringIO(), width=220)
    console.print(render_table(plan_three_stacks(tmp_path, change)))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    for part in (
        "valkey-8.1 on 127.",
        "2 nodes, the primary first",
        "not supported",
        "functions run here in Python",
        "cannot reach Rg",
    ):
        assert part in text
    assert "more resources modelled" in text


# The constructs' own web app


@pytest.fixture(scope="module")
def web_app(tmp_path_factory: pytest.TempPathFactory) -> Topology:
    """The golden template that the constructs wrote, in an assembly of one stack."""
    directory = tmp_path_factory.mktemp("golden")
    template = json.loads((GOLDEN / "web_app.template.json").read_text())
    (directory / "web.template.json").write_text(json.dumps(copy.deepcopy(template)))
    image = {"source": {"directory": "asset.web"}, "destinations": {"x": {"imageTag": "0" * 64}}}
    (directory / "web.assets.json").write_text(json.dumps({"dockerImages": {"0" * 64: image}}))
    artifacts = {
        "CachetwinWebApp": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "web.template.json"}},
        "CachetwinWebApp.assets": {"type": "cdk:asset-manifest", "properties": {"file": "web.assets.json"}},
    }
    (directory / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return plan(read_assembly(directory), project="golden")


def test_the_constructs_web_app_plans_without_a_problem(web_app: Topology) -> None:
    assert web_app.problems == ()
    assert (
        len(web_app.replication_groups)
        == len(web_app.databases)
        == len(web_app.services)
        == len(web_app.load_balancers)
        == 1
    )
    assert {one.identity.type for one in web_app.coverage if one.status == "not supported"} <= {
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
    }
    assert web_app.services[0].depends_on == tuple(
        sorted([web_app.replication_groups[0].identity.key, web_app.databases[0].identity.key])
    )
    assert {path.port for path in web_app.paths} >= {6379, 5432}


def test_the_constructs_web_app_is_told_only_of_what_runs_here(web_app: Topology) -> None:
    environment = web_app.services[0].containers[0].environment
    assert web_app.replication_groups[0].endpoint.address in environment.values()
    assert not [value for value in environment.values() if isinstance(value, str) and ".invalid" in value]
