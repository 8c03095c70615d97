"""A hundred replication groups in one app: what they share, how many resources they are, that they fit into stacks."""

from collections import Counter

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2

from cachetwin_cdk import ReplicationGroup

CACHES = 100
STACKS = 2
RESOURCES_MAX = 500  # of a stack
OWN = {
    "AWS::EC2::SecurityGroup", "AWS::ElastiCache::ParameterGroup", "AWS::ElastiCache::ReplicationGroup",
    "AWS::ElastiCache::SubnetGroup", "AWS::ElastiCache::User", "AWS::ElastiCache::UserGroup", "AWS::SecretsManager::Secret",
}  # fmt: skip


def test_a_hundred_replication_groups_share_their_key_and_fit_into_two_stacks() -> None:
    app = cdk.App(analytics_reporting=False)
    for number in range(STACKS):
        stack = cdk.Stack(app, f"Caches{number}")
        vpc = ec2.Vpc.from_vpc_attributes(
            stack, "Vpc", vpc_id="vpc-0123456789abcdef0", availability_zones=["a", "b"],
            isolated_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
            isolated_subnet_route_table_ids=["rtb-0123456789abcdef0", "rtb-0123456789abcdef1"],
        )  # fmt: skip
        for cache in range(CACHES // STACKS):
            ReplicationGroup(stack, f"Cache{cache}", vpc=vpc)
    for made in app.synth().stacks:
        resources = made.template["Resources"].values()
        types = Counter(resource["Type"] for resource in resources)
        assert len(resources) < RESOURCES_MAX
        assert types["AWS::KMS::Key"] == 1
        assert {kind for kind, count in types.items() if count == CACHES // STACKS} == OWN
        assert types["AWS::Logs::LogGroup"] == 2 * CACHES // STACKS
