"""The user group that a cache makes for itself."""

from constructs import Construct

from cachetwin_cdk.engine.engine_version import EngineVersion

from .access import Access
from .access_string import AccessString
from .user_group import IUserGroup, UserGroup
from .users import IamUser, NoPasswordUser, PasswordUser


def create_user_group(
    scope: Construct,
    engine_version: EngineVersion,
    access: Access | None,
    *,
    with_iam: bool = False,
) -> tuple[IUserGroup, PasswordUser | None]:
    """The user group of a cache: the given one, one with the given users, or by default one with a new user.

    A new user has a password, and is returned as well; with ``with_iam`` it logs in with IAM instead.
    """
    engine = engine_version.engine
    if access is not None and access.given_group is not None:
        return access.given_group, None
    if access is not None and access.given_users is not None:
        return UserGroup(scope, "UserGroup", users=access.given_users, engine=engine), None
    if with_iam:
        iam_user = IamUser(scope, "User", access_string=AccessString.application(), engine=engine)
        return UserGroup(scope, "UserGroup", users=[iam_user], engine=engine), None
    if engine_version.at_least(valkey="7.2", redis="6.2"):
        user = PasswordUser(scope, "User", access_string=AccessString.application(), engine=engine)
        return UserGroup(scope, "UserGroup", users=[user], engine=engine), user
    access_string = AccessString.application().without_channel_rules()
    user = PasswordUser(scope, "User", access_string=access_string, engine=engine)
    off = NoPasswordUser(
        scope, "DefaultUser", user_name="default", access_string=AccessString.off().without_channel_rules()
    )
    return UserGroup(scope, "UserGroup", users=[user, off], engine=engine), user
