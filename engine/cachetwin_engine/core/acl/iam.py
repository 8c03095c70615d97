"""Tokens of IAM users: a presigned request takes the place of the password.

The token is the URL of a GET request for ``elasticache:Connect`` without its scheme, signed with Signature Version 4 in the
query::

    cache/?Action=connect&User=app&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=...&X-Amz-Signature=...

The host is the name of the replication group or serverless cache; a serverless cache has ``ResourceType=ServerlessCache``
as well. What it takes to check one comes from outside: the keys of those who may sign, and for each of them why a user is
refused to it, which policies decide. So the check needs nobody else, and a client never waits for an answer.

Sources: user guide, "Authenticating with IAM"; IAM user guide, "Create a signed AWS API request".
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

TOKEN_LIFE_S: Final = 900
"""The longest life of a token (user guide)."""
LOGIN_LIFE_MS: Final = 12 * 3600 * 1000
"""After so long the service ends a connection that has not sent AUTH or HELLO again (user guide)."""
CLOCK_SKEW_MS: Final = 5 * 60 * 1000
"""How far a signature may be dated ahead (Signature Version 4)."""

SHOWN_BYTES_MAX: Final = 64

_SIGNS: Final = frozenset(b"&=%")
_ALGORITHM: Final = b"AWS4-HMAC-SHA256"
_SERVICE: Final = b"elasticache"
_NO_BODY: Final = hashlib.sha256(b"").hexdigest().encode()
_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_DATE_LENGTH: Final = 16  # 20261128T170000Z
_SCOPE_PARTS: Final = 5  # key, day, region, service, aws4_request


class IamKey:
    """Credentials that a service or function signs with.

    ``refusals`` has an entry for each IAM user: why this key may not log in as that user, empty if it may.
    """

    def __init__(self, secret_access_key: bytes, session_token: bytes, refusals: dict[bytes, bytes]) -> None:
        self.secret_access_key = secret_access_key
        self.session_token = session_token
        self.refusals = refusals


class IamAccess:
    """What the tokens for one cache are checked against. ``keys`` are by access key id."""

    def __init__(self, cache_name: bytes, is_serverless: bool, region: bytes, keys: dict[bytes, IamKey]) -> None:
        self.cache_name = cache_name
        self.is_serverless = is_serverless
        self.region = region
        self.keys = keys

    def refusal(self, user: bytes, token: bytes, now_ms: int, from_machine_ms: Callable[[int], int]) -> bytes:
        """Why ``token`` does not log ``user`` in, in words for the log; empty if it does.

        Whoever signs reads the machine's clock, so the date of a signature is that clock's; ``from_machine_ms`` makes it
        one of the clock that ``now_ms`` is of.
        """
        host, slash, query = token.partition(b"/?")
        if not slash:
            return b"the password is no presigned request"
        fields = _fields(query)
        reason = self._wrong_request(host, fields, user)
        if reason:
            return reason
        scope = fields.get(b"X-Amz-Credential", b"").split(b"/")
        if len(scope) != _SCOPE_PARTS:
            return b"X-Amz-Credential must have five parts"
        reason = self._wrong_scope(scope, fields) or _wrong_time(fields, now_ms, from_machine_ms)
        if reason:
            return reason
        key = self.keys.get(scope[0])
        if key is None:
            return b"nobody here has the access key " + _shown(scope[0])
        if fields.get(b"X-Amz-Security-Token", b"") != key.session_token:
            return b"the session token is not that of the access key " + _shown(scope[0])
        expected = _signature(key.secret_access_key, scope, host, fields)
        if not hmac.compare_digest(expected, fields.get(b"X-Amz-Signature", b"")):
            return b"the signature is wrong"
        return key.refusals.get(user, b"the user has no IAM authentication")

    def _wrong_request(self, host: bytes, fields: dict[bytes, bytes], user: bytes) -> bytes:
        """What is not as the request for this cache and user has to be."""
        if fields.get(b"Action") != b"connect":
            return b"Action must be connect, got " + _shown(fields.get(b"Action", b"none"))
        if host != self.cache_name:
            return b"the token is for the cache " + _shown(host) + b", and this is " + self.cache_name
        if fields.get(b"User", b"").lower() != user.lower():
            return b"the token is for the user " + _shown(fields.get(b"User", b""))
        kind = fields.get(b"ResourceType", b"")
        if self.is_serverless and kind != b"ServerlessCache":
            return b"ResourceType must be ServerlessCache for a serverless cache, got " + _shown(kind or b"none")
        if not self.is_serverless and kind:
            return b"ResourceType belongs to the token for a serverless cache, got " + _shown(kind)
        if fields.get(b"X-Amz-Algorithm") != _ALGORITHM:
            return b"X-Amz-Algorithm must be AWS4-HMAC-SHA256"
        if fields.get(b"X-Amz-SignedHeaders") != b"host":
            return b"X-Amz-SignedHeaders must be host, got " + _shown(fields.get(b"X-Amz-SignedHeaders", b"none"))
        return b""

    def _wrong_scope(self, scope: list[bytes], fields: dict[bytes, bytes]) -> bytes:
        if scope[1] != fields.get(b"X-Amz-Date", b"")[:8]:
            return b"the day of X-Amz-Credential is not that of X-Amz-Date"
        if scope[2] != self.region:
            return b"the token is signed for the region " + _shown(scope[2]) + b", and this is " + self.region
        if scope[3] != _SERVICE or scope[4] != b"aws4_request":
            return b"the token is signed for the service " + _shown(scope[3])
        return b""


def _shown(value: bytes) -> bytes:
    """A part of a token for the log; not one in which more of the token may hide."""
    return value if len(value) <= SHOWN_BYTES_MAX and not _SIGNS.intersection(value) else b"something else"


def _wrong_time(fields: dict[bytes, bytes], now_ms: int, from_machine_ms: Callable[[int], int]) -> bytes:
    signed_ms = _milliseconds(fields.get(b"X-Amz-Date", b""))
    if signed_ms < 0:
        return b"X-Amz-Date must be a time such as 20261128T170000Z"
    signed_ms = from_machine_ms(signed_ms)
    life = fields.get(b"X-Amz-Expires", b"")
    if not life.isdigit() or len(life) > 9 or not 0 < int(life) <= TOKEN_LIFE_S:
        return b"X-Amz-Expires must be between 1 and 900, got " + _shown(life or b"none")
    if signed_ms > now_ms + CLOCK_SKEW_MS:
        return b"the token is dated in the future"
    age_s = (now_ms - signed_ms) // 1000
    if age_s > int(life):
        return b"the token is %d seconds old, and was valid for %d" % (age_s, int(life))
    return b""


def _signature(secret: bytes, scope: list[bytes], host: bytes, fields: dict[bytes, bytes]) -> bytes:
    """The signature that the request has to have, in lower-case hex."""
    pairs = sorted([(_encoded(name), _encoded(value)) for name, value in fields.items() if name != b"X-Amz-Signature"])
    query = b"&".join([name + b"=" + value for name, value in pairs])
    request = b"\n".join([b"GET", b"/", query, b"host:" + host, b"", b"host", _NO_BODY])
    named = b"/".join(scope[1:])
    digest = hashlib.sha256(request).hexdigest().encode()
    text = b"\n".join([_ALGORITHM, fields[b"X-Amz-Date"], named, digest])
    key = b"AWS4" + secret
    for part in scope[1:]:
        key = hmac.digest(key, part, "sha256")
    return hmac.digest(key, text, "sha256").hex().encode()


def _fields(query: bytes) -> dict[bytes, bytes]:
    """The parameters of a query. One that is given twice, which nobody signs, counts as none."""
    found: dict[bytes, bytes] = {}
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        name = _decoded(name)
        found[name] = b"" if name in found else _decoded(value)
    return found


def _decoded(text: bytes) -> bytes:
    """``text`` without percent encoding; what is no code stays."""
    first, *rest = text.split(b"%")
    parts = [first]
    for part in rest:
        try:
            parts.append(bytes.fromhex(part[:2].decode("ascii")) + part[2:])
        except ValueError:
            parts.append(b"%" + part)
    return b"".join(parts)


def _encoded(text: bytes) -> bytes:
    return b"".join([b"%c" % byte if byte in _UNRESERVED else b"%%%02X" % byte for byte in text])


def _milliseconds(date: bytes) -> int:
    """Unix time of a date such as ``20261128T170000Z``; -1 for anything else."""
    digits = date[:8] + date[9:15]
    if len(date) != _DATE_LENGTH or date[8:9] != b"T" or date[15:] != b"Z" or not digits.isdigit():
        return -1
    year, month, day = int(date[:4]), int(date[4:6]), int(date[6:8])
    hour, minute, second = int(date[9:11]), int(date[11:13]), int(date[13:15])
    if not (year >= 1970 and 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60):
        return -1
    return (((_days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000


def _days(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a day of the Gregorian calendar, whose years are counted from March on."""
    if month <= 2:
        year -= 1
        month += 12
    leap_days = year // 4 - year // 100 + year // 400
    return 365 * year + leap_days + (153 * (month - 3) + 2) // 5 + day - 1 - 719468
