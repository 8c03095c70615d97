"""What tokens of IAM users are checked against, from the supervisor's request into the engine.

``{"op": "iam", "cache": "sessions", "serverless": false, "region": "us-east-1", "keys": [{"access_key_id": "ASIA...",
"secret_access_key": "...", "session_token": "...", "users": {"app": "", "admin": "no policy allows ..."}}]}``: for each
user of a key the reason why it may not log in with it, empty where it may.
"""

from typing import cast

from cachetwin_engine.core.acl.iam import IamAccess, IamKey
from cachetwin_engine.server.control import RequestError

__all__ = ["read_iam"]


def read_iam(request: dict[str, object]) -> IamAccess:
    """What the request says. Raises RequestError naming the field, never its value."""
    keys = request.get("keys")
    if not isinstance(keys, list):
        raise RequestError(f"iam: keys must be a list, got {type(keys).__name__}")
    read = dict(_key(key) for key in keys)
    serverless = request.get("serverless") is True
    return IamAccess(_text(request, "cache"), serverless, _text(request, "region"), read)


def _key(key: object) -> tuple[bytes, IamKey]:
    if not isinstance(key, dict):
        raise RequestError(f"iam: a key must be an object, got {type(key).__name__}")
    users = key.get("users")
    if not isinstance(users, dict) or not all(isinstance(value, str) for value in users.values()):
        raise RequestError("iam: users of a key must be an object of strings")
    refusals = {name.encode(): reason.encode() for name, reason in cast("dict[str, str]", users).items()}
    return _text(key, "access_key_id"), IamKey(_text(key, "secret_access_key"), _text(key, "session_token"), refusals)


def _text(fields: dict[str, object], name: str) -> bytes:
    value = fields.get(name)
    if not isinstance(value, str):
        raise RequestError(f"iam: {name} must be a str, got {type(value).__name__}")
    return value.encode()
