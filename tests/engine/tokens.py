"""Tokens as AWS's documentation makes them: presigned by botocore."""

from datetime import UTC, datetime
from unittest import mock
from urllib.parse import urlencode

import botocore.session  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from botocore.model import ServiceId  # type: ignore[import-untyped]
from botocore.signers import RequestSigner  # type: ignore[import-untyped]

KEY, SECRET, SESSION = "ASIAEXAMPLEEXAMPLE22", "secret/of+the/key", "session+token/=="
REGION = "us-east-1"


def presigned(
    cache: str,
    user: str,
    *,
    now_ms: int,
    serverless: bool = False,
    expires_s: int = 900,
    region: str = REGION,
    service: str = "elasticache",
    credentials: tuple[str, str, str] = (KEY, SECRET, SESSION),
    action: str = "connect",
) -> str:
    """The token: what the user guide's example for Python makes, at another time than now."""
    session = botocore.session.get_session()
    signer = RequestSigner(
        ServiceId(service), region, service, "v4", Credentials(*credentials), session.get_component("event_emitter")
    )
    query = {"Action": action, "User": user} | ({"ResourceType": "ServerlessCache"} if serverless else {})
    request = {"method": "GET", "url": f"https://{cache}/?{urlencode(query)}", "body": {}, "headers": {}, "context": {}}
    moment = datetime.fromtimestamp(now_ms / 1000, UTC).replace(tzinfo=None)
    with mock.patch("botocore.auth.get_current_datetime", return_value=moment):
        url: str = signer.generate_presigned_url(
            request, operation_name=action, expires_in=expires_s, region_name=region
        )
    return url.removeprefix("https://")
