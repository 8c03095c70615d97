"""Measures job queues: how many jobs wait or are in work, how old the oldest is, how many were given up.

A worker deletes a job that it has done, so a stream's length is its backlog. The numbers are printed in CloudWatch's
embedded metric format, which becomes metrics without a call to any API; and the cache's password is an IAM token that
is signed here. So the function needs one way out, to the cache, and holds no secret. It speaks RESP by itself: a
dependency would have to be built and shipped with every app that uses the pattern.

Environment: ``CACHE_HOST``, ``CACHE_PORT``, ``CACHE_TLS``, ``CACHE_USER``, ``CACHE_NAME``, ``CACHE_KIND``;
``METRIC_NAMESPACE``; ``QUEUES``, a JSON object of each queue's name to ``[stream, dead-letter stream]``.
"""

import json
import os
import socket
import ssl
import sys
import time
from collections.abc import Mapping
from typing import Any, BinaryIO, Final

TIMEOUT_S: Final = 5.0
TOKEN_LIFETIME_S: Final = 900  # the longest that ElastiCache accepts
Reply = int | bytes | list[Any] | None


class CacheError(Exception):
    """The cache replied with an error, or with something that is not RESP."""


class Connection:
    """One connection that waits for each reply. Use as a context manager."""

    def __init__(self, host: str, port: int, *, tls: bool) -> None:
        raw = socket.create_connection((host, port), TIMEOUT_S)
        self._socket = ssl.create_default_context().wrap_socket(raw, server_hostname=host) if tls else raw
        self._replies: BinaryIO = self._socket.makefile("rb")

    def __enter__(self) -> "Connection":
        """This connection."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the connection."""
        self._replies.close()
        self._socket.close()

    def run(self, *words: str) -> Reply:
        """Send one command and return its reply. Raises CacheError for an error, OSError when the connection breaks."""
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            data = word.encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
        self._socket.sendall(b"".join(parts))
        return self._reply()

    def _reply(self) -> Reply:
        line = self._replies.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the cache closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self._replies.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self._reply() for _ in range(int(rest))]
        raise CacheError(rest.decode(errors="replace") if kind == b"-" else f"no RESP reply: {line[:40]!r}")


def handle(_event: object, _context: object) -> None:
    """What Lambda calls every minute: measure every queue once and print the metrics."""
    settings = os.environ
    queues: dict[str, list[str]] = json.loads(settings["QUEUES"])
    tls = settings["CACHE_TLS"] == "true"
    with Connection(settings["CACHE_HOST"], int(settings["CACHE_PORT"]), tls=tls) as cache:
        cache.run("AUTH", settings["CACHE_USER"], iam_token(settings))
        for name, (stream, dead_letters) in queues.items():
            now_ms = time.time_ns() // 1_000_000
            numbers = measure(cache, stream, dead_letters, now_ms)
            sys.stdout.write(
                metric_line(settings["METRIC_NAMESPACE"], settings["CACHE_NAME"], name, numbers, now_ms) + "\n"
            )


def measure(cache: Connection, stream: str, dead_letters: str, now_ms: int) -> dict[str, int]:
    """The numbers of one queue; a stream that does not exist is empty."""
    oldest = cache.run("XRANGE", stream, "-", "+", "COUNT", "1")
    age_ms = 0
    if isinstance(oldest, list) and oldest:
        added_ms = int(oldest[0][0].split(b"-")[0])  # an entry's id starts with the time it was added
        age_ms = max(0, now_ms - added_ms)
    return {
        "Backlog": _length(cache, stream),
        "OldestJobAge": age_ms // 1000,
        "DeadLetters": _length(cache, dead_letters),
    }


def _length(cache: Connection, stream: str) -> int:
    reply = cache.run("XLEN", stream)
    if not isinstance(reply, int):
        raise CacheError(f"XLEN must answer a number, got {reply!r}")
    return reply


def metric_line(namespace: str, cache: str, queue: str, numbers: Mapping[str, int], now_ms: int) -> str:
    """The numbers in the embedded metric format (docs: CloudWatch_Embedded_Metric_Format_Specification)."""
    units = {"OldestJobAge": "Seconds"}
    metrics = [{"Name": name, "Unit": units.get(name, "Count")} for name in numbers]
    directive = {"Namespace": namespace, "Dimensions": [["Cache", "Queue"]], "Metrics": metrics}
    return json.dumps(
        {"_aws": {"Timestamp": now_ms, "CloudWatchMetrics": [directive]}, "Cache": cache, "Queue": queue, **numbers}
    )


def iam_token(settings: Mapping[str, str]) -> str:
    """A password for fifteen minutes: a presigned request to connect, without its scheme (docs: auth-iam)."""
    # Lambda's runtime brings botocore; whoever measures a cache without IAM does not need it.
    from botocore.auth import SigV4QueryAuth  # type: ignore[import-untyped]  # noqa: PLC0415  (as above)
    from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # noqa: PLC0415  (as above)
    from botocore.session import Session  # type: ignore[import-untyped]  # noqa: PLC0415  (as above)

    session = Session()
    params = {"Action": "connect", "User": settings["CACHE_USER"]}
    if settings["CACHE_KIND"] == "serverless":
        params["ResourceType"] = "ServerlessCache"
    request = AWSRequest(method="GET", url=f"https://{settings['CACHE_NAME']}/", params=params)
    region = session.get_config_variable("region")
    SigV4QueryAuth(session.get_credentials(), "elasticache", region, expires=TOKEN_LIFETIME_S).add_auth(request)
    return str(request.url).removeprefix("https://")
