"""What both rotations are made of: one function, its role, its log and the schedule of the secret."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from .._placement import chosen_subnets
from .._validate import require_between

_CODE = Path(__file__).parent / "function"
_TIMEOUT_MINUTES = 12  # the waiter for a replication group gives up after ten


class Rotation(Construct):
    """A function that Secrets Manager calls by schedule."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        secret: secretsmanager.ISecret,
        kind: str,
        resource_id: str,
        resource_arn: str,
        json_field: str,
        actions: list[str],
        automatically_after_days: int,
        rotate_immediately: bool,
        vpc: ec2.IVpc | None,
        vpc_subnets: ec2.SubnetSelection | None,
        security_groups: list[ec2.ISecurityGroup] | None,
        encryption_key: kms.IKey | None,
    ) -> None:
        require_between("automatically_after_days", automatically_after_days, 1, 1000, unit="days")
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self,
            "Log",
            retention=logs.RetentionDays.ONE_MONTH,
            encryption_key=encryption_key,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        self.function = lambda_.Function(
            self,
            "Function",
            description=f"Rotates the secret of {resource_id}" if not cdk.Token.is_unresolved(resource_id) else None,
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler="rotate.handler",
            code=lambda_.Code.from_asset(str(_CODE), exclude=["__pycache__", "__init__.py"]),
            timeout=cdk.Duration.minutes(_TIMEOUT_MINUTES),
            role=role,
            log_group=log_group,
            environment={"KIND": kind, "RESOURCE_ID": resource_id, "JSON_FIELD": json_field},
            environment_encryption=encryption_key,
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnets=chosen_subnets(vpc, vpc_subnets)) if vpc is not None else None,
            security_groups=security_groups,
        )
        code = self.function.node.default_child
        assert isinstance(code, lambda_.CfnFunction)  # noqa: S101  (what a Function is made of)
        # aws-cdk-lib adds a DependsOn that the role's GetAtt makes superfluous.
        code.cfn_options.metadata = {"cfn-lint": {"config": {"ignore_checks": ["W3005"]}}}
        role.add_to_policy(iam.PolicyStatement(actions=sorted(actions), resources=[resource_arn]))
        role.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "secretsmanager:DescribeSecret",
                    "secretsmanager:GetSecretValue",
                    "secretsmanager:PutSecretValue",
                    "secretsmanager:UpdateSecretVersionStage",
                ],
                resources=[secret.secret_full_arn or secret.secret_arn],
            )
        )
        if secret.encryption_key is not None:
            secret.encryption_key.grant_encrypt_decrypt(role)
        permission = lambda_.CfnPermission(
            self,
            "Permission",
            action="lambda:InvokeFunction",
            function_name=self.function.function_arn,
            principal="secretsmanager.amazonaws.com",
            source_account=cdk.Stack.of(self).account,
        )
        # The L2 schedule would let the function ask for random passwords of every length; it makes its own.
        schedule = secretsmanager.CfnRotationSchedule(
            self,
            "Schedule",
            secret_id=secret.secret_arn,
            rotation_lambda_arn=self.function.function_arn,
            rotation_rules=secretsmanager.CfnRotationSchedule.RotationRulesProperty(
                automatically_after_days=automatically_after_days
            ),
            rotate_immediately_on_update=rotate_immediately,
        )
        schedule.add_resource_dependency(permission)
        if vpc is not None:
            cdk.Validations.of(role).acknowledge(
                cdk.Acknowledgment(
                    id="AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
                    "AWSLambdaVPCAccessExecutionRole]",
                    reason="Lambda attaches network interfaces with AWS's own policy, whose actions know no resources.",
                )
            )
