"""Errors of an API in the protocol that the request came in. Pure.

Sources: the "Common Errors" pages of the services' API references, for the codes; AWS's protocols in the Smithy
specification, for the forms.
"""

import json
import secrets
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from cachetwin_local.supervise.api.authorization.signature import InvalidSignature, SignatureProblem
from cachetwin_local.supervise.http.server import HttpResponse

from .calls import CallProtocol
from .cbor import encode

__all__ = ["ApiError", "access_denied", "not_authenticated", "response_of"]

_NAMED_WITHOUT_EXCEPTION: Final = frozenset({"s3", "sts", "iam", "sqs", "cloudwatch"})
"""The services whose refusal is ``AccessDenied`` rather than ``AccessDeniedException``."""

_UNSIGNED: Final[dict[SignatureProblem, tuple[str, str, str]]] = {
    "missing": ("MissingAuthenticationToken", "MissingAuthenticationTokenException", "AccessDenied"),
    "unknown": ("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"),
    "token": ("InvalidClientTokenId", "UnrecognizedClientException", "InvalidToken"),
    "old": ("SignatureDoesNotMatch", "InvalidSignatureException", "RequestTimeTooSkewed"),
    "wrong": ("SignatureDoesNotMatch", "InvalidSignatureException", "SignatureDoesNotMatch"),
}
"""For each problem the code of services that speak query, of those that speak JSON, and of S3."""


@dataclass(frozen=True, slots=True)
class ApiError(Exception):
    """A refusal: the service's code for it, and a message."""

    code: str
    message: str
    status: int = 400


def access_denied(module: str, message: str) -> ApiError:
    """The refusal of a request that no policy allows."""
    if module == "sns":
        return ApiError("AuthorizationError", message, 403)
    named = "AccessDenied" if module in _NAMED_WITHOUT_EXCEPTION else "AccessDeniedException"
    return ApiError(named, message, 403 if named == "AccessDenied" else 400)


def not_authenticated(error: InvalidSignature, protocol: CallProtocol) -> ApiError:
    """The refusal of a request that nobody here has signed."""
    query, json_, s3 = _UNSIGNED[error.problem]
    code = s3 if protocol == "rest-xml" else query if protocol == "query" else json_
    return ApiError(code, str(error), 403 if protocol in {"query", "rest-xml"} else 400)


def response_of(error: ApiError, protocol: CallProtocol) -> HttpResponse:
    """The error as the SDKs read it."""
    request_id = secrets.token_hex(16)
    ids = (("x-amzn-RequestId", request_id), ("x-amz-request-id", request_id))
    match protocol:
        case "json":
            body = json.dumps({"__type": error.code, "message": error.message, "Message": error.message}).encode()
            compatible = ("x-amzn-query-error", f"{error.code};Sender")
            return HttpResponse(error.status, (("Content-Type", "application/x-amz-json-1.1"), compatible, *ids), body)
        case "cbor":
            body = encode({"__type": error.code, "message": error.message, "Message": error.message})
            form = (("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor"))
            compatible = ("x-amzn-query-error", f"{error.code};Sender")
            return HttpResponse(error.status, (*form, compatible, *ids), body)
        case "rest-json":
            body = json.dumps({"message": error.message, "Message": error.message}).encode()
            named = ("x-amzn-ErrorType", error.code)
            return HttpResponse(error.status, (("Content-Type", "application/json"), named, *ids), body)
        case "rest-xml":
            text = f"<Error>{_fields(error)}<RequestId>{request_id}</RequestId></Error>"
        case "query":
            inner = f"<Error><Type>Sender</Type>{_fields(error)}</Error><RequestId>{request_id}</RequestId>"
            text = f"<ErrorResponse>{inner}</ErrorResponse>"
    headers = (("Content-Type", "text/xml"), *ids)
    return HttpResponse(error.status, headers, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode())


def _fields(error: ApiError) -> str:
    return f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
