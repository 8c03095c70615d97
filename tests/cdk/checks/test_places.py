"""What belongs together: one VPC, one region, zones of that region. What is not known at synth passes."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from cachetwin_cdk import (
    Access,
    Encryption,
    GlobalDatastore,
    IUserGroup,
    Logging,
    Maintenance,
    MemcachedCluster,
    MemcachedTopology,
    ParameterGroup,
    ReplicationGroup,
    SecondaryReplicationGroup,
    ServerlessCache,
    Shard,
    SubnetGroup,
    Topology,
    UserGroup,
    ValidationError,
)

Make = Callable[..., object]
HERE, THERE = "eu-west-1", "us-east-1"
KEY = f"arn:aws:kms:{THERE}:111111111111:key/0123"
TOPIC = f"arn:aws:sns:{THERE}:111111111111:alarms"


def group(stack: cdk.Stack, vpc: ec2.IVpc, **props: Any) -> object:  # noqa: ANN401  (arguments of the construct)
    return ReplicationGroup(stack, "Cache", vpc=vpc, **props)


def secondary(stack: cdk.Stack, vpc: ec2.IVpc, **props: Any) -> object:  # noqa: ANN401  (as above)
    datastore = GlobalDatastore.from_global_replication_group_attributes(
        stack, f"Global{len(stack.node.children)}", global_replication_group_id="orders"
    )
    return SecondaryReplicationGroup(stack, "Cache", vpc=vpc, global_datastore=datastore, **props)


def memcached(stack: cdk.Stack, vpc: ec2.IVpc, **props: Any) -> object:  # noqa: ANN401  (as above)
    return MemcachedCluster(stack, "Cache", vpc=vpc, **props)


def serverless(stack: cdk.Stack, vpc: ec2.IVpc, **props: Any) -> object:  # noqa: ANN401  (as above)
    return ServerlessCache(stack, "Cache", vpc=vpc, **props)


WITH_SUBNET_GROUP = [group, secondary, memcached]
ALL = [*WITH_SUBNET_GROUP, serverless]


@pytest.fixture
def here() -> cdk.Stack:
    return cdk.Stack(cdk.App(analytics_reporting=False), "Shop", env=cdk.Environment(region=HERE))


def network(stack: cdk.Stack, name: str = "Vpc") -> ec2.Vpc:
    return ec2.Vpc(stack, name, max_azs=2, restrict_default_security_group=False)


def imported(stack: cdk.Stack, vpc_id: str) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        stack, f"Imported{vpc_id[:4]}", vpc_id=vpc_id, availability_zones=[f"{HERE}a", f"{HERE}b"],
        isolated_subnet_ids=["subnet-a", "subnet-b"],
    )  # fmt: skip


@pytest.mark.parametrize("make", WITH_SUBNET_GROUP)
def test_a_subnet_group_of_another_vpc_is_refused(here: cdk.Stack, make: Make) -> None:
    ours, theirs = network(here), network(here, "Theirs")
    with pytest.raises(ValidationError, match="subnet_group must be in the VPC of the cache, Shop/Vpc/Resource"):
        make(here, ours, subnet_group=SubnetGroup(here, "Subnets", vpc=theirs))
    make(here, theirs, subnet_group=here.node.find_child("Subnets"))


@pytest.mark.parametrize("make", ALL)
def test_a_security_group_of_another_vpc_is_refused(here: cdk.Stack, make: Make) -> None:
    ours, theirs = network(here), imported(here, "vpc-0123")
    with pytest.raises(ValidationError, match="security_groups must be in the VPC of the cache"):
        make(here, ours, security_groups=[ec2.SecurityGroup(here, "Group", vpc=theirs)])
    make(here, theirs, security_groups=[here.node.find_child("Group")])


def test_a_vpc_that_is_known_at_deployment_only_passes(here: cdk.Stack, any_text: str) -> None:
    unknown = imported(here, cdk.CfnParameter(here, "Network").value_as_string)
    group(here, network(here), security_groups=[ec2.SecurityGroup(here, "Group", vpc=unknown)])


@pytest.mark.parametrize(
    ("make", "argument", "resource"),
    [
        (group, "kms_key", lambda stack: Encryption(kms_key=kms.Key.from_key_arn(stack, "There", KEY))),
        (
            group,
            "encryption_key",
            lambda stack: Logging.to_log_groups(encryption_key=kms.Key.from_key_arn(stack, "There", KEY)),
        ),
        (group, "notification_topic", lambda stack: Maintenance(notification_topic=topic(stack))),
        (memcached, "notification_topic", lambda stack: Maintenance(notification_topic=topic(stack))),
        (secondary, "kms_key", lambda stack: kms.Key.from_key_arn(stack, "There", KEY)),
        (serverless, "kms_key", lambda stack: kms.Key.from_key_arn(stack, "There", KEY)),
        (group, "user_group", lambda stack: Access.user_group(users(stack))),
        (serverless, "user_group", lambda stack: Access.user_group(users(stack))),
        (
            group,
            "parameter_group",
            lambda stack: ParameterGroup.from_parameter_group_name(elsewhere(stack), "There", "team"),
        ),
        (group, "subnet_group", lambda stack: SubnetGroup.from_subnet_group_name(elsewhere(stack), "There", "team")),
    ],
)
def test_what_is_of_another_region_is_refused(
    here: cdk.Stack, make: Make, argument: str, resource: Callable[[cdk.Stack], object]
) -> None:
    vpc = network(here)
    given = resource(here)
    with pytest.raises(ValidationError, match=f"{argument} must be in region {HERE}, as the cache is, got '{THERE}'"):
        make(here, vpc, **{OPTIONS.get(type(given), argument): given})


OPTIONS: dict[type[object], str] = {
    Access: "access",
    Encryption: "encryption",
    Logging: "logging",
    Maintenance: "maintenance",
}


def topic(stack: cdk.Stack) -> sns.ITopic:
    return sns.Topic.from_topic_arn(stack, "There", TOPIC)


def users(stack: cdk.Stack) -> IUserGroup:
    return UserGroup.from_user_group_id(elsewhere(stack), "There", "team")


def elsewhere(stack: cdk.Stack) -> cdk.Stack:
    return cdk.Stack(stack.node.root, "There", env=cdk.Environment(region=THERE))  # type: ignore[arg-type]  # an App


@pytest.mark.parametrize(
    ("make", "props", "argument"),
    [
        (
            group,
            {"topology": Topology.replicated(availability_zones=[f"{THERE}a", f"{THERE}b"])},
            "availability_zones",
        ),
        (
            memcached,
            {"topology": MemcachedTopology.in_zones([f"{THERE}a", f"{THERE}b"])},
            "availability_zones",
        ),
        (
            group,
            {"topology": Topology.placed([Shard(primary_availability_zone=f"{THERE}a", replicas=1)])},
            "placement",
        ),
    ],
)
def test_a_zone_of_another_region_is_refused(here: cdk.Stack, make: Make, props: dict[str, Any], argument: str) -> None:
    vpc = network(here)
    with pytest.raises(ValidationError, match=f"{argument} must name zones of region {HERE}, got '{THERE}a'"):
        make(here, vpc, **props)


def test_zones_that_are_known_at_deployment_only_pass(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    group(stack, vpc, topology=Topology.replicated(availability_zones=cdk.Fn.get_azs()))
    MemcachedCluster(stack, "Pages", vpc=vpc, topology=MemcachedTopology.in_zones(cdk.Fn.get_azs(), nodes=2))
    with pytest.raises(ValidationError, match="nodes must be given with zones that are known at deployment only"):
        MemcachedTopology.in_zones(cdk.Fn.get_azs())
