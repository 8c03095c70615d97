"""User groups: the users that may log in to a cache."""

from collections.abc import Sequence

import aws_cdk as cdk
import jsii
from aws_cdk import aws_elasticache as elasticache
from aws_cdk.interfaces import aws_elasticache as refs
from constructs import Construct, IDependable

from cachetwin_cdk.checks._claims import claim_name
from cachetwin_cdk.checks._names import generated_id, require_existing_id, require_id
from cachetwin_cdk.checks._places import require_region
from cachetwin_cdk.checks._retention import keep_with
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import ValidationError, WarningId, known, refuse, validate_at_synth, warn
from cachetwin_cdk.engine.engine_version import Engine
from cachetwin_cdk.monitoring._events import ApiEvents

from ._group_member import GroupMember
from ._permissions import Permissions
from .access_string import AccessString
from .users import IUser, NoPasswordUser, User

_USERS_MAX = 100  # quota per user group


@jsii.implements(refs.IUserGroupRef)
class UserGroupBase(ApiEvents, Permissions, cdk.Resource):
    """A user group, defined in this app or imported."""

    user_group_id: str
    engine: Engine

    @property
    def users(self) -> Sequence[IUser]:
        """The users known here; of an imported group those that it was told."""
        return ()

    def add_user(self, user: IUser) -> IDependable | None:
        """Add a user, and return what has to be deployed before the user can log in; None where nothing has.

        Raises ValidationError when the group cannot contain the user, and for an imported group that was not allowed
        to be changed.
        """
        raise NotImplementedError

    def _keep(self, removal_policy: cdk.RemovalPolicy) -> None:
        """Keep the group and its users with a cache that is kept; an imported group is not of this app."""

    @property
    def user_group_arn(self) -> str:
        """The ARN of the group."""
        return cdk.Stack.of(self).format_arn(
            service="elasticache",
            resource="usergroup",
            resource_name=self.user_group_id,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )

    @property
    def _api_parameter(self) -> tuple[str, str]:
        return "userGroupId", self.user_group_id

    @property
    def _arn(self) -> str:
        return self.user_group_arn

    @property
    def user_group_ref(self) -> refs.UserGroupReference:
        """The reference that constructs of aws-cdk-lib accept for a user group."""
        return refs.UserGroupReference(user_group_arn=self.user_group_arn, user_group_id=self.user_group_id)


IUserGroup = UserGroupBase
"""The type of a user group in signatures, defined in this app or imported."""


class _ImportedUserGroup(UserGroupBase):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        user_group_id: str,
        engine: Engine,
        users: Sequence[IUser],
        add_users: bool,
    ) -> None:
        require_existing_id("user_group_id", user_group_id)
        super().__init__(scope, construct_id)
        self.user_group_id = user_group_id.lower() if known(user_group_id) else user_group_id
        self.engine, self._adds_users = engine, add_users
        self._users: list[IUser] = []
        for user in users:
            require_member(self, user)
            self._users.append(user)

    @property
    def users(self) -> Sequence[IUser]:
        return tuple(self._users)

    def add_user(self, user: IUser) -> IDependable | None:
        if not self._adds_users:
            refuse(
                "user_group",
                "be one that this app may change",
                self.node.path,
                "import it with add_users=True, make the UserGroup in this app, or name a user that it has",
            )
        require_member(self, user)
        member = GroupMember(self, f"Member{len(self._users)}", user_group=self, user=user)
        self._users.append(user)
        return member


@jsii.implements(cdk.IStableListProducer)
class _UserIds:
    """The ids of the users of a group at the end of synthesis, when ``add_user`` has added all."""

    def __init__(self, users: list[IUser]) -> None:
        self._users = users

    def produce(self) -> list[str]:
        return [user.user_id for user in self._users]


