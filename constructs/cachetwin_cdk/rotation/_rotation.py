"""The parts of both rotations: a function, its role, its log and the rotation schedule of the secret."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cachetwin_cdk.checks._claims import claim_rotation
from cachetwin_cdk.checks._findings import OWN_POLICY, acknowledge, acknowledge_regulated, excuse
from cachetwin_cdk.checks._places import require_region, require_vpc
from cachetwin_cdk.checks._validate import WarningId, known, refuse, require_between, warn
from cachetwin_cdk.monitoring.log_delivery import shared_log_key
from cachetwin_cdk.network._placement import accept_all_outbound, chosen_subnets, warn_of_other_vpc
from cachetwin_cdk.network.control_plane_endpoint import ControlPlaneEndpoint
from cachetwin_cdk.replication_group._base import IReplicationGroup
from cachetwin_cdk.serverless._base import IServerlessCache

_CODE = Path(__file__).parent / "function"
_TIMEOUT_MINUTES = 12  # the waiter for a replication group gives up after ten
Cache = IReplicationGroup | IServerlessCache


@dataclass(frozen=True)
class Subject:
    """What is rotated: the secret, the user or cache that it belongs to, and the API calls that change it."""

    kind: str
    """``user`` or ``token``."""
    secret: secretsmanager.ISecret
    json_field: str
    """The JSON field of the secret with the password; empty where the whole secret is the password."""
    resource_id: str
    resource_arn: str
    actions: tuple[str, ...]
    cache: Cache | None
    """The cache to log in to as a test, if the function has a route to it."""
    user_name: str = ""
    """The name to log in with; empty for an AUTH token."""


@dataclass(frozen=True)
class Settings:
    """The arguments that both rotations have."""

    automatically_after_days: int
    rotate_immediately: bool
    vpc: ec2.IVpc | None
    vpc_subnets: ec2.SubnetSelection | None
    security_groups: Sequence[ec2.ISecurityGroup] | None
    control_plane: ControlPlaneEndpoint | None
    encryption_key: kms.IKey | None

    def validate(self) -> None:
        """Raise ValidationError for what needs a VPC without one, and for an endpoint of another VPC."""
        given = {
            "vpc_subnets": self.vpc_subnets,
            "security_groups": self.security_groups,
            "control_plane": self.control_plane,
        }
        for name, value in given.items():
            if value is not None and self.vpc is None:
                refuse(name, "be left out without vpc", name, "pass the VPC that the function runs in")
        if self.vpc is not None and self.control_plane is not None:
            require_vpc("control_plane", self.vpc, self.control_plane.vpc)


def refuse_second_rotation(name: str, path: str) -> NoReturn:
    """Raise ValidationError for a user or cache whose password another rotation changes already."""
    refuse(name, "be rotated once", f"it is rotated by {path}", "keep one rotation of it")


class Rotation(Construct):
    """A function that Secrets Manager calls on a schedule."""

    def __init__(self, scope: Construct, construct_id: str, *, subject: Subject, settings: Settings) -> None:
        require_between("automatically_after_days", settings.automatically_after_days, 1, 1000, unit="days")
        settings.validate()
        require_region("encryption_key", scope, settings.encryption_key)
        super().__init__(scope, construct_id)
        claim_rotation(self, subject.secret.secret_arn)
        if settings.vpc is not None and subject.cache is not None:
            warn_of_other_vpc(self, settings.vpc, subject.cache._vpc)
        log_group = logs.LogGroup(
            self,
            "Log",
            retention=logs.RetentionDays.ONE_MONTH,
            encryption_key=settings.encryption_key or shared_log_key(self, removal_policy=cdk.RemovalPolicy.DESTROY),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        self.function = self._function(subject, settings, role, log_group)
        _let_change(role, subject)
        self._schedule(subject.secret, settings)
        if settings.vpc is not None:
            self._connect(subject, settings.control_plane)
        _acknowledge(role, self.function, has_vpc=settings.vpc is not None, has_key=settings.encryption_key is not None)

    def _function(
        self, subject: Subject, settings: Settings, role: iam.Role, log_group: logs.LogGroup
    ) -> lambda_.Function:
        vpc, groups = settings.vpc, settings.security_groups
        function = lambda_.Function(
            self,
            "Function",
            description=f"Rotates the secret of {subject.resource_id}" if known(subject.resource_id) else None,
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler="rotate.handler",
            code=lambda_.Code.from_asset(str(_CODE), exclude=["__pycache__", "__init__.py"]),
            timeout=cdk.Duration.minutes(_TIMEOUT_MINUTES),
            role=role,
            log_group=log_group,
            environment={
                "KIND": subject.kind,
                "RESOURCE_ID": subject.resource_id,
                "JSON_FIELD": subject.json_field,
                **(_address(subject) if vpc is not None else {}),
            },
            environment_encryption=settings.encryption_key,
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnets=self._subnets(vpc, settings)) if vpc is not None else None,
            security_groups=list(groups) if groups is not None else None,
        )
        code = function.node.default_child
        assert isinstance(code, lambda_.CfnFunction)  # noqa: S101  (what a Function is made of)
        # aws-cdk-lib adds a DependsOn that the role's GetAtt makes superfluous.
        code.add_metadata("cfn-lint", {"config": {"ignore_checks": ["W3005"]}})
        return function

    def _subnets(self, vpc: ec2.IVpc, settings: Settings) -> Sequence[ec2.ISubnet]:
        """Subnets that reach the APIs of AWS: those given, those with a NAT gateway, or else isolated ones."""
        if settings.vpc_subnets is not None:
            return _given_subnets(vpc, settings.vpc_subnets)
        if vpc.private_subnets:
            return vpc.private_subnets
        if settings.control_plane is None:
            warn(
                self,
                WarningId.ROTATION_WITHOUT_ROUTE,
                "the VPC has isolated subnets only, from which the rotation does not reach the APIs of AWS; "
                "give control_plane and an endpoint for Secrets Manager, or leave vpc out",
            )
        return chosen_subnets(vpc, None)

    def _schedule(self, secret: secretsmanager.ISecret, settings: Settings) -> None:
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
                automatically_after_days=settings.automatically_after_days
            ),
            rotate_immediately_on_update=settings.rotate_immediately,
        )
        schedule.add_resource_dependency(permission)

    def _connect(self, subject: Subject, control_plane: ControlPlaneEndpoint | None) -> None:
        """Allow the function to connect to the cache, for the test of the new password, and to the API."""
        accept_all_outbound(self.function)
        if subject.cache is not None:
            self.function.connections.allow_to_default_port(subject.cache, "Rotation tries the new password")
        if control_plane is not None:
            control_plane.allow(*subject.actions, resources=[subject.resource_arn])
            self.function.connections.allow_to_default_port(control_plane, "Rotation calls the API of ElastiCache")


def _given_subnets(vpc: ec2.IVpc, vpc_subnets: ec2.SubnetSelection) -> Sequence[ec2.ISubnet]:
    """The selected subnets. Raises ValidationError for public ones, where a function has no way out."""
    chosen = chosen_subnets(vpc, vpc_subnets)
    public = {subnet.subnet_id for subnet in vpc.public_subnets}
    found = [subnet.subnet_id for subnet in chosen if subnet.subnet_id in public]
    if found:
        refuse(
            "vpc_subnets",
            "not be public for a function, which gets no public address there",
            ", ".join(found),
            "select private subnets, or leave vpc_subnets out",
        )
    return chosen


def _address(subject: Subject) -> dict[str, str]:
    """The environment variables with which the function logs in to the cache."""
    if subject.cache is None:
        return {}
    endpoint = subject.cache.main_endpoint
    return {"CACHE_HOST": endpoint.hostname, "CACHE_PORT": endpoint.port_text, "USER_NAME": subject.user_name}


def _let_change(role: iam.Role, subject: Subject) -> None:
    role.add_to_policy(iam.PolicyStatement(actions=sorted(subject.actions), resources=[subject.resource_arn]))
    secret = subject.secret
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
        secret.encryption_key.grant(role, "kms:Decrypt", "kms:GenerateDataKey")


def _acknowledge(role: iam.Role, function: lambda_.Function, *, has_vpc: bool, has_key: bool) -> None:
    """Acknowledge the findings that every rotation has."""
    acknowledge_regulated(role, OWN_POLICY)
    acknowledge_regulated(
        function,
        {
            "LambdaConcurrency": "Secrets Manager runs one rotation of a secret at a time, so there is nothing to limit.",
            "LambdaDLQ": "Secrets Manager tells of a rotation that failed and tries it again: no event is lost.",
        },
    )
    excuse(
        function,
        "AWS::Lambda::Function",
        {
            "CKV_AWS_115": "Secrets Manager runs one rotation of a secret at a time.",
            "CKV_AWS_116": "Secrets Manager tries the rotation again and tells of a failure.",
            **({} if has_vpc else {"CKV_AWS_117": "It calls the APIs of AWS only; vpc puts it into a network."}),
            **(
                {}
                if has_key
                else {"CKV_AWS_173": "The environment names a user, no secret; encryption_key encrypts it."}
            ),
        },
    )
    if has_vpc:
        policy = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
        reason = "Lambda attaches network interfaces with AWS's own policy, whose actions know no resources."
        acknowledge(role, {f"AwsSolutions-IAM4[Policy::{policy}]": reason})
