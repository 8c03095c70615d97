"""The one connection of a function's instance: made once, kept between invocations, made again when it broke."""

from typing import Any, Final

from valkey import Valkey
from valkey.backoff import NoBackoff
from valkey.exceptions import ConnectionError as CacheConnectionError
from valkey.exceptions import TimeoutError as CacheTimeoutError
from valkey.retry import Retry

from .iam_token import IamToken, sign
from .settings import Settings

CONNECT_TIMEOUT_S: Final = 2.0  # TCP, TLS and AUTH, paid once per instance
OPERATION_TIMEOUT_S: Final = 1.0  # a cache answers in about a millisecond; past this something is wrong


def connect(settings: Settings) -> Valkey:
    """A client that logs in with IAM tokens. It connects with its first command, not here.

    Lambda freezes an instance between invocations, so its connection may be dead when the next one comes: a broken
    connection is replaced once, silently.
    """
    options: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "credential_provider": credentials(settings),
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": OPERATION_TIMEOUT_S,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 1, (CacheConnectionError, CacheTimeoutError)),
        "retry_on_error": [CacheConnectionError, CacheTimeoutError],
    }
    if settings.tls:
        # The platform's trust store, or SSL_CERT_FILE; valkey-py leaves the host name unchecked unless told.
        options |= {"ssl": True, "ssl_cert_reqs": "required", "ssl_check_hostname": True}
    return Valkey(**options)


def credentials(settings: Settings) -> IamToken:
    """Tokens that the function's role signs for the cache and the user of the settings."""
    from botocore.session import Session  # type: ignore[import-untyped]  # noqa: PLC0415  (slow: tests do without)

    session = Session()

    def new_token() -> str:
        found = session.get_credentials()
        if found is None:
            raise CacheConnectionError("no AWS credentials to sign a token with; give the function a role")
        return sign(
            found,
            cache_name=settings.cache_name,
            user=settings.user,
            region=settings.region,
            serverless=settings.kind == "serverless",
        )

    return IamToken(settings.user, new_token)
