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
    "quota",
    "bad parameters",
    "bad body",
    "bad media type",
    "failed",
    "busy",
    "late",
    "broken",
]
"""Why no integration answers. ``busy`` is a function that is throttled, ``late`` one that takes too long."""


def message(status: int, text: str) -> HttpResponse:
    """An answer in JSON with this message."""
    return HttpResponse(status, (("Content-Type", "application/json"),), json.dumps({"message": text}).encode())


@dataclass(frozen=True, slots=True)
class Dialect:
    """The answers of one kind of API: the type of a gateway response, the status and the text."""

    answers: dict[Failure, tuple[str, int, str]]

    def answer(self, failure: Failure) -> HttpResponse:
        """The answer to a failure."""
        _type, status, text = self.answers[failure]
        return message(status, text)


_HTTP: Final = Dialect(
    {
        "no stage": ("", 404, "Not Found"),
        "no route": ("", 404, "Not Found"),
        "throttled": ("", 429, "Too Many Requests"),
        "too large": ("", 413, "Request Entity Too Large"),
        "denied": ("", 403, "Forbidden"),
        "unauthorized": ("", 401, "Unauthorized"),
        "failed": ("", 500, "Internal Server Error"),
        "busy": ("", 503, "Service Unavailable"),
        "late": ("", 503, "Service Unavailable"),
        "broken": ("", 500, "Internal Server Error"),
    }
)
_REST: Final = Dialect(
    {
        "no stage": ("", 403, "Forbidden"),
        "no route": ("MISSING_AUTHENTICATION_TOKEN", 403, "Missing Authentication Token"),
        "throttled": ("THROTTLED", 429, "Too Many Requests"),
        "too large": ("REQUEST_TOO_LARGE", 413, "HTTP content length exceeded 10485760 bytes."),
        "denied": ("ACCESS_DENIED", 403, "User is not authorized to access this resource"),
        "unauthorized": ("UNAUTHORIZED", 401, "Unauthorized"),
        "no key": ("INVALID_API_KEY", 403, "Forbidden"),
        "quota": ("QUOTA_EXCEEDED", 429, "Limit Exceeded"),
        "bad parameters": ("BAD_REQUEST_PARAMETERS", 400, "Missing required request parameters"),
        "bad body": ("BAD_REQUEST_BODY", 400, "Invalid request body"),
        "bad media type": ("UNSUPPORTED_MEDIA_TYPE", 415, "Unsupported Media Type"),
        "failed": ("DEFAULT_5XX", 502, "Internal server error"),
        "busy": ("INTEGRATION_FAILURE", 500, "Internal server error"),
        "late": ("INTEGRATION_TIMEOUT", 504, "Endpoint request timed out"),
        "broken": ("API_CONFIGURATION_ERROR", 500, "Internal server error"),
    }
)


def dialect_of(kind: Literal["HTTP", "REST"]) -> Dialect:
    """The answers of a kind of API."""
    return _REST if kind == "REST" else _HTTP
