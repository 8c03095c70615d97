"""Requests that are signed with credentials of this app: Signature Version 4 in the Authorization field.

The signature must be of the service and region, at most five minutes old, and cover the host and the body. Source: "Create
a signed AWS API request", IAM user guide. Pure: the time comes from outside.
"""

import calendar
import hashlib
import hmac
import re
import time
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl, quote

from cachetwin_local.identity.credentials import Credentials
from cachetwin_local.identity.directory import Principal
from cachetwin_local.supervise.http.server import HttpRequest

__all__ = ["Caller", "InvalidSignature", "signed_by"]

Caller = tuple[Principal, Credentials]
_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,]+)/(\d{8})/([^/,]+)/([^/,]+)/aws4_request,\s*"
    r"SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})"
)
_AGE_MAX_S: Final = 300


class InvalidSignature(Exception):
    """A request that nobody here has signed as the service asks; the message says why."""


def signed_by(request: HttpRequest, callers: Iterable[Caller], region: str, service: str, now_s: float) -> Caller:
    """Who has signed a request. Raises InvalidSignature."""
    match = _AUTHORIZATION.fullmatch(request.header("authorization") or "")
    if match is None:
        raise InvalidSignature("the request is not signed with AWS4-HMAC-SHA256")
    key_id, day, its_region, its_service, names, signature = match.groups()
    if (its_region, its_service) != (region, service):
        raise InvalidSignature(f"the signature must be for {service} in {region}, got {its_service} in {its_region}")
    caller = next((one for one in callers if one[1].access_key_id == key_id), None)
    if caller is None:
        raise InvalidSignature("the access key is of nothing that runs here")
    if request.header("x-amz-security-token") != caller[1].session_token:
        raise InvalidSignature("the session token is missing or wrong")
    moment = request.header("x-amz-date") or ""
    if not moment.startswith(day) or abs(_seconds(moment) - now_s) > _AGE_MAX_S:
        raise InvalidSignature(f"the signature must be at most {_AGE_MAX_S} s old, got {moment or 'no date'}")
    signed = names.split(";")
    if "host" not in signed:
        raise InvalidSignature("the signature must cover the host")
    scope = f"{day}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{_digest(_canonical(request, signed).encode())}"
    key = f"AWS4{caller[1].secret_access_key}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), signature):
        raise InvalidSignature("the signature is wrong")
    return caller


def _canonical(request: HttpRequest, signed: list[str]) -> str:
    pairs = sorted((_encoded(n), _encoded(v)) for n, v in parse_qsl(request.query, keep_blank_values=True))
    headers = "".join(f"{name}:{_field(request, name)}\n" for name in signed)
    return "\n".join(
        [
            request.method,
            quote(request.path, safe="/~"),  # which is encoded once already
            "&".join(f"{name}={value}" for name, value in pairs),
            headers,
            ";".join(signed),
            _digest(request.body),
        ]
    )


def _field(request: HttpRequest, name: str) -> str:
    wanted = name.encode()
    values = [f.value.decode("latin-1") for f in request.fields if f.name == wanted]
    return ",".join(re.sub(r"\s+", " ", value).strip() for value in values)


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _seconds(moment: str) -> float:
    try:
        return calendar.timegm(time.strptime(moment, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return 0.0
