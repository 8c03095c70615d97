"""What Lambda calls: HTTP in API Gateway's payload 2.0, answered from the session store.

``POST /session`` makes a session; ``GET`` reads it and counts the visit, ``PATCH`` merges JSON into its data, ``DELETE``
ends it. ``GET /`` is a page that uses them. The id comes as the cookie ``__Host-session`` or as a bearer token, never in
the path, where logs would keep it.
"""

import base64
import binascii
import json
import logging
import os
import time
from functools import cache
from typing import Any, Final

from valkey.exceptions import ValkeyError

from .connection import connect
from .instance import Instance
from .page import file_response
from .settings import Settings
from .store import DATA_SIZE_MAX, Conflict, Session, SessionStore, TooLarge

COOKIE: Final = "__Host-session"
CALLER_REQUESTS_MAX: Final = 120  # a minute, for one address
RETRY_AFTER_S: Final = 5

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)
_instance = Instance()
Event = dict[str, Any]
Response = dict[str, Any]


class InvalidRequest(Exception):
    """What the caller sent cannot be used; the message says why."""


@cache
def store() -> SessionStore:
    """The store of this instance, kept between invocations."""
    settings = Settings.from_environment(os.environ)
    return SessionStore(connect(settings), key_prefix=settings.key_prefix, ttl_s=settings.ttl_s)


def handle(event: Event, _context: object) -> Response:
    """Answer one request; a cache that is away is a 503, since without it there are no sessions."""
    file = file_response(event["requestContext"]["http"]["method"], str(event.get("rawPath")))
    if file is not None:
        return file
    try:
        response = answer(event, store(), now_s=time.time())
    except ValkeyError:
        logger.exception("the cache did not answer")
        response = _problem(503, "sessions are unavailable", {"retry-after": str(RETRY_AFTER_S)})
    return {**response, "headers": {**response.get("headers", {}), **_instance.headers()}}


def answer(event: Event, sessions: SessionStore, *, now_s: float) -> Response:
    """The response to one request at the given time, in seconds since 1970."""
    http = event["requestContext"]["http"]
    if sessions.requests(http["sourceIp"], now_s=now_s) > CALLER_REQUESTS_MAX:
        return _problem(429, f"more than {CALLER_REQUESTS_MAX} requests a minute", {"retry-after": str(RETRY_AFTER_S)})
    if event.get("rawPath") != "/session":
        return _problem(404, "there is nothing but /session")
    try:
        match http["method"]:
            case "POST":
                return _shown(sessions.create(_body(event), now_s=int(now_s)), 201)
            case "GET":
                return _found(sessions.read(_session_id(event), now_s=int(now_s)))
            case "PATCH":
                return _found(sessions.update(_session_id(event), _body(event), now_s=int(now_s)))
            case "DELETE":
                sessions.delete(_session_id(event))
                return {"statusCode": 204, "cookies": [f"{COOKIE}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"]}
            case method:
                return _problem(405, f"{method} is not for sessions", {"allow": "POST, GET, PATCH, DELETE"})
    except InvalidRequest as error:
        return _problem(400, str(error))
    except TooLarge:
        return _problem(413, f"a session holds at most {DATA_SIZE_MAX} bytes")
    except Conflict:
        return _problem(409, "others changed the session at the same time", {"retry-after": "1"})


def _session_id(event: Event) -> str:
    """The id the caller presents; "" finds no session."""
    scheme, _, token = event.get("headers", {}).get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return str(token.strip())
    for cookie in event.get("cookies", []):
        name, _, value = cookie.partition("=")
        if name == COOKIE:
            return str(value)
    return ""


def _body(event: Event) -> dict[str, Any]:
    text = event.get("body") or "{}"
    try:
        if event.get("isBase64Encoded"):
            text = base64.b64decode(text, validate=True).decode()
        value = json.loads(text)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise InvalidRequest("the body must be JSON") from error
    if not isinstance(value, dict):
        raise InvalidRequest("the body must be a JSON object")
    return value


def _found(session: Session | None) -> Response:
    return _shown(session, 200) if session is not None else _problem(404, "there is no such session, or no longer")


def _shown(session: Session, status: int) -> Response:
    content: dict[str, Any] = {
        "data": session.data,
        "visits": session.visits,
        "made_s": session.made_s,
        "expires_in_s": session.expires_in_s,
    }
    if status == 201:
        content["id"] = session.session_id
    cookie = f"{COOKIE}={session.session_id}; Max-Age={session.expires_in_s}; Path=/; Secure; HttpOnly; SameSite=Lax"
    return {**_json(status, content), "cookies": [cookie]}


def _problem(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return _json(status, {"error": message}, headers)


def _json(status: int, content: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", "cache-control": "no-store", **(headers or {})},
        "body": json.dumps(content, ensure_ascii=False, separators=(",", ":")),
    }
