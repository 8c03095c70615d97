"""A new password for a user, by schedule."""

from collections.abc import Sequence

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from constructs import Construct

from ..users import PasswordUser
from ._rotation import Rotation


class UserPasswordRotation(Construct):
    """Changes a user's password every month, the old one staying valid until the next change.

    Defines one AWS::SecretsManager::RotationSchedule and the AWS::Lambda::Function that it calls, with its role and log
    group. The function calls the service's API and never the cache, so it needs no VPC; in one without a way out it needs
    the interface endpoints of ElastiCache and Secrets Manager. A deployment that changes the user sets the current
    password alone.

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
        user: PasswordUser,
        automatically_after_days: int = 30,
        rotate_immediately: bool = False,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        encryption_key: kms.IKey | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = Rotation(
            self,
            "Rotation",
            secret=user.secret,
            kind="user",
            resource_id=user.user_id,
            resource_arn=user.user_arn,
            json_field="password",
            actions=["elasticache:DescribeUsers", "elasticache:ModifyUser"],
            automatically_after_days=automatically_after_days,
            rotate_immediately=rotate_immediately,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=list(security_groups) if security_groups is not None else None,
            encryption_key=encryption_key,
        ).function
