"""The permission to log in with IAM, which has to name both the cache and the user."""

from collections.abc import Sequence

from aws_cdk import aws_iam as iam

from cachetwin_cdk.checks._validate import ValidationError

from .user_group import IUserGroup
from .users import IUser


def grant_connect(
    grantee: iam.IGrantable, cache_arn: str, users: Sequence[IUser], user_group: IUserGroup | None
) -> iam.Grant:
    """Let ``grantee`` log in to the cache as ``users``, or as every IAM user of the group when there are none.

    Raises ValidationError when there is no user with IAM authentication to log in as.
    """
    members = user_group.users if user_group is not None else ()
    chosen = users or [user for user in members if user.connects_with_iam]
    strangers = [user.user_name for user in chosen if not user.connects_with_iam]
    if not chosen or strangers:
        raise ValidationError(
            "users must log in with IAM for grant_connect, "
            f"got {', '.join(strangers) if strangers else 'no IAM user in the user group'}; use an IamUser, or "
            "grant_read on a PasswordUser's secret"
        )
    return iam.Grant.add_to_principal(
        grantee=grantee,
        actions=["elasticache:Connect"],
        resource_arns=[cache_arn, *(user.user_arn for user in chosen)],
    )
