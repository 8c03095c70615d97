"""IAM tokens in place of passwords, as RDS takes them for users with the role `rds_iam`.

A token is a presigned request without its scheme (``rds generate-db-auth-token``): the endpoint, the action ``connect``
and the user of the database, signed for the service ``rds-db``. It is valid for 15 minutes. The policies of the role that
signed it have to allow ``rds-db:connect`` on the user's ARN. Source: "IAM database authentication", RDS user guide. Pure:
the time comes from outside.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl

from cachetwin_local.supervise.api.authorization.signature import (
    Caller,
    InvalidSignature,
    read_signature,
    signed_by,
)
from cachetwin_local.supervise.http.message import Field
from cachetwin_local.supervise.http.server import HttpRequest

__all__ = ["RefusedToken", "TokenLogins"]

_ACTION: Final = "rds-db:connect"
_VALID_S_MAX: Final = 900


class RefusedToken(Exception):
    """A token that does not log in; the message says why."""


@dataclass(frozen=True, slots=True)
class TokenLogins:
    """What tokens for one database are checked against.

    `hosts` are its endpoints as ``name:port``, and `resource` is the ARN of its users without their name. `known` is what
    conditions of policies can ask for besides the time, and `ahead_ms` how far its clock is ahead of this machine's.
    """

    hosts: frozenset[str]
    region: str
    resource: str
    callers: tuple[Caller, ...] = ()
    known: Mapping[str, str] = field(default_factory=dict)
    ahead_ms: int = 0

    def check(self, user: str, token: str, machine_s: float) -> str:
        """The name of the service or function that logs in as `user`. Raises RefusedToken."""
        host, slash, rest = token.partition("/")
        if not slash or not rest.startswith("?"):
            raise RefusedToken("the password is no token")
        if host.lower() not in self.hosts:
            raise RefusedToken(f"the token must be for {' or '.join(sorted(self.hosts))}, got {host}")
        request = HttpRequest("GET", f"/{rest}", (Field(b"host", host.encode(), b""),), b"", "")
        said = dict(parse_qsl(request.query, keep_blank_values=True))
        if (said.get("Action"), said.get("DBUser")) != ("connect", user):
            raise RefusedToken(f"the token must be for the user {user}, got {said.get('DBUser', 'none')}")
        try:
            if (read_signature(request).expires_s or 0) > _VALID_S_MAX:
                raise RefusedToken(f"a token is valid for at most {_VALID_S_MAX} s")
            now_s = machine_s + self.ahead_ms / 1000
            principal, _credentials = signed_by(request, self.callers, self.region, "rds-db", now_s)
        except InvalidSignature as error:
            raise RefusedToken(str(error)) from None
        times = {
            "aws:CurrentTime": datetime.fromtimestamp(now_s, UTC).isoformat(),
            "aws:EpochTime": str(int(now_s)),
        }
        decision = principal.may(_ACTION, f"{self.resource}/{user}", {**self.known, **times})
        if not decision.allowed:
            raise RefusedToken(
                f"{principal.name} with the role {principal.role_arn.rpartition('/')[2]}: {decision.reason}"
            )
        return principal.name
