"""Rotates a secret and the cache that uses it, in the four steps of Secrets Manager.

A user of a user group may have two passwords. ``setSecret`` gives it the current and the new one, so both are valid while
clients change over; the next rotation removes the older one. An AUTH token is first added with the strategy ROTATE, which
keeps the current one valid; ``finishSecret`` makes the new version of the secret current and then sets the new token as the
only one. Every step may run more than once.

``testSecret`` asks the API, and then logs in to the cache over TLS with the new password, as its clients will. Without a
route to the cache it relies on the API alone and logs a warning.

Environment: ``KIND`` is ``user`` or ``token``, ``RESOURCE_ID`` the id of the user or of the replication group,
``JSON_FIELD`` the field of the secret that holds the password (empty where the secret is the password). ``CACHE_HOST``,
``CACHE_PORT`` and ``USER_NAME`` say where to log in and as which user; there is no user name with a token.
"""

import json
import logging
import os
import secrets
import socket
import ssl
import string
from typing import Any, Protocol

import boto3  # type: ignore[import-untyped]

_ALPHABET = string.ascii_letters + string.digits  # the service refuses most punctuation
_LENGTH = 64
_PENDING, _CURRENT = "AWSPENDING", "AWSCURRENT"
_CONNECT_SECONDS, _REPLY_SECONDS = 5.0, 10.0
_REPLY_BYTES_MAX = 1024  # a status or an error is a short line


def handler(event: dict[str, Any], _context: object) -> None:
    """Entry point: ``event`` holds Step, SecretId and ClientRequestToken."""
    resource_id, field = os.environ["RESOURCE_ID"], os.environ.get("JSON_FIELD", "")
    cache = boto3.client("elasticache")
    targets: dict[str, _Target] = {"user": _User(cache, resource_id), "token": _Token(cache, resource_id)}
    host, port = os.environ.get("CACHE_HOST", ""), int(os.environ.get("CACHE_PORT", "6379"))
    login = CacheLogin(host, port, os.environ.get("USER_NAME", "")) if host else None
    Rotation(boto3.client("secretsmanager"), targets[os.environ["KIND"]], field, login).run(event)


class _Target(Protocol):
    """What the password belongs to: a user, or a replication group with an AUTH token."""

    def add(self, current: str, pending: str) -> None:
        """Make both passwords valid."""

    def check(self) -> None:
        """Raise until the service reports that both are valid."""

    def keep_only(self, password: str) -> None:
        """Make the new password the only one, where the old one must not stay valid."""


class CacheLogin:
    """A login to the cache, at an address that the function's network may not lead to."""

    def __init__(self, host: str, port: int, user_name: str) -> None:
        self._host, self._port, self._user_name = host, port, user_name

    def try_password(self, password: str) -> None:
        """Log in. Raises RuntimeError when the cache refuses, and ssl.SSLError when its certificate is not valid."""
        try:
            connection = socket.create_connection((self._host, self._port), timeout=_CONNECT_SECONDS)
        except OSError as error:
            logging.getLogger(__name__).warning(
                "no route to %s:%d (%s): the new password is not tried on the cache", self._host, self._port, error
            )
            return
        with connection, ssl.create_default_context().wrap_socket(connection, server_hostname=self._host) as stream:
            stream.settimeout(_REPLY_SECONDS)
            stream.sendall(_command("AUTH", *filter(None, [self._user_name]), password))
            reply = _line(stream)
        if reply != b"+OK":
            code = reply.removeprefix(b"-").split(b" ")[0].decode("ascii", "replace")
            raise RuntimeError(f"the cache at {self._host}:{self._port} refuses the new password: {code or 'no reply'}")


def _command(*words: str) -> bytes:
    """A command in RESP: the number of its words, then each word with its length in bytes."""
    encoded = [word.encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)


def _line(connection: ssl.SSLSocket) -> bytes:
    """The first line of the reply without its line end, or what arrived of it before the connection closed."""
    received = b""
    while b"\r\n" not in received and len(received) < _REPLY_BYTES_MAX:
        chunk = connection.recv(_REPLY_BYTES_MAX)
        if not chunk:
            break
        received += chunk
    return received.split(b"\r\n")[0]