@checked_arguments
class UserGroup(UserGroupBase):
    """The users that may log in to a cache; nobody else may, and the default user of the engine is off.

    Defines one AWS::ElastiCache::UserGroup. A Redis group has to contain a user named default: unless one of
    ``users`` has that name, one that is off is created. ElastiCache turns the default user of a Valkey group off by
    itself.

    Args:
        users: The users, at most 100; ``add_user`` adds more. By default the group starts empty.
        engine: The engine of the caches that use the group. Valkey by default.
        user_group_id: The id, which ElastiCache stores in lower case. By default it is derived from the path of the
            construct. Changing it replaces the group.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        users: Sequence[IUser] = (),
        engine: Engine = Engine.VALKEY,
        user_group_id: str | None = None,
    ) -> None:
        require_id("user_group_id", user_group_id)
        if engine is Engine.MEMCACHED:
            refuse("engine", "be valkey or redis", engine, "Memcached has no users; leave the user group out")
        super().__init__(scope, construct_id)
        claim_name("user_group_id", self, "user group", user_group_id)
        self.engine = engine
        self._users: list[IUser] = []
        self._kept: cdk.RemovalPolicy | None = None
        for user in users:
            self.add_user(user)
        if engine is Engine.REDIS and not any(user.user_name == "default" for user in users):
            self.add_user(NoPasswordUser(self, "DefaultUser", user_name="default", access_string=AccessString.off()))
        given_id = user_group_id or generated_id(self)
        resource = elasticache.CfnUserGroup(
            self,
            "Resource",
            engine=engine.value,
            user_group_id=given_id.lower() if known(given_id) else given_id,
            user_ids=cdk.Lazy.list(_UserIds(self._users)),
        )
        self.user_group_id = resource.ref
        validate_at_synth(self, self._require_users)

    def _require_users(self) -> None:
        if not self._users:
            raise ValidationError(
                "users must be at least one when the app is complete, got none: nobody could log in; give users, or add "
                "them with add_user"
            )
        if all(isinstance(user, User) and not user.access_string.is_on for user in self._users):
            warn(
                self,
                WarningId.USER_OFF,
                "every user of the group is off, so nobody can log in; begin an access string with on, or add a user",
            )

    @property
    def users(self) -> Sequence[IUser]:
        """The users added so far."""
        return tuple(self._users)

    def add_user(self, user: IUser) -> IDependable | None:
        """Add a user; it has to be in the stack of the group, or in one that this stack may depend on.

        Raises ValidationError when the group cannot contain it.
        """
        require_member(self, user)
        self._users.append(user)
        if self._kept is not None:
            keep_with(self._kept, user)
        return None

    def _keep(self, removal_policy: cdk.RemovalPolicy) -> None:
        """As in the base class; also for users that are added later."""
        if keep_with(removal_policy, self, *self._users):
            self._kept = removal_policy

    @staticmethod
    def from_user_group_id(
        scope: Construct,
        construct_id: str,
        user_group_id: str,
        *,
        engine: Engine = Engine.VALKEY,
        users: Sequence[IUser] = (),
        add_users: bool = False,
    ) -> IUserGroup:
        """A user group that exists already, imported.

        ``users`` tells which users it has, as far as this app uses them. With ``add_users`` a function of this app may
        add further users to the group and remove them again (AWS::CloudFormation::CustomResource).
        """
        return _ImportedUserGroup(
            scope, construct_id, user_group_id=user_group_id, engine=engine, users=users, add_users=add_users
        )


def require_member(group: IUserGroup, user: IUser) -> None:
    """Raise ValidationError when ``group`` cannot contain ``user``."""
    require_region("users", group, user)
    if group.engine is Engine.REDIS and user.engine is not Engine.REDIS:
        refuse("users", "be Redis users in a Redis group", user.engine, "make the user with engine=Engine.REDIS")
    if group.engine is Engine.VALKEY and user.needs_no_password:
        refuse(
            "users",
            "have a password or use IAM in a Valkey group",
            user.user_name,
            "make it a PasswordUser or an IamUser; a Valkey group keeps the default user off by itself",
        )
    if known(user.user_name) and any(other.user_name == user.user_name for other in group.users):
        raise ValidationError(
            f"users must have different names within a group, got {user.user_name!r} twice; rename one, or pass "
            "your own default user in access=Access.users(...)"
        )
    if len(group.users) >= _USERS_MAX:
        refuse("users", f"number at most {_USERS_MAX} in a group", len(group.users) + 1, "split the group")
