"""A new AUTH token for a replication group, by schedule."""

from collections.abc import Sequence

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from constructs import Construct

from .._validate import refuse
from ..replication_group import ReplicationGroup
from ._rotation import Rotation


class AuthTokenRotation(Construct):
    """Changes the AUTH token every month: both are valid until the new one is current, then the new one alone.

    Defines one AWS::SecretsManager::RotationSchedule and the AWS::Lambda::Function that it calls, with its role and log
    group. Clients keep the connections they have; new ones need the secret's current token. CloudFormation cannot change a
    token in place, so leave the secret of a deployed cache to this.

    ``rotate_immediately``
        change it on deployment already; False waits for the schedule.
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
        self.function = Rotation(
            self,
            "Rotation",
            secret=token.secret,
            kind="token",
            resource_id=cache.replication_group_id,
            resource_arn=cache.replication_group_arn,
            json_field=token.json_field or "",
            actions=["elasticache:DescribeReplicationGroups", "elasticache:ModifyReplicationGroup"],
            automatically_after_days=automatically_after_days,
            rotate_immediately=rotate_immediately,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=list(security_groups) if security_groups is not None else None,
            encryption_key=encryption_key,
        ).function
