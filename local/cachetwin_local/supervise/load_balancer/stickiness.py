"""Stickiness: cookies of the load balancer that bring a client back to its target. Pure.

As in "Sticky sessions for your Application Load Balancer" of the user guide: a cookie lives for seven days, within which
the group's duration counts from the last response. With the cookie of an application, the client must send that one too.
The service encrypts what it says in a cookie; here it is a hash.
"""

import hashlib
from collections.abc import Iterator, Sequence
from email.utils import formatdate
from typing import Final

from cachetwin_local.supervise.http.message import Field
from cachetwin_local.supervise.load_balancer.target_connection import Place
from cachetwin_local.topology.values import TargetGroup

__all__ = ["session_cookies", "session_place"]

_COOKIE: Final = "AWSALB"
_CORS_COOKIE: Final = "AWSALBCORS"
_APP_COOKIE: Final = "AWSALBAPP-0"
_COOKIE_LIFE_S: Final = 7 * 86_400


def session_place(group: TargetGroup, places: Sequence[Place], fields: Sequence[Field], now_s: int) -> Place | None:
    """The one of `places` that the cookies of a request name; None where there is none or its time has passed."""
    sticky = group.stickiness
    if sticky is None:
        return None
    found = _cookies(fields)
    if sticky.app_cookie is not None and sticky.app_cookie not in found:
        return None
    for name in (_COOKIE, _CORS_COOKIE) if sticky.app_cookie is None else (_APP_COOKIE,):
        value = found.get(name, "")
        issued = value.partition("-")[0]
        if not issued.isdecimal() or len(issued) > 12 or not 0 <= now_s - int(issued) <= sticky.duration_s:
            continue
        at = next((place for place in places if _value(group, place, int(issued)) == value), None)
        if at is not None:
            return at
    return None


def session_cookies(
    group: TargetGroup, place: Place, request: Sequence[Field], response: Sequence[Field], now_s: int, *, secure: bool
) -> Iterator[bytes]:
    """The fields that a response of the target at `place` gets. `secure` is whether the client speaks HTTPS."""
    sticky = group.stickiness
    if sticky is None:
        return
    value = f"{_value(group, place, now_s)}; Expires={formatdate(now_s + _COOKIE_LIFE_S, usegmt=True)}; Path=/"
    if sticky.app_cookie is None:
        yield f"Set-Cookie: {_COOKIE}={value}".encode()
        yield f"Set-Cookie: {_CORS_COOKIE}={value}; SameSite=None{'; Secure' if secure else ''}".encode()
        return
    start = f"{sticky.app_cookie}=".encode()
    sets = any(one.name == b"set-cookie" and one.value.startswith(start) for one in response)
    sent = _cookies(request)
    if sets or (sticky.app_cookie in sent and _APP_COOKIE in sent):
        yield f"Set-Cookie: {_APP_COOKIE}={value}".encode()


def _value(group: TargetGroup, place: Place, issued_s: int) -> str:
    text = f"{group.identity.arn} {place[0]}:{place[1]} {issued_s}"
    return f"{issued_s}-{hashlib.sha256(text.encode()).hexdigest()}"


def _cookies(fields: Sequence[Field]) -> dict[str, str]:
    text = ";".join(one.value.decode("latin-1") for one in fields if one.name == b"cookie")
    pairs = (part.strip().partition("=") for part in text.split(";"))
    return {name: value for name, _equals, value in pairs}
