"""The answers of the two kinds of API that no function gives: HTTP APIs and REST APIs word them differently.

Source: "Gateway response types for API Gateway" for REST APIs; for HTTP APIs the service's own answers.
"""

import json
from dataclasses import dataclass
from typing import Final, Literal

from cachetwin_local.supervise.http.server import HttpResponse

__all__ = ["Dialect", "Failure", "dialect_of", "message"]

Failure = Literal[
    "no stage",
    "no route",
    "throttled",
    "too large",
    "denied",
    "unauthorized",
    "no key",
    "failed",
    "busy",
    "late",
    "broken",
]
"""Why a function does not answer. ``busy`` is a function that is throttled, ``late`` one that takes too long."""


def message(status: int, text: str) -> HttpResponse:
    """An answer in JSON with this message."""
    return HttpResponse(status, (("Content-Type", "application/json"),), json.dumps({"message": text}).encode())


@dataclass(frozen=True, slots=True)
class Dialect:
    """The answers of one kind of API."""

    answers: dict[Failure, tuple[int, str]]

    def answer(self, failure: Failure) -> HttpResponse:
        """The answer to a failure."""
        return message(*self.answers[failure])


_HTTP: Final = Dialect(
    {
        "no stage": (404, "Not Found"),
        "no route": (404, "Not Found"),
        "throttled": (429, "Too Many Requests"),
        "too large": (413, "Request Entity Too Large"),
        "denied": (403, "Forbidden"),
        "unauthorized": (401, "Unauthorized"),
        "no key": (403, "Forbidden"),
        "failed": (500, "Internal Server Error"),
        "busy": (503, "Service Unavailable"),
        "late": (503, "Service Unavailable"),
        "broken": (500, "Internal Server Error"),
    }
)
_REST: Final = Dialect(
    {
        "no stage": (403, "Forbidden"),
        "no route": (403, "Missing Authentication Token"),
        "throttled": (429, "Too Many Requests"),
        "too large": (413, "HTTP content length exceeded 10485760 bytes."),
        "denied": (403, "User is not authorized to access this resource"),
        "unauthorized": (401, "Unauthorized"),
        "no key": (403, "Forbidden"),
        "failed": (502, "Internal server error"),
        "busy": (500, "Internal server error"),
        "late": (504, "Endpoint request timed out"),
        "broken": (500, "Internal server error"),
    }
)


def dialect_of(kind: Literal["HTTP", "REST"]) -> Dialect:
    """The answers of a kind of API."""
    return _REST if kind == "REST" else _HTTP
