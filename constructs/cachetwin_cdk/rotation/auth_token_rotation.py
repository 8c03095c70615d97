"""A new AUTH token for a replication group, by schedule."""

from collections.abc import Sequence

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from constructs import Construct

from cachetwin_cdk.checks._validate import refuse
from cachetwin_cdk.network.control_plane_endpoint import ControlPlaneEndpoint
from cachetwin_cdk.replication_group.replication_group import ReplicationGroup

from ._rotation import Rotation, Settings, Subject


class AuthTokenRotation(Construct):
    """Changes the AUTH token every month: both are valid until the new one is current, then the new one alone.

    Defines one AWS::SecretsManager::RotationSchedule and the AWS::Lambda::Function that it calls, with its role and log
    group. Clients keep the connections they have; new ones need the secret's current token. CloudFormation cannot change a
    token in place, so leave the secret of a deployed cache to this.

    ``rotate_immediately``
        change it on deployment already; False waits for the schedule.
    ``vpc``
        where the function runs, so that its test step logs in to the cache with the new token; without one, or where no
        route leads to the cache, it takes the API's word. It needs a way to Secrets Manager and to ElastiCache's API.
    ``control_plane``
        the endpoint that leads to ElastiCache's API from subnets without a way out; it is opened for the function.
    ``encryption_key``
        for the function's log and environment; it must allow CloudWatch Logs.
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
                "make it with auth_token=AuthToken.generate(...), or use UserPasswordRotation for its users",
            )
        super().__init__(scope, construct_id)
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
