"""The stack of each configuration, in an account and region, with a network in two zones."""

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from tests.cdk.service_rules.site import Site

REGION = "eu-west-1"


@pytest.fixture
def site() -> Site:
    environment = cdk.Environment(account="111122223333", region=REGION)
    stack = cdk.Stack(cdk.App(analytics_reporting=False), "Shop", env=environment)
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=[f"{REGION}a", f"{REGION}b"],
        isolated_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        isolated_subnet_route_table_ids=["rtb-0123456789abcdef0", "rtb-0123456789abcdef1"],
        private_subnet_ids=["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"],
        private_subnet_route_table_ids=["rtb-0123456789abcdef2", "rtb-0123456789abcdef3"],
        public_subnet_ids=["subnet-0123456789abcdef4", "subnet-0123456789abcdef5"],
        public_subnet_route_table_ids=["rtb-0123456789abcdef4", "rtb-0123456789abcdef5"],
    )
    return Site(stack, vpc)
