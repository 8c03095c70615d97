"""The API's endpoint inside a VPC: who may reach it, and what may be called through it."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from cachetwin_cdk import ControlPlaneEndpoint, ValidationError

Properties = Callable[[str], dict[str, Any]]
ENDPOINT = "AWS::EC2::VPCEndpoint"
OURS = {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}


def test_it_answers_under_the_usual_name_in_private_subnets(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties
) -> None:
    ControlPlaneEndpoint(stack, "Api", vpc=vpc)
    endpoint = properties(ENDPOINT)
    assert endpoint["VpcEndpointType"] == "Interface"
    assert endpoint["PrivateDnsEnabled"] is True
    assert endpoint["ServiceName"] == {"Fn::Join": ["", ["com.amazonaws.", {"Ref": "AWS::Region"}, ".elasticache"]]}
    assert endpoint["SubnetIds"] == [subnet.subnet_id for subnet in vpc.isolated_subnets]


def test_nobody_may_reach_it_until_let_in(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    ControlPlaneEndpoint(stack, "Api", vpc=vpc)
    assert "SecurityGroupIngress" not in properties("AWS::EC2::SecurityGroup")
    Template.from_stack(stack).resource_count_is("AWS::EC2::SecurityGroupIngress", 0)


def test_whoever_is_let_in_comes_over_https(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    api = ControlPlaneEndpoint(stack, "Api", vpc=vpc)
    api.connections.allow_default_port_from(ec2.SecurityGroup(stack, "Caller", vpc=vpc), "Calls the API")
    Template.from_stack(stack).has_resource_properties(
        "AWS::EC2::SecurityGroupIngress", {"FromPort": 443, "ToPort": 443, "Description": "Calls the API"}
    )


def test_callers_of_this_account_may_read_and_change_nothing(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties
) -> None:
    ControlPlaneEndpoint(stack, "Api", vpc=vpc)
    assert properties(ENDPOINT)["PolicyDocument"]["Statement"] == [
        {
            "Action": ["elasticache:Describe*", "elasticache:List*"],
            "Condition": OURS,
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Resource": "*",
        }
    ]


def test_more_is_allowed_by_name(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    api = ControlPlaneEndpoint(stack, "Api", vpc=vpc)
    arn = "arn:aws:elasticache:eu-west-1:111122223333:user:ann"
    api.allow("elasticache:ModifyUser", "elasticache:DescribeUsers", resources=[arn])
    (_, statement) = properties(ENDPOINT)["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["elasticache:DescribeUsers", "elasticache:ModifyUser"]
    assert (statement["Resource"], statement["Condition"]) == (arn, OURS)


@pytest.mark.parametrize("action", ["elasticache:*", "*", "s3:GetObject", "ModifyUser"])
def test_what_is_no_single_action_of_the_service_is_refused(stack: cdk.Stack, vpc: ec2.IVpc, action: str) -> None:
    api = ControlPlaneEndpoint(stack, "Api", vpc=vpc)
    with pytest.raises(ValidationError, match="actions must be actions of ElastiCache, not all of them"):
        api.allow(action)


def test_no_action_is_refused(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(ValidationError, match="actions must name at least one action, got none"):
        ControlPlaneEndpoint(stack, "Api", vpc=vpc).allow()


def test_everything_can_be_set(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    group = ec2.SecurityGroup(stack, "Group", vpc=vpc)
    subnets = ec2.SubnetSelection(subnets=[vpc.isolated_subnets[0]])
    ControlPlaneEndpoint(
        stack, "Api", vpc=vpc, vpc_subnets=subnets, security_groups=[group], private_dns_enabled=False, fips=True
    )
    endpoint = properties(ENDPOINT)
    assert endpoint["PrivateDnsEnabled"] is False
    assert endpoint["ServiceName"]["Fn::Join"][1][-1] == ".elasticache-fips"
    assert endpoint["SubnetIds"] == [vpc.isolated_subnets[0].subnet_id]
    assert endpoint["SecurityGroupIds"] == [stack.resolve(group.security_group_id)]


def test_a_selection_without_subnets_is_refused(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(ValidationError, match="vpc_subnets must select at least one subnet, got"):
        ControlPlaneEndpoint(stack, "Api", vpc=vpc, vpc_subnets=ec2.SubnetSelection(subnets=[]))
