"""A Lambda function in a VPC, with a role of its own, an encrypted log, traces, and no outbound connection by default."""

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from cachetwin_cdk.checks._findings import excuse
from cachetwin_cdk.network._placement import chosen_subnets

from ._logs import LogSettings

# Lambda attaches the function to the VPC with these; none of them supports a resource narrower than '*'.
_NETWORK_ACTIONS = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]


def private_function(
    scope: Construct,
    construct_id: str,
    *,
    code: lambda_.Code,
    handler: str,
    runtime: lambda_.Runtime,
    vpc: ec2.IVpc,
    environment: Mapping[str, str],
    memory_size_mib: int,
    timeout: cdk.Duration,
    log_settings: LogSettings,
    architecture: lambda_.Architecture = lambda_.Architecture.ARM_64,
    logging_format: lambda_.LoggingFormat = lambda_.LoggingFormat.JSON,
    reserved_concurrent_executions: int | None = None,
) -> lambda_.Function:
    """A function in the isolated subnets of the VPC, or else its private ones, whose security group allows no traffic."""
    security_group = ec2.SecurityGroup(
        scope,
        f"{construct_id}SecurityGroup",
        vpc=vpc,
        description=f"The function of {scope.node.path}",
        allow_all_outbound=False,
    )
    log_group = log_settings.create_group(scope, f"{construct_id}Log")
    role = iam.Role(
        scope,
        f"{construct_id}Role",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        description=f"What the function of {scope.node.path} may do",
    )
    role.add_to_policy(iam.PolicyStatement(actions=_NETWORK_ACTIONS, resources=["*"]))
    log_group.grant_write(role)
    function = lambda_.Function(
        scope,
        construct_id,
        code=code,
        handler=handler,
        runtime=runtime,
        architecture=architecture,
        role=role,
        vpc=vpc,
        vpc_subnets=ec2.SubnetSelection(subnets=chosen_subnets(vpc, None)),
        security_groups=[security_group],
        environment=dict(environment),
        memory_size=memory_size_mib,
        timeout=timeout,
        tracing=lambda_.Tracing.ACTIVE,
        log_group=log_group,
        logging_format=logging_format,
        reserved_concurrent_executions=reserved_concurrent_executions,
    )
    resource = function.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)  # noqa: S101  (made by aws-cdk-lib under this id)
    # aws-cdk-lib adds a DependsOn that a GetAtt makes superfluous; cfn-lint says so.
    resource.add_metadata("cfn-lint", {"config": {"ignore_checks": ["W3005"]}})
    excuse(
        function,
        "AWS::Lambda::Function",
        {
            **(
                {}
                if reserved_concurrent_executions
                else {"CKV_AWS_115": "What calls it is throttled; a reserve is taken from the whole account."}
            ),
            "CKV_AWS_116": "It is called synchronously, or again the next minute: there is no event to keep.",
            "CKV_AWS_173": "The environment holds addresses and names, no secret.",
        },
    )
    excuse(
        role,
        "AWS::IAM::Policy",
        {"CKV_AWS_111": "Attaching network interfaces and sending traces are actions that know no resources."},
    )
    if runtime.name == "python3.13":
        cdk.Validations.of(function).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions-L1",
                reason="Python 3.13 is the newest runtime that this library's functions are tested with, and Lambda "
                "supports it into 2029.",
            )
        )
    cdk.Validations.of(role).acknowledge(
        cdk.Acknowledgment(
            id="AwsSolutions-IAM5[Resource::*]",
            reason="Attaching a function to a VPC and writing traces are actions that know no narrower resource.",
        )
    )
    return function
