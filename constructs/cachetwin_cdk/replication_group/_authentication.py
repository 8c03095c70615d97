"""How clients log in to a replication group: as users, with an AUTH token, or without authentication."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from constructs import Construct

from cachetwin_cdk.access.auth_token import AuthToken
from cachetwin_cdk.access.user_group import IUserGroup, create_user_group
from cachetwin_cdk.access.users import IUser, PasswordUser
from cachetwin_cdk.checks._validate import ValidationError, WarningId, require_at_most_one, validate_at_synth, warn
from cachetwin_cdk.compliance import Compliance
from cachetwin_cdk.engine.engine_version import EngineVersion

from . import _rules as rules


@dataclass(frozen=True)
class Authentication:
    """The arguments about authentication, checked together."""

    users: Sequence[IUser] | None
    user_group: IUserGroup | None
    auth_token: AuthToken | None
    allow_unauthenticated: bool

    @property
    def has_users(self) -> bool:
        """Whether clients log in as users."""
        return not self.allow_unauthenticated and self.auth_token is None

    def validate(self) -> None:
        """Raise ValidationError unless exactly one way to authenticate was chosen."""
        require_at_most_one(user_group=(self.user_group, "users", self.users))
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

    def create_group(
        self, scope: Construct, engine_version: EngineVersion, compliance: Compliance
    ) -> tuple[IUserGroup | None, PasswordUser | None]:
        """The user group and the user created for it; None for what this cache does not have."""
        if self.allow_unauthenticated:
            warn(
                scope,
                WarningId.UNAUTHENTICATED,
                "allow_unauthenticated lets anybody who reaches the cache read, change and delete everything in it; "
                "give it users, or acknowledge this warning where its network is guard enough",
            )
        if not self.has_users:
            return None, None
        with_iam = compliance.needs_iam(engine_version)
        group, user = create_user_group(scope, engine_version, self.user_group, self.users, with_iam=with_iam)
        rules.require_users(engine_version, group)
        # Users may be added to the group later.
        validate_at_synth(scope, lambda: rules.require_users(engine_version, group))
        return group, user

    def render(self) -> dict[str, Any]:
        """The properties of CfnReplicationGroup."""
        return {"auth_token": self.auth_token.render() if self.auth_token is not None else None}
