"""Rotation of the password of a user."""

from collections.abc import Sequence

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from constructs import Construct

from cachetwin_cdk.access.user_group import UserGroup
from cachetwin_cdk.access.users import PasswordUser
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import refuse, validate_at_synth
from cachetwin_cdk.network.control_plane_endpoint import ControlPlaneEndpoint

from ._rotation import Cache, Rotation, Settings, Subject, refuse_second_rotation


@checked_arguments
class UserPasswordRotation(Construct):
    """Changes the password of a user on a schedule; the previous password stays valid until the next change.

    Defines one AWS::SecretsManager::RotationSchedule and the AWS::Lambda::Function that it calls, with its role and
    log group. A later deployment that changes the user leaves it with the current password only.

    Args:
        user: The user whose password is changed.
        cache: A cache to log in to with the new password as a test; needs ``vpc``. By default, or without a route
            to the cache, the test is that the API reports the user as active with two passwords.
        automatically_after_days: The number of days between two changes, 1 to 1000.
        rotate_immediately: Whether a deployment of the schedule rotates the secret at once. By default it waits for
            the schedule.
        vpc: The VPC that the function runs in, to reach ``cache``; it needs a route to Secrets Manager and to the
            API of ElastiCache. By default the function runs outside of a VPC.
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
        if len(user.secrets) > 1:
            refuse(
                "user",
                "have one secret to rotate",
                f"{len(user.secrets)} secrets",
                "a rotation sets both passwords of the user: make it with one secret",
            )
        if user._rotated_by is not None:
            refuse_second_rotation("user", user._rotated_by)
        super().__init__(scope, construct_id)
        user._rotated_by = self.node.path
        if cache is not None:
            validate_at_synth(self, lambda: _require_member(cache, user))
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


def _require_member(cache: Cache, user: PasswordUser) -> None:
    """Raise ValidationError for a user that the cache does not have, as far as its users are known."""
    group = cache.user_group
    if group is None:
        refuse("cache", "have users", "none", "leave cache out, or give it a group with the user")
    if isinstance(group, UserGroup) and user not in group.users:
        refuse("user", "be in the user group of the cache", user.user_name, "add it to the group, or name its cache")
