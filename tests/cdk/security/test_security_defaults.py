"""What docs/security.md says of a ReplicationGroup's defaults is so in the template, and not so when it is turned off.

Each row of the page's first table has a check of the template here, or a reason why it has none.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from cachetwin_cdk import (
    Access,
    AccessString,
    Backups,
    Encryption,
    Engine,
    EngineVersion,
    Failover,
    IParameterGroup,
    Logging,
    Maintenance,
    NodeType,
    NoPasswordUser,
    ParameterGroup,
    PasswordUser,
    ReplicationGroup,
    Topology,
    TransitEncryption,
    UserGroup,
)

PAGE = (Path(__file__).parents[3] / "docs" / "security.md").read_text()
Resources = dict[str, list[dict[str, Any]]]
Check = Callable[[Resources], bool]
GROUP, LOG_GROUP, KEY = "ElastiCache::ReplicationGroup", "Logs::LogGroup", "KMS::Key"


def demands() -> dict[str, str]:
    """The rules of each demand, from the table below the heading."""
    section = PAGE.split("## ReplicationGroup\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return {demand: rules for rules, demand, _answer in rows[1:]}


def has(name: str, wanted: object) -> Check:
    """Whether the replication group has a property of this value."""
    return lambda resources: resources[GROUP][0]["Properties"].get(name) == wanted


def all_have(kind: str, *names: str) -> Check:
    """Whether there are resources of a type, and each has these properties."""
    return lambda made: (
        bool(made.get(kind)) and all(resource["Properties"].get(name) for resource in made[kind] for name in names)
    )


def is_in_private_subnets(made: Resources) -> bool:
    (group,) = made["ElastiCache::SubnetGroup"]
    return all(subnet.startswith("subnet-isolated") for subnet in group["Properties"]["SubnetIds"])


def is_closed(made: Resources) -> bool:
    """A group of its own without a rule: CDK's rule for 'nothing out' names an address that nobody has."""
    (group,) = made["EC2::SecurityGroup"]
    out = {rule["CidrIp"] for rule in group["Properties"]["SecurityGroupEgress"]}
    return (
        out == {"255.255.255.255/32"}
        and "SecurityGroupIngress" not in group["Properties"]
        and not made.get("EC2::SecurityGroupIngress")
    )


def users_are_restricted(made: Resources) -> bool:
    strings = [user["Properties"]["AccessString"] for user in made.get("ElastiCache::User", [])]
    return bool(strings) and all("-@admin -@dangerous" in text or text.startswith("off") for text in strings)


def passwords_are_references(made: Resources) -> bool:
    modes = [user["Properties"]["AuthenticationMode"] for user in made.get("ElastiCache::User", [])]
    passwords = [password for mode in modes for password in mode.get("Passwords", ())]
    return bool(passwords) and all("resolve:secretsmanager" in str(password) for password in passwords)


def backs_up(made: Resources) -> bool:
    (group,) = made[GROUP]
    days = int(group["Properties"]["SnapshotRetentionLimit"])
    return days >= 7 and group["DeletionPolicy"] == "Snapshot"


def delivers_both_logs(made: Resources) -> bool:
    deliveries = made[GROUP][0]["Properties"].get("LogDeliveryConfigurations", [])
    return {delivery["LogType"] for delivery in deliveries} == {"slow-log", "engine-log"}


def public_subnets(vpc: ec2.IVpc) -> dict[str, Any]:
    return {"vpc_subnets": ec2.SubnetSelection(subnets=vpc.public_subnets)}


def open_group(vpc: ec2.IVpc) -> dict[str, Any]:
    group = ec2.SecurityGroup(cdk.Stack.of(vpc), "Open", vpc=vpc)
    group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(6379))
    return {"security_groups": [group]}


def unrestricted_users(vpc: ec2.IVpc) -> dict[str, Any]:
    user = PasswordUser(cdk.Stack.of(vpc), "Root", access_string=AccessString.full_access())
    return {"access": Access.users(user)}


def user_without_password(vpc: ec2.IVpc) -> dict[str, Any]:
    scope = cdk.Stack.of(vpc)
    anybody = NoPasswordUser(scope, "Anybody", user_name="default", access_string=AccessString.on())
    group = UserGroup(scope, "Users", users=[anybody], engine=Engine.REDIS)
    return {"engine_version": EngineVersion.REDIS_7_1, "access": Access.user_group(group)}


