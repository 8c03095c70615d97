"""Who may log in to a replication group: users, the holders of one token, or anybody when that is said by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import constructs
import jsii
from constructs import Construct

from cachetwin_cdk.access.auth_token import AuthToken
from cachetwin_cdk.access.user_group import IUserGroup, group_of
from cachetwin_cdk.access.users import IUser, PasswordUser
from cachetwin_cdk.checks._validate import ValidationError, require_one_source, warn
from cachetwin_cdk.compliance import Compliance
from cachetwin_cdk.engine.engine_version import EngineVersion

from . import _rules as rules


@dataclass(frozen=True)
class Access:
    """What was asked for; ``require_sound`` says whether it is one thing, ``group`` makes it."""

    users: Sequence[IUser] | None
    user_group: IUserGroup | None
    auth_token: AuthToken | None
    allow_unauthenticated: bool

    @property
    def has_users(self) -> bool:
        """Whether users guard the cache."""
        return not self.allow_unauthenticated and self.auth_token is None

    def require_sound(self) -> None:
        """Require users, an AUTH token, or neither when that is said by name."""
        require_one_source(user_group=(self.user_group, "users", self.users))
        names_users = self.users is not None or self.user_group is not None
        if self.allow_unauthenticated and names_users:
            raise ValidationError(
                "allow_unauthenticated must be False when the cache has users, got True; leave out it or the users"
            )
        if self.auth_token is not None and (names_users or self.allow_unauthenticated):
            other = "users" if names_users else "allow_unauthenticated"
            raise ValidationError(
                f"auth_token must be left out when {other} is given, got both; keep one of them, preferably users"
            )

    def group(
        self, scope: Construct, engine_version: EngineVersion, compliance: Compliance
    ) -> tuple[IUserGroup | None, PasswordUser | None]:
        """The group that guards the cache and the user made for it, where there are any."""
        if self.allow_unauthenticated:
            warn(
                scope,
                "unauthenticated",
                "allow_unauthenticated lets anybody who reaches the cache read, change and delete everything in it; "
                "give it users, or acknowledge this warning where its network is guard enough",
            )
        if not self.has_users:
            return None, None
        with_iam = compliance.needs_iam(engine_version)
        group, user = group_of(scope, engine_version.engine, self.user_group, self.users, with_iam=with_iam)
        rules.require_users(engine_version, group)
        scope.node.add_validation(LateUsers(lambda: rules.require_users(engine_version, group)))
        return group, user


@jsii.implements(constructs.IValidation)
class LateUsers:
    """Users that were added to the group after the cache was made are held to the same rules, at synth."""

    def __init__(self, require: Callable[[], None]) -> None:
        self._require = require

    def validate(self) -> list[str]:
        """What the rules say of the users as they are now."""
        try:
            self._require()
        except ValidationError as error:
            return [str(error)]
        return []
