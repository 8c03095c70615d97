"""The method ``add_rotation`` of the caches that have a password to rotate."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms

from cachetwin_cdk.checks._validate import refuse

if TYPE_CHECKING:
    from cachetwin_cdk.access.users import PasswordUser
    from cachetwin_cdk.network.control_plane_endpoint import ControlPlaneEndpoint
    from cachetwin_cdk.rotation import AuthTokenRotation, UserPasswordRotation


class Rotating:
    """A cache whose AUTH token, or the password of one of its users, can be changed on a schedule."""

    def add_rotation(
        self,
        construct_id: str = "Rotation",
        *,
        user: "PasswordUser | None" = None,
        automatically_after_days: int = 30,
        rotate_immediately: bool = False,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        control_plane: "ControlPlaneEndpoint | None" = None,
        encryption_key: kms.IKey | None = None,
    ) -> "UserPasswordRotation | AuthTokenRotation":
        """Rotate the AUTH token of this cache, or the password of ``user``; by default that of the user made for it.

        The other arguments are those of UserPasswordRotation; with ``vpc`` the new password is tried on this cache.
        """
        from cachetwin_cdk.rotation import (  # noqa: PLC0415  (rotations know the caches)
            AuthTokenRotation,
            UserPasswordRotation,
        )

        cache: Any = self
        common: dict[str, Any] = {
            "automatically_after_days": automatically_after_days,
            "rotate_immediately": rotate_immediately,
            "vpc": vpc,
            "vpc_subnets": vpc_subnets,
            "security_groups": security_groups,
            "control_plane": control_plane,
            "encryption_key": encryption_key,
        }
        if getattr(cache, "auth_token", None) is not None:
            if user is not None:
                refuse("user", "be left out for a cache with an AUTH token", user.user_name, "leave it out")
            return AuthTokenRotation(cache, construct_id, cache=cache, **common)
        chosen = user if user is not None else cache.user
        tried_on = cache if vpc is not None else None
        return UserPasswordRotation(cache, construct_id, user=chosen, cache=tried_on, **common)
