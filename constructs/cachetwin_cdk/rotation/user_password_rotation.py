"""A new password for a user, by schedule."""

from collections.abc import Sequence

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from constructs import Construct

from cachetwin_cdk.access.users import PasswordUser
from cachetwin_cdk.checks._validate import refuse
from cachetwin_cdk.network.control_plane_endpoint import ControlPlaneEndpoint

from ._rotation import Cache, Rotation, Settings, Subject


class UserPasswordRotation(Construct):
    """Changes a user's password every month, the old one staying valid until the next change.

    Defines one AWS::SecretsManager::RotationSchedule and the AWS::Lambda::Function that it calls, with its role and log
    group. A deployment that changes the user sets the current password alone.

    ``rotate_immediately``
        change it on deployment already; False waits for the schedule.
    ``cache`` / ``vpc``
        the cache to log in to with the new password as a test, and where the function runs to reach it. Without both, or
        where no route leads to the cache, the test is that the API calls the user active with two passwords. In a VPC the
        function needs a way to Secrets Manager and to ElastiCache's API.
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
        user: PasswordUser,
        cache: Cache | None = None,
        automatically_after_days: int = 30,
        rotate_immediately: bool = False,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        control_plane: ControlPlaneEndpoint | None = None,
        encryption_key: kms.IKey | None = None,
    ) -> None:
        if cache is not None and vpc is None:
            refuse("vpc", "be given with cache, which is reached from no other place", vpc, "pass the VPC of the cache")
        super().__init__(scope, construct_id)
        subject = Subject(
            kind="user",
            secret=user.secret,
            json_field="password",
            resource_id=user.user_id,
            resource_arn=user.user_arn,
            actions=("elasticache:DescribeUsers", "elasticache:ModifyUser"),
            cache=cache,
            user_name=user.user_name,
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
