"""A user in an imported group, added by a function when the stack is deployed.

CloudFormation changes a user group as a whole only: it has no resource for one member. The function adds the user with
ModifyUserGroup and removes it again; it waits while another deployment changes the group.
"""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk.interfaces import aws_elasticache as refs
from constructs import Construct

from cachetwin_cdk.checks._findings import OWN_POLICY, acknowledge_regulated, excuse
from cachetwin_cdk.monitoring.log_delivery import shared_log_key

from .users import IUser

_CODE = Path(__file__).parent / "group_member"
_PROVIDER = "CachetwinGroupMembers"
_TIMEOUT_MINUTES = 10  # a group is changed within a minute or two; others may be before


class GroupMember(Construct):
    """One user that is added to a group of somebody else.

    Defines one Custom::CachetwinGroupMember and, once in a stack, the AWS::Lambda::Function behind it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, user_group: refs.IUserGroupRef, user: IUser) -> None:
        super().__init__(scope, construct_id)
        reference = user_group.user_group_ref
        provider = _provider(cdk.Stack.of(self))
        policy = iam.Policy(
            self,
            "Policy",
            statements=[
                iam.PolicyStatement(
                    actions=["elasticache:DescribeUserGroups", "elasticache:ModifyUserGroup"],
                    resources=[reference.user_group_arn, user.user_arn],
                )
            ],
        )
        assert provider.role is not None  # noqa: S101  (a Function has one)
        policy.attach_to_role(provider.role)
        acknowledge_regulated(policy, OWN_POLICY)
        self.resource = cdk.CustomResource(
            self,
            "Resource",
            service_token=provider.function_arn,
            resource_type="Custom::CachetwinGroupMember",
            properties={"UserGroupId": reference.user_group_id, "UserId": user.user_id},
        )
        self.resource.node.add_dependency(policy)


def _provider(stack: cdk.Stack) -> lambda_.Function:
    """The function of this stack, which all of its members share."""
    existing = stack.node.try_find_child(_PROVIDER)
    if existing is not None:
        function = existing.node.find_child("Function")
        assert isinstance(function, lambda_.Function)  # noqa: S101  (made below)
        return function
    scope = Construct(stack, _PROVIDER)
    log_group = logs.LogGroup(
        scope,
        "Log",
        retention=logs.RetentionDays.ONE_MONTH,
        encryption_key=shared_log_key(scope, removal_policy=cdk.RemovalPolicy.DESTROY),
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    role = iam.Role(
        scope,
        "Role",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        description="Lets a function add users of this stack to imported user groups",
    )
    log_group.grant_write(role)
    acknowledge_regulated(role, OWN_POLICY)
    function = lambda_.Function(
        scope,
        "Function",
        description="Adds users to imported user groups",
        runtime=lambda_.Runtime.PYTHON_3_14,
        architecture=lambda_.Architecture.ARM_64,
        handler="member.handler",
        code=lambda_.Code.from_asset(str(_CODE), exclude=["__pycache__", "__init__.py"]),
        timeout=cdk.Duration.minutes(_TIMEOUT_MINUTES),
        role=role,
        log_group=log_group,
    )
    resource = function.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)  # noqa: S101  (what a Function is made of)
    # aws-cdk-lib adds a DependsOn that the role's GetAtt makes superfluous.
    resource.add_metadata("cfn-lint", {"config": {"ignore_checks": ["W3005"]}})
    excuse(
        function,
        "AWS::Lambda::Function",
        {
            "CKV_AWS_115": "CloudFormation calls it during a deployment, once for each user.",
            "CKV_AWS_116": "CloudFormation waits for its answer and fails the deployment without one.",
            "CKV_AWS_117": "It calls the API of ElastiCache, which is outside of the VPC.",
        },
    )
    acknowledge_regulated(
        function,
        {
            "LambdaConcurrency": "CloudFormation calls it during a deployment, once for each user.",
            "LambdaDLQ": "CloudFormation waits for its answer and fails the deployment without one.",
            "LambdaInsideVPC": "It calls the API of ElastiCache, which is outside of the VPC.",
        },
    )
    return function