# The demand: its check, and arguments with which the cache does not meet it.
CHECKS: dict[str, tuple[Check, Callable[[ec2.IVpc], dict[str, Any]]]] = {
    "a subnet group of its own, private": (is_in_private_subnets, public_subnets),
    "encryption at rest": (has("AtRestEncryptionEnabled", True), lambda _vpc: {"encryption": Encryption(at_rest=False)}),
    "TLS, said explicitly": (
        has("TransitEncryptionMode", "required"),
        lambda _vpc: {"encryption": Encryption(transit=TransitEncryption.OFF), "access": Access.unauthenticated()},
    ),
    "Multi-AZ": (has("MultiAZEnabled", True), lambda _vpc: {"topology": Topology.replicated(failover=Failover.AUTOMATIC)}),
    "automatic failover": (
        lambda made: has("AutomaticFailoverEnabled", True)(made) and has("NumCacheClusters", 2)(made),
        lambda _vpc: {"topology": Topology.replicated(failover=Failover.MANUAL)},
    ),
    "authentication": (all_have(GROUP, "UserGroupIds"), lambda _vpc: {"access": Access.unauthenticated()}),
    "the default user disabled, no dangerous commands": (users_are_restricted, unrestricted_users),
    "backups": (backs_up, lambda _vpc: {"backups": Backups.none()}),
    "minor upgrades": (
        has("AutoMinorVersionUpgrade", True), lambda _vpc: {"maintenance": Maintenance(auto_minor_version_upgrade=False)}
    ),
    "an engine that is supported": (
        has("EngineVersion", "8.1"), lambda _vpc: {"engine_version": EngineVersion.REDIS_6_2}
    ),
    "node types that exist and are current": (
        has("CacheNodeType", "cache.t4g.small"), lambda _vpc: {"node_type": NodeType.of("cache.m3.large")}
    ),
    "no password in the template": (passwords_are_references, user_without_password),
    "a parameter group of its own": (
        lambda made: len(made.get("ElastiCache::ParameterGroup", [])) == 1,
        lambda vpc: {"parameter_group": _default_parameters(vpc)},
    ),
    "slow log and engine log": (delivers_both_logs, lambda _vpc: {"logging": Logging.off()}),
    "a key of one's own, rotated": (
        lambda made: all_have(LOG_GROUP, "KmsKeyId")(made) and all_have(KEY, "EnableKeyRotation")(made),
        lambda _vpc: {"logging": Logging.off()},
    ),
    "described rules, no broad CIDR, attached groups of the VPC and not of EC2-Classic": (is_closed, open_group),
    "Graviton nodes": (
        lambda made: "g." in made[GROUP][0]["Properties"]["CacheNodeType"],
        lambda _vpc: {"node_type": NodeType.M5_LARGE},
    ),
}  # fmt: skip
WITHOUT_A_CHECK = {
    "two replicas a shard, three shards": "not by default",
    "three zones": "as many as the VPC has",
    "not the default port": "acknowledged, decision 0001",
    "backups for 15 days": "test_compliance.py runs the packs",
    "keys, rotation": "test_compliance.py runs the packs",
    "no hard-coded zones": "cfn-lint runs over the stacks",
    "a customer key": "not by default",
    "rotation of the user's secret": "acknowledged; test_stacks.py runs cdk-nag",
    "control-plane access": "test_control_plane_endpoint.py",
    "alarms": "a construct of its own, test_alarms.py",
    "tags": "test_surface.py",
    "recovery in another region, scaling": "constructs of their own",
}


def _default_parameters(vpc: ec2.IVpc) -> IParameterGroup:
    return ParameterGroup.from_parameter_group_name(cdk.Stack.of(vpc), "Default", "default.valkey8")


def made_by(arguments: Callable[[ec2.IVpc], dict[str, Any]]) -> Resources:
    """The resources of a cache, by type."""
    stack = cdk.Stack(cdk.App(analytics_reporting=False), "Shop")
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=["a", "b"],
        isolated_subnet_ids=["subnet-isolated0", "subnet-isolated1"],
        isolated_subnet_route_table_ids=["rtb-0", "rtb-1"],
        public_subnet_ids=["subnet-public0", "subnet-public1"],
        public_subnet_route_table_ids=["rtb-2", "rtb-3"],
    )
    ReplicationGroup(stack, "Cache", vpc=vpc, **arguments(vpc))
    return dict(_by_type(Template.from_stack(stack).to_json()))


def _by_type(template: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    resources = template["Resources"].values()
    for kind in {resource["Type"] for resource in resources}:
        yield kind.removeprefix("AWS::"), [resource for resource in resources if resource["Type"] == kind]


@pytest.fixture(scope="module")
def default() -> Resources:
    """What the construct makes when nothing but the VPC is said."""
    return made_by(lambda _vpc: {})


def test_each_demand_of_the_page_is_checked_or_says_why_not() -> None:
    assert set(demands()) == set(CHECKS) | set(WITHOUT_A_CHECK)


@pytest.mark.parametrize("demand", CHECKS)
def test_the_default_meets_the_demand(default: Resources, demand: str) -> None:
    assert CHECKS[demand][0](default)


@pytest.mark.parametrize("demand", CHECKS)
def test_the_check_notices_a_cache_that_does_not(demand: str) -> None:
    check, weaker = CHECKS[demand]
    assert not check(made_by(weaker))
