"""Who may log in to the nodes of one cache: users with their passwords, the AUTH token, and what IAM tokens need.

The service accepts two passwords of a user, or two AUTH tokens, at most. A rotation makes a new one and keeps the one
before; SET ends the earlier one.
"""

from collections.abc import Iterable
from typing import Literal

from cachetwin_local.errors import UserError
from cachetwin_local.identity.directory import Principal
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import CacheUser, ReplicationGroup, Text, secrets_in

__all__ = ["Logins"]

CONNECT = "elasticache:Connect"
PASSWORDS_MAX = 2

Document = dict[str, object]


class Logins:
    """The logins of the cache `group`, as they are now."""

    def __init__(self, run_context: RunContext, group: ReplicationGroup) -> None:
        self._run_context = run_context
        self._group = group
        self._earlier_token: Text | None = None
        self._token_is_off = False

    def change_to(self, group: ReplicationGroup) -> None:
        """Take over the users and the AUTH token of `group`; the token before stays valid, as ROTATE has it."""
        if group.auth_token != self._group.auth_token:
            self._earlier_token = self._group.auth_token
            self._token_is_off = False
        self._group = group

    def end_earlier(self, strategy: Literal["set", "delete"]) -> None:
        """Accept the present AUTH token only, or (delete) let everybody in. Raises UserError where there is none."""
        if self._group.auth_token is None:
            raise UserError(f"{self._group.identity.key} has no AUTH token")
        self._earlier_token = None
        self._token_is_off = strategy == "delete"

    def secrets(self) -> set[str]:
        """The ARNs of the secrets that hold passwords or the token."""
        texts = [password for user in self._group.users for password in user.passwords]
        texts += [self._group.auth_token or ""]
        return {reference.secret_arn for text in texts for reference in secrets_in(text)}

    def secrets_of(self, user: str) -> set[str]:
        """The ARNs of the secrets that hold the passwords of the user of this id or name."""
        texts = [text for one in self._group.users if user in {one.user_id, one.user_name} for text in one.passwords]
        return {reference.secret_arn for text in texts for reference in secrets_in(text)}

    @property
    def uses_token(self) -> bool:
        """Whether an AUTH token is what logs in."""
        return self._group.auth_token is not None

    def users(self) -> list[Document]:
        """The users as the engine gets them; without a user group, the default user alone."""
        if self._group.users:
            return [_user(user, self._passwords(user.passwords)) for user in self._group.users]
        token = self._group.auth_token
        if token is None or self._token_is_off:
            return [_user(CacheUser("default", "default", "on ~* &* +@all", "no-password-required"), [])]
        earlier = () if self._earlier_token is None else (self._earlier_token,)
        return [
            _user(CacheUser("default", "default", "on ~* &* +@all", "password"), self._passwords((token, *earlier)))
        ]

    def iam(self) -> Document | None:
        """What tokens are checked against; None for a cache without users that log in with one."""
        users = [user for user in self._group.users if user.authentication_type == "iam"]
        if not users:
            return None
        identity = self._group.identity
        return {
            "cache": identity.physical_name,
            "serverless": self._group.cluster_mode == "serverless",
            "region": identity.region,
            "keys": [
                {
                    "access_key_id": credentials.access_key_id,
                    "secret_access_key": credentials.secret_access_key,
                    "session_token": credentials.session_token,
                    "users": {user.user_name: self._refusal(principal, user) for user in users},
                }
                for principal, credentials in self._run_context.identities.all()
            ],
        }

    def _refusal(self, principal: Principal, user: CacheUser) -> str:
        """Why a principal may not connect as `user`; empty if it may."""
        cache_arn = self._group.identity.arn
        prefix = cache_arn.rsplit(":", 2)[0]
        for arn in (cache_arn, f"{prefix}:user:{user.user_id}"):
            decision = principal.may(CONNECT, arn, self._request(arn))
            if not decision.allowed:
                return f"{principal.name} with the role {principal.role_arn.rpartition('/')[2]}: {decision.reason}"
        return ""

    def _request(self, arn: str) -> dict[str, str]:
        """What is known of a request to connect."""
        clock = self._run_context.clock
        tags = self._run_context.tags.get(arn, {})
        return {
            "aws:CurrentTime": clock.now().isoformat(),
            "aws:EpochTime": str(clock.now_ms() // 1000),
            "aws:SecureTransport": "true",
            "aws:RequestedRegion": self._group.identity.region,
            **{f"aws:ResourceTag/{name}": value for name, value in tags.items()},
        }

    def _passwords(self, texts: Iterable[Text]) -> list[str]:
        """The passwords now, then those that a rotation has replaced."""
        secrets = self._run_context.secrets
        listed = list(texts)
        earlier = [text for each in listed if (text := secrets.earlier_text(each)) is not None]
        return [*(secrets.text(each) for each in listed), *earlier][:PASSWORDS_MAX]


def _user(user: CacheUser, passwords: list[str]) -> Document:
    return {
        "user_name": user.user_name,
        "access_string": user.access_string,
        "authentication": user.authentication_type,
        "passwords": passwords,
    }
