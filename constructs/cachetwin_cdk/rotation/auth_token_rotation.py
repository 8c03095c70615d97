"""Rotation of the AUTH token of a replication group."""

from collections.abc import Sequence

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from constructs import Construct

from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import refuse
from cachetwin_cdk.network.control_plane_endpoint import ControlPlaneEndpoint
from cachetwin_cdk.replication_group._base import Use
from cachetwin_cdk.replication_group.replication_group import ReplicationGroup

from ._rotation import Rotation, Settings, Subject, refuse_second_rotation


@checked_arguments
class AuthTokenRotation(Construct):
    """Changes the AUTH token of a cache on a schedule; both tokens are valid until clients can read the new one.

    Defines one AWS::SecretsManager::RotationSchedule and the AWS::Lambda::Function that it calls, with its role and
    log group. Existing connections stay open; new ones need the token that the secret has now. CloudFormation
    cannot change a token in place, so do not edit the secret of a deployed cache.

    Args:
        cache: The replication group, which has an ``auth_token``.
        automatically_after_days: The number of days between two changes, 1 to 1000.
        rotate_immediately: Whether a deployment of the schedule rotates the secret at once. By default it waits for
            the schedule.
        vpc: The VPC that the function runs in, to log in to the cache with the new token as a test; it needs a
            route to Secrets Manager and to the API of ElastiCache. By default the function runs outside of a VPC
            and asks the API only.
        vpc_subnets: The subnets of the function. By default the private ones of ``vpc``, or the isolated ones if
            there are none: these need endpoints for Secrets Manager and, as ``control_plane``, for ElastiCache.
        security_groups: The security groups of the function. By default one is created that allows all outbound
            traffic.
        control_plane: An endpoint for the API of ElastiCache in ``vpc``; the calls of the function are allowed
            through it. By default the function needs another route to the API, such as a NAT gateway.
        encryption_key: The KMS key of the function's log and environment; it has to allow CloudWatch Logs. By
            default the log has the key that the logs of this stack share, and the environment a key of AWS.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cache: ReplicationGroup,
        automatically_after_days: int = 30,
        rotate_immediately: bool = False,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        control_plane: ControlPlaneEndpoint | None = None,
        encryption_key: kms.IKey | None = None,
    ) -> None:
        token = cache.auth_token
        if token is None:
            refuse(
                "cache",
                "have an AUTH token to rotate",
                "a cache without",
                "make it with access=Access.auth_token(AuthToken.generate(...)), or use UserPasswordRotation for its users",
            )
        if others := cache._uses(Use.ROTATION):
            refuse_second_rotation("cache", others[0].node.path)
        super().__init__(scope, construct_id)
        cache._add_use(Use.ROTATION, self)
        subject = Subject(
            kind="token",
            secret=token.secret,
            json_field=token.json_field or "",
            resource_id=cache.replication_group_id,
            resource_arn=cache.replication_group_arn,
            actions=("elasticache:DescribeReplicationGroups", "elasticache:ModifyReplicationGroup"),
            cache=cache,
        )
        settings = Settings(
            automatically_after_days,
            rotate_immediately,
            vpc,
            vpc_subnets,
            security_groups,
            control_plane,
            encryption_key,
        )
        self.function = Rotation(self, "Rotation", subject=subject, settings=settings).function
