"""Requests that are signed with credentials of this app: Signature Version 4, in the Authorization field or the query.

The signature must be at most five minutes old (or as old as a presigned request allows) and cover the host and the body.
S3's canonical path is the path as it came, that of other services is encoded once more; S3's clients may say that they
did not sign the body. Source: "Create a signed AWS API request", IAM user guide, and "Authenticating Requests", S3 API
reference. Pure: the time comes from outside.
"""

import calendar
import hashlib
import hmac
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal
from urllib.parse import parse_qsl, quote

from cachetwin_local.identity.credentials import Credentials
from cachetwin_local.identity.directory import Principal
from cachetwin_local.supervise.http.message import Field
from cachetwin_local.supervise.http.server import HttpRequest

__all__ = [
    "Caller",
    "InvalidSignature",
    "Signature",
    "SignatureProblem",
    "read_signature",
    "signature_fields",
    "signed_by",
    "verify",
]

Caller = tuple[Principal, Credentials]
SignatureProblem = Literal["missing", "unknown", "token", "old", "wrong"]
_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,]+)/(\d{8})/([^/,]+)/([^/,]+)/aws4_request,\s*"
    r"SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})"
)
_CREDENTIAL: Final = re.compile(r"([^/,]+)/(\d{8})/([^/,]+)/([^/,]+)/aws4_request")
_EXPIRES: Final = re.compile(r"[0-9]{1,6}")
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_AGE_MAX_S: Final = 300
_PRESIGNED_MAX_S: Final = 604_800
_S3: Final = "s3"
_SIGNED_ELSEWHERE: Final = ("UNSIGNED-PAYLOAD", "STREAMING-")


class InvalidSignature(Exception):
    """A request that nobody here has signed as the service asks; the message says why."""

    def __init__(self, problem: SignatureProblem, message: str) -> None:
        super().__init__(message)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Signature:
    """What a request says of its signature. `expires_s` is how long a presigned one may be used, else None."""

    key_id: str
    day: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    moment: str
    token: str | None
    expires_s: int | None = None


def read_signature(request: HttpRequest) -> Signature:
    """The signature of a request, not yet verified. Raises InvalidSignature when it has none."""
    match = _AUTHORIZATION.fullmatch(request.header("authorization") or "")
    if match is not None:
        key_id, day, region, service, names, signature = match.groups()
        moment, token = request.header("x-amz-date") or "", request.header("x-amz-security-token")
        return Signature(key_id, day, region, service, tuple(names.split(";")), signature, moment, token)
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    credential = _CREDENTIAL.fullmatch(query.get("X-Amz-Credential", ""))
    expires = query.get("X-Amz-Expires", "")
    if query.get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256" or credential is None or not _EXPIRES.fullmatch(expires):
        raise InvalidSignature("missing", "the request is not signed with AWS4-HMAC-SHA256")
    names, signature = query.get("X-Amz-SignedHeaders", ""), query.get("X-Amz-Signature", "")
    moment, token = query.get("X-Amz-Date", ""), query.get("X-Amz-Security-Token")
    key_id, day, region, service = credential.groups()
    return Signature(key_id, day, region, service, tuple(names.split(";")), signature, moment, token, int(expires))


def signed_by(request: HttpRequest, callers: Iterable[Caller], region: str, service: str, now_s: float) -> Caller:
    """Who has signed a request to `service`. Raises InvalidSignature."""
    found = read_signature(request)
    if (found.region, found.service) != (region, service):
        raise InvalidSignature(
            "wrong", f"the signature must be for {service} in {region}, got {found.service} in {found.region}"
        )
    return verify(request, found, callers, now_s)


def verify(request: HttpRequest, found: Signature, callers: Iterable[Caller], now_s: float) -> Caller:
    """Whose signature it is. Raises InvalidSignature."""
    caller = next((one for one in callers if one[1].access_key_id == found.key_id), None)
    if caller is None:
        raise InvalidSignature("unknown", "the access key is of nothing that runs here")
    if found.token != caller[1].session_token:
        raise InvalidSignature("token", "the session token is missing or wrong")
    _check_age(found, now_s)
    if "host" not in found.signed_headers:
        raise InvalidSignature("wrong", "the signature must cover the host")
    wanted = _signature(request, found, caller[1])
    if not _HEX.fullmatch(found.signature) or not hmac.compare_digest(wanted, found.signature):
        raise InvalidSignature("wrong", "the signature is wrong")
    return caller


def signature_fields(
    request: HttpRequest, credentials: Credentials, region: str, service: str, now_s: float
) -> tuple[Field, ...]:
    """The header fields that sign a request, which has a Host field."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s))
    added = (
        Field(b"x-amz-date", moment.encode(), b""),
        Field(b"x-amz-security-token", credentials.session_token.encode(), b""),
        Field(b"x-amz-content-sha256", _digest(request.body).encode(), b""),
    )
    whole = replace(request, fields=(*request.fields, *added))
    names = tuple(sorted({one.name.decode("latin-1") for one in whole.fields}))
    found = Signature(credentials.access_key_id, moment[:8], region, service, names, "", moment, None)
    text = (
        f"AWS4-HMAC-SHA256 Credential={found.key_id}/{_scope(found)}, SignedHeaders={';'.join(names)}, "
        f"Signature={_signature(whole, found, credentials)}"
    )
    return (*added, Field(b"authorization", text.encode(), b""))


def _signature(request: HttpRequest, found: Signature, credentials: Credentials) -> str:
    canonical = _canonical(request, found, _payload_digest(request, found))
    text = f"AWS4-HMAC-SHA256\n{found.moment}\n{_scope(found)}\n{_digest(canonical.encode())}"
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in (found.day, found.region, found.service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _scope(found: Signature) -> str:
    return f"{found.day}/{found.region}/{found.service}/aws4_request"


def _check_age(found: Signature, now_s: float) -> None:
    age_s = now_s - _seconds(found.moment)
    oldest_s = _AGE_MAX_S if found.expires_s is None else min(found.expires_s, _PRESIGNED_MAX_S)
    if not found.moment.startswith(found.day) or age_s > oldest_s or age_s < -_AGE_MAX_S:
        raise InvalidSignature(
            "old", f"the signature must be at most {oldest_s} s old, got {found.moment or 'no date'}"
        )


def _payload_digest(request: HttpRequest, found: Signature) -> str:
    """What stands for the body in the signed text."""
    said = request.header("x-amz-content-sha256") or ""
    if found.service == _S3:
        if found.expires_s is not None and not said:
            return "UNSIGNED-PAYLOAD"
        if said.startswith(_SIGNED_ELSEWHERE):
            return said
    return _digest(request.body)


def _canonical(request: HttpRequest, found: Signature, digest: str) -> str:
    given = parse_qsl(request.query, keep_blank_values=True)
    pairs = sorted((_encoded(name), _encoded(value)) for name, value in given if name != "X-Amz-Signature")
    headers = "".join(f"{name}:{_field(request, name)}\n" for name in found.signed_headers)
    # the path is encoded once already
    path = request.path if found.service == _S3 else quote(request.path, safe="/~")
    return "\n".join(
        [
            request.method,
            path,
            "&".join(f"{name}={value}" for name, value in pairs),
            headers,
            ";".join(found.signed_headers),
            digest,
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
