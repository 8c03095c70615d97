"""A request as the event of a function behind a load balancer, and the function's result as a response. Pure.

Source: "Use Lambda functions as targets of an Application Load Balancer" in the service's user guide. Names and values of
the query are passed on percent-encoded, as they came; of several fields or parameters of one name the last one counts,
unless the target group asks for all (`multi_value`).
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable
from typing import Any, Final

from cachetwin_local.supervise.http.message import RequestHead
from cachetwin_local.supervise.load_balancer.response import Response

__all__ = ["MESSAGE_BYTES_MAX", "InvalidResult", "event_of", "response_of"]

MESSAGE_BYTES_MAX: Final = 1_048_576
"""The largest body of a request and the largest result."""
_TEXT_TYPES: Final = ("text/", "application/json", "application/javascript", "application/xml")
_NOT_PASSED: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "expect"})
_OWN_HEADERS: Final = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length", "server"}
)
_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_DEFAULT_TYPE: Final = ("Content-Type", "application/octet-stream")


class InvalidResult(Exception):
    """A function's result is no response; the message says why."""


def event_of(head: RequestHead, body: bytes, target_group_arn: str, *, multi_value: bool) -> bytes:
    """The event for a request with the fields that the load balancer adds."""
    path, _, query = head.target.decode("latin-1").partition("?")
    fields = [(one.name.decode("latin-1"), one.value.decode("latin-1")) for one in head.fields]
    headers = [field for field in fields if field[0] not in _NOT_PASSED]
    pairs = [part.partition("=") for part in query.split("&") if part]
    parameters = [(name, value) for name, _equals, value in pairs]
    text = _text(dict(headers), body)
    event: dict[str, Any] = {
        "requestContext": {"elb": {"targetGroupArn": target_group_arn}},
        "httpMethod": head.method.decode("latin-1"),
        "path": path,
    }
    if multi_value:
        event |= {"multiValueQueryStringParameters": _lists(parameters), "multiValueHeaders": _lists(headers)}
    else:
        event |= {"queryStringParameters": dict(parameters), "headers": dict(headers)}
    event["body"] = base64.b64encode(body).decode() if text is None else text
    event["isBase64Encoded"] = text is None
    return json.dumps(event).encode()


def response_of(payload: bytes, *, multi_value: bool) -> Response:
    """The response that a result stands for. Raises InvalidResult where it is none."""
    if len(payload) > MESSAGE_BYTES_MAX:
        raise InvalidResult(f"the result must be at most {MESSAGE_BYTES_MAX} bytes, got {len(payload)}")
    try:
        result = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise InvalidResult("the result is no JSON") from error
    if not isinstance(result, dict):
        raise InvalidResult(f"the result must be an object, got {type(result).__name__}")
    status = result.get("statusCode")
    if type(status) is not int or not 200 <= status <= 599:  # True is an int as well
        raise InvalidResult(f"statusCode must be a number from 200 to 599, got {status!r}")
    description = result.get("statusDescription") or ""
    if not isinstance(description, str):
        raise InvalidResult(f"statusDescription must be a string, got {description!r}")
    name = "multiValueHeaders" if multi_value else "headers"
    headers = _headers(name, result.get(name), multi_value=multi_value)
    reason = description.removeprefix(str(status)).strip()
    return Response(status, headers, _body(result), reason, from_target=True)


def _text(headers: dict[str, str], body: bytes) -> str | None:
    """The body as text; None for one that is declared as something else, encoded, or no UTF-8."""
    if not body:
        return ""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if "content-encoding" in headers or not kind.startswith(_TEXT_TYPES):
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _lists(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _headers(name: str, given: object, *, multi_value: bool) -> tuple[tuple[str, str], ...]:
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise InvalidResult(f"{name} must be an object, got {given!r}")
    found: list[tuple[str, str]] = []
    for field, value in given.items():
        values = value if multi_value and isinstance(value, list) else [value]
        if multi_value is not isinstance(value, list) or not all(isinstance(one, str) for one in values):
            raise InvalidResult(f"{name}: {field} must be a {'list of strings' if multi_value else 'string'}")
        if not _NAME.fullmatch(field):
            raise InvalidResult(f"{name}: a name must be a word without blanks and line ends, got {field!r}")
        found += [(field, one) for one in values if field.lower() not in _OWN_HEADERS]
    if not any(field.lower() == "content-type" for field, _value in found):
        found.append(_DEFAULT_TYPE)
    return tuple(found)


def _body(result: dict[str, Any]) -> bytes:
    body, encoded = result.get("body"), result.get("isBase64Encoded", False)
    if body is None:
        return b""
    if not isinstance(body, str) or not isinstance(encoded, bool):
        raise InvalidResult("body must be a string and isBase64Encoded a boolean")
    if not encoded:
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (ValueError, binascii.Error) as error:
        raise InvalidResult("the body is not in base64") from error
