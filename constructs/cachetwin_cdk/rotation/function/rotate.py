"""Changes a secret and the cache that takes it, in the four steps of Secrets Manager.

Of a user both passwords are valid while clients change over: ``setSecret`` gives the user the current and the new one, and
the older of the two goes with the next rotation. An AUTH token is first added with ROTATE, which keeps the current one
valid; ``finishSecret`` makes the new one current and then, with SET, the only one. Every step may run more than once.

``testSecret`` asks the API, and then logs in to the cache over TLS with the new password, as its clients will. Where no
route leads to the cache the API's word has to do, which is logged.

``KIND`` (``user`` or ``token``) says which, ``RESOURCE_ID`` whose, ``JSON_FIELD`` where in the secret the password is;
where that is empty the secret is the password. ``CACHE_HOST``, ``CACHE_PORT`` and ``USER_NAME`` say where to log in, and
as whom; no user name with a token.
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
    takers: dict[str, _Taker] = {"user": _User(cache, resource_id), "token": _Token(cache, resource_id)}
    host, port = os.environ.get("CACHE_HOST", ""), int(os.environ.get("CACHE_PORT", "6379"))
    door = Door(host, port, os.environ.get("USER_NAME", "")) if host else None
    Rotation(boto3.client("secretsmanager"), takers[os.environ["KIND"]], field, door).run(event)


class _Taker(Protocol):
    """What takes a password: a user or a replication group."""

    def add(self, current: str, pending: str) -> None:
        """Make both valid."""

    def check(self) -> None:
        """Raise until both are."""

    def keep_only(self, password: str) -> None:
        """Make the new one the only one, where that is due."""


class Door:
    """The cache itself, at an address that may or may not be in reach."""

    def __init__(self, host: str, port: int, user_name: str) -> None:
        self._host, self._port, self._user_name = host, port, user_name

    def try_password(self, password: str) -> None:
        """Log in. Raises RuntimeError when the cache refuses, ssl.SSLError when it is not the one it should be."""
        try:
            connection = socket.create_connection((self._host, self._port), timeout=_CONNECT_SECONDS)
        except OSError as error:
            logging.getLogger(__name__).warning(
                "no route to %s:%d (%s): the new password is not tried on the cache", self._host, self._port, error
            )
            return
        with connection, ssl.create_default_context().wrap_socket(connection, server_hostname=self._host) as door:
            door.settimeout(_REPLY_SECONDS)
            door.sendall(_command("AUTH", *filter(None, [self._user_name]), password))
            reply = _line(door)
        if reply != b"+OK":
            code = reply.removeprefix(b"-").split(b" ")[0].decode("ascii", "replace")
            raise RuntimeError(f"the cache at {self._host}:{self._port} refuses the new password: {code or 'no reply'}")


def _command(*words: str) -> bytes:
    """A command as RESP writes it: the count of its words, then each with its length in bytes."""
    encoded = [word.encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)


def _line(door: ssl.SSLSocket) -> bytes:
    """The first line of the reply, without its end; what came of it when the cache hangs up."""
    received = b""
    while b"\r\n" not in received and len(received) < _REPLY_BYTES_MAX:
        chunk = door.recv(_REPLY_BYTES_MAX)
        if not chunk:
            break
        received += chunk
    return received.split(b"\r\n")[0]


class Rotation:
    """The four steps, on a secret, the thing that takes it and the cache where it counts."""

    def __init__(self, vault: Any, taker: _Taker, field: str, door: Door | None) -> None:  # noqa: ANN401  (boto3 has no types)
        self._vault, self._taker, self._field, self._door = vault, taker, field, door

    def run(self, event: dict[str, str]) -> None:
        """One step. Raises ValueError when Secrets Manager did not stage the version that the event names."""
        secret, version = event["SecretId"], event["ClientRequestToken"]
        stages = self._vault.describe_secret(SecretId=secret)["VersionIdsToStages"]
        if version not in stages:
            raise ValueError(f"version {version} is not a version of the secret")
        if _CURRENT in stages[version]:
            if event["Step"] == "finishSecret":  # again, because the last call of it failed
                self._taker.keep_only(self._password(secret, VersionId=version, VersionStage=_CURRENT))
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
            self._vault.get_secret_value(SecretId=secret, VersionId=version, VersionStage=_PENDING)
        except self._vault.exceptions.ResourceNotFoundException:
            password = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
            text = password
            if self._field:
                current = self._vault.get_secret_value(SecretId=secret, VersionStage=_CURRENT)["SecretString"]
                text = json.dumps({**json.loads(current), self._field: password})
            self._vault.put_secret_value(
                SecretId=secret, ClientRequestToken=version, SecretString=text, VersionStages=[_PENDING]
            )

    def _set(self, secret: str, version: str) -> None:
        current = self._password(secret, VersionStage=_CURRENT)
        self._taker.add(current, self._password(secret, VersionId=version, VersionStage=_PENDING))

    def _test(self, secret: str, version: str) -> None:
        self._taker.check()
        if self._door is not None:
            self._door.try_password(self._password(secret, VersionId=version, VersionStage=_PENDING))

    def _finish(self, secret: str, version: str) -> None:
        stages = self._vault.describe_secret(SecretId=secret)["VersionIdsToStages"]
        current = next(name for name, held in stages.items() if _CURRENT in held)
        password = self._password(secret, VersionId=version, VersionStage=_PENDING)
        self._taker.check()
        self._vault.update_secret_version_stage(
            SecretId=secret, VersionStage=_CURRENT, MoveToVersionId=version, RemoveFromVersionId=current
        )
        self._taker.keep_only(password)

    def _password(self, secret: str, **which: str) -> str:
        text: str = self._vault.get_secret_value(SecretId=secret, **which)["SecretString"]
        return str(json.loads(text)[self._field]) if self._field else text


class _User:
    """A user of a user group, who may have two passwords."""

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
        del password  # clients may still hold the other one: it goes with the next rotation


class _Token:
    """The AUTH token of a replication group."""

    def __init__(self, cache: Any, group_id: str) -> None:  # noqa: ANN401  (boto3 has no types)
        self._cache, self._group_id = cache, group_id

    def add(self, current: str, pending: str) -> None:
        del current  # ROTATE keeps it valid
        self._modify(pending, "ROTATE")

    def check(self) -> None:
        """Waits for the group, which takes minutes; the waiter's own error after ten."""
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
