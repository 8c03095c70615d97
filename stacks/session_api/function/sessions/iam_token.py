"""The cache's password: a token that the function's role signs, good for fifteen minutes.

A token is a presigned request to ``connect`` as a user, without its scheme (docs: ElastiCache, auth-iam). Signing needs
no network. The connection stays open when the token expires, for up to twelve hours; a new connection gets a new token
when the last one is nearly spent.
"""

import time
from collections.abc import Callable

from botocore.auth import SigV4QueryAuth  # type: ignore[import-untyped]  # it ships no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # as above
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # as above
from valkey.credentials import CredentialProvider

TOKEN_LIFETIME_S = 900  # the longest that ElastiCache accepts
_SPARE_S = 60  # a token is not handed out for its last minute: logging in takes time, and clocks differ


def sign(credentials: Credentials, *, cache_name: str, user: str, region: str, serverless: bool) -> str:
    """A token to log in to the cache as ``user``. ElastiCache keeps both names in lower case and compares them so."""
    params = {"Action": "connect", "User": user.lower()}
    if serverless:
        params["ResourceType"] = "ServerlessCache"
    request = AWSRequest(method="GET", url=f"https://{cache_name.lower()}/", params=params)
    SigV4QueryAuth(credentials, "elasticache", region, expires=TOKEN_LIFETIME_S).add_auth(request)
    return str(request.url).removeprefix("https://")


class IamToken(CredentialProvider):
    """Hands a connection its user and a token that is still good; asks ``new_token`` for one when it has none."""

    def __init__(self, user: str, new_token: Callable[[], str], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._user = user
        self._new_token = new_token
        self._clock = clock
        self._token = ""
        self._good_until_s = -1.0

    def get_credentials(self) -> tuple[str, str]:
        """User and password, as valkey-py asks for them with every connection."""
        now_s = self._clock()
        if now_s >= self._good_until_s:
            self._token = self._new_token()
            self._good_until_s = now_s + TOKEN_LIFETIME_S - _SPARE_S
        return self._user, self._token