class Rotation:
    """The four steps, for one secret and the user or replication group that uses it."""

    def __init__(self, secrets_manager: Any, target: _Target, field: str, login: CacheLogin | None) -> None:  # noqa: ANN401  (boto3 has no types)
        self._secrets, self._target, self._field, self._login = secrets_manager, target, field, login

    def run(self, event: dict[str, str]) -> None:
        """Run one step. Raises ValueError when the version of the event is not staged for rotation."""
        secret, version = event["SecretId"], event["ClientRequestToken"]
        stages = self._secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
        if version not in stages:
            raise ValueError(f"version {version} is not a version of the secret")
        if _CURRENT in stages[version]:
            if event["Step"] == "finishSecret":  # the step failed after it made the version current
                self._target.keep_only(self._password(secret, VersionId=version, VersionStage=_CURRENT))
            return
        if _PENDING not in stages[version]:
            raise ValueError(f"version {version} is not staged as {_PENDING}")
        steps = {
            "createSecret": self._create,
            "setSecret": self._set,
            "testSecret": self._test,
            "finishSecret": self._finish,
        }
        steps[event["Step"]](secret, version)

    def _create(self, secret: str, version: str) -> None:
        try:
            self._secrets.get_secret_value(SecretId=secret, VersionId=version, VersionStage=_PENDING)
        except self._secrets.exceptions.ResourceNotFoundException:
            password = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
            text = password
            if self._field:
                current = self._secrets.get_secret_value(SecretId=secret, VersionStage=_CURRENT)["SecretString"]
                text = json.dumps({**json.loads(current), self._field: password})
            self._secrets.put_secret_value(
                SecretId=secret, ClientRequestToken=version, SecretString=text, VersionStages=[_PENDING]
            )

    def _set(self, secret: str, version: str) -> None:
        current = self._password(secret, VersionStage=_CURRENT)
        self._target.add(current, self._password(secret, VersionId=version, VersionStage=_PENDING))

    def _test(self, secret: str, version: str) -> None:
        self._target.check()
        if self._login is not None:
            self._login.try_password(self._password(secret, VersionId=version, VersionStage=_PENDING))

    def _finish(self, secret: str, version: str) -> None:
        stages = self._secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
        current = next(name for name, held in stages.items() if _CURRENT in held)
        password = self._password(secret, VersionId=version, VersionStage=_PENDING)
        self._target.check()
        self._secrets.update_secret_version_stage(
            SecretId=secret, VersionStage=_CURRENT, MoveToVersionId=version, RemoveFromVersionId=current
        )
        self._target.keep_only(password)

    def _password(self, secret: str, **which: str) -> str:
        text: str = self._secrets.get_secret_value(SecretId=secret, **which)["SecretString"]
        return str(json.loads(text)[self._field]) if self._field else text


class _User:
    """A user of a user group, which may have two passwords."""

    def __init__(self, cache: Any, user_id: str) -> None:  # noqa: ANN401  (boto3 has no types)
        self._cache, self._user_id = cache, user_id

    def add(self, current: str, pending: str) -> None:
        self._cache.modify_user(
            UserId=self._user_id, AuthenticationMode={"Type": "password", "Passwords": [current, pending]}
        )

    def check(self) -> None:
        """Raises RuntimeError until the user has both passwords, so that Secrets Manager tries again."""
        (user,) = self._cache.describe_users(UserId=self._user_id)["Users"]
        status, count = user["Status"], user["Authentication"].get("PasswordCount", 0)
        if status != "active" or count != 2:
            raise RuntimeError(f"user {self._user_id} is {status} with {count} passwords, not active with 2")

    def keep_only(self, password: str) -> None:
        del password  # clients may still use the other one, which the next rotation removes


class _Token:
    """The AUTH token of a replication group."""

    def __init__(self, cache: Any, group_id: str) -> None:  # noqa: ANN401  (boto3 has no types)
        self._cache, self._group_id = cache, group_id

    def add(self, current: str, pending: str) -> None:
        del current  # ROTATE keeps it valid
        self._modify(pending, "ROTATE")

    def check(self) -> None:
        """Wait until the group is available, for at most ten minutes."""
        self._cache.get_waiter("replication_group_available").wait(ReplicationGroupId=self._group_id)

    def keep_only(self, password: str) -> None:
        self._modify(password, "SET")

    def _modify(self, token: str, strategy: str) -> None:
        self._cache.modify_replication_group(
            ReplicationGroupId=self._group_id,
            AuthToken=token,
            AuthTokenUpdateStrategy=strategy,
            ApplyImmediately=True,
        )
