"""How clients log in to a cache: as users, with an AUTH token, or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass

from cachetwin_cdk.checks._types import checked_arguments, checked_function
from cachetwin_cdk.checks._validate import ValidationError

from .auth_token import AuthToken
from .user_group import IUserGroup
from .users import IUser


@checked_arguments
@dataclass(frozen=True, kw_only=True)
class Access:
    """How clients log in to a cache: made by ``users()``, ``user_group()``, ``auth_token()`` or ``unauthenticated()``.

    Args:
        given_users: The users that may log in.
        given_group: An existing user group.
        token: The AUTH token of the cache. Adding one to an existing cache, or replacing it by users, replaces the
            cache.
        is_open: Whether clients use the cache without logging in.
    """

    given_users: Sequence[IUser] | None = None
    given_group: IUserGroup | None = None
    token: AuthToken | None = None
    is_open: bool = False

    def __post_init__(self) -> None:
        ways = [self.given_users is not None, self.given_group is not None, self.token is not None, self.is_open]
        if sum(ways) != 1:
            raise ValidationError(
                f"access must name one way to log in, got {sum(ways)}; use Access.users(), Access.user_group(), "
                "Access.auth_token() or Access.unauthenticated()"
            )

    @staticmethod
    @checked_function
    def users(*users: IUser) -> "Access":
        """Clients log in as these users, whose group is made. The default user of the engine is off.

        Args:
            users: The users that may log in; more can be added to the ``user_group`` of the cache.
        """
        return Access(given_users=users)

    @staticmethod
    @checked_function
    def user_group(user_group: IUserGroup) -> "Access":
        """Clients log in as the users of a group that exists.

        Args:
            user_group: The group.
        """
        return Access(given_group=user_group)

    @staticmethod
    @checked_function
    def auth_token(token: AuthToken) -> "Access":
        """Clients log in with one password, for those that support no user names and for Redis before 6.0.

        Adding a token to an existing cache, or replacing a token by users, replaces the cache. For ``ReplicationGroup``
        only.

        Args:
            token: The token.
        """
        return Access(token=token)

    @staticmethod
    @checked_function
    def unauthenticated() -> "Access":
        """Whoever reaches the cache may use it. Warned of."""
        return Access(is_open=True)

    @property
    def names_users(self) -> bool:
        """Whether clients log in as users."""
        return self.given_users is not None or self.given_group is not None
