"""An HTTP request as the event of a function: API Gateway's payload formats 2.0 and 1.0, and the response that comes back.

Pure: times and ids come from outside. Source: "Create AWS Lambda proxy integrations for HTTP APIs" in the API Gateway
developer guide; function URLs use format 2.0 as well.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from cachetwin_local.supervise.http.server import HttpRequest, HttpResponse

__all__ = ["EventContext", "InvalidResult", "event_1_0", "event_2_0", "response_of", "rest_event"]

_TEXT_TYPES: Final = ("text/", "application/json", "application/javascript", "application/xml")
_REST_NAMES: Final = {
    "accept": "Accept",
    "authorization": "Authorization",
    "content-type": "Content-Type",
    "cookie": "Cookie",
    "host": "Host",
    "origin": "Origin",
    "referer": "Referer",
    "user-agent": "User-Agent",
    "x-amzn-trace-id": "X-Amzn-Trace-Id",
    "x-forwarded-for": "X-Forwarded-For",
    "x-forwarded-port": "X-Forwarded-Port",
    "x-forwarded-proto": "X-Forwarded-Proto",
}
_DROPPED: Final = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive", "upgrade", "date"})
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
Json = dict[str, Any]


class InvalidResult(Exception):
    """A function's result is no response; the message says why."""


@dataclass(frozen=True, slots=True)
class EventContext:
    """What an event says beside the request itself.

    `path` is the raw path with the stage, `resource` the path of the route. `authorizer` is what the authorizer gave.
    """

    request_id: str
    now_s: float
    account: str
    api_id: str
    domain: str
    stage: str
    route_key: str
    path: str
    trace_id: str = ""
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    stage_variables: Mapping[str, str] = field(default_factory=dict)
    authorizer: Json | None = None
    resource: str = ""
    operation_name: str = ""
    region: str = "us-east-1"
    api_key_id: str = ""


def event_2_0(request: HttpRequest, context: EventContext) -> Json:
    """The event in payload format 2.0."""
    headers, cookies = _joined_headers(request, context)
    event: Json = {"version": "2.0", "routeKey": context.route_key, "rawPath": unquote(context.path)}
    event["rawQueryString"] = request.query
    if cookies:
        event["cookies"] = cookies
    event["headers"] = headers
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
    if parameters:
        event["queryStringParameters"] = parameters
    moment = datetime.fromtimestamp(context.now_s, UTC)
    event["requestContext"] = {
        "accountId": context.account,
        "apiId": context.api_id,
        **({"authorizer": context.authorizer} if context.authorizer else {}),
        "domainName": context.domain,
        "domainPrefix": context.domain.partition(".")[0],
        "http": {
            "method": request.method,
            "path": unquote(context.path),
            "protocol": f"HTTP/1.{request.minor}",
            "sourceIp": request.source_ip,
            "userAgent": request.header("user-agent") or "",
        },
        "requestId": context.request_id,
        "routeKey": context.route_key,
        "stage": context.stage,
        "time": moment.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(context.now_s * 1000),
    }
    if context.path_parameters:
        event["pathParameters"] = dict(context.path_parameters)
    body, encoded = _body(request)
    if body is not None:
        event["body"] = body
    event["isBase64Encoded"] = encoded
    if context.stage_variables:
        event["stageVariables"] = dict(context.stage_variables)
    return event


def event_1_0(request: HttpRequest, context: EventContext) -> Json:
    """The event in payload format 1.0."""
    single: dict[str, str] = {}
    multi: dict[str, list[str]] = {}
    for name, value in _fields(request, context):
        single[name] = value
        multi.setdefault(name, []).append(value)
    query: dict[str, str] = {}
    multi_query: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        query[name] = value
        multi_query.setdefault(name, []).append(value)
    body, encoded = _body(request)
    moment = datetime.fromtimestamp(context.now_s, UTC)
    return {
        "version": "1.0",
        "resource": context.resource,
        "path": unquote(context.path),
        "httpMethod": request.method,
        "headers": single,
        "multiValueHeaders": multi,
        "queryStringParameters": query or None,
        "multiValueQueryStringParameters": multi_query or None,
        "requestContext": {
            "accountId": context.account,
            "apiId": context.api_id,
            **({"authorizer": context.authorizer} if context.authorizer else {}),
            "domainName": context.domain,
            "domainPrefix": context.domain.partition(".")[0],
            "extendedRequestId": context.request_id,
            "httpMethod": request.method,
            "identity": {
                "accessKey": None,
                "accountId": None,
                "caller": None,
                "cognitoAmr": None,
                "cognitoAuthenticationProvider": None,
                "cognitoAuthenticationType": None,
                "cognitoIdentityId": None,
                "cognitoIdentityPoolId": None,
                "principalOrgId": None,
                "sourceIp": request.source_ip,
                "user": None,
                "userAgent": request.header("user-agent") or "",
                "userArn": None,
            },
            "path": unquote(context.path),
            "protocol": f"HTTP/1.{request.minor}",
            "requestId": context.request_id,
            "requestTime": moment.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "requestTimeEpoch": int(context.now_s * 1000),
            "resourceId": context.route_key,
            "resourcePath": context.resource,
            "stage": context.stage,
        },
        "pathParameters": dict(context.path_parameters) or None,
        "stageVariables": dict(context.stage_variables) or None,
        "body": body,
        "isBase64Encoded": encoded,
    }


def rest_event(event: Json, context: EventContext) -> Json:
    """An event in format 1.0 as a REST API sends it: no version, the path without the stage, common names in capitals."""
    found = {name: value for name, value in event.items() if name != "version"}
    if context.api_key_id:
        identity = {**event["requestContext"]["identity"], "apiKeyId": context.api_key_id}
        found["requestContext"] = {**event["requestContext"], "identity": identity}
    found["path"] = event["path"].removeprefix(f"/{context.stage}") or "/"
    for key in ("headers", "multiValueHeaders"):
        found[key] = {_REST_NAMES.get(name, name): value for name, value in event[key].items()}
    return found


def response_of(payload: bytes, payload_format: str) -> HttpResponse:
    """The response that a function's result stands for. Raises InvalidResult where it is none."""
    try:
        result = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise InvalidResult("the result is no JSON") from error
    if payload_format == "2.0" and not (isinstance(result, dict) and "statusCode" in result):
        body = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, separators=(",", ":"))
        return HttpResponse(200, (("Content-Type", "application/json"),), body.encode())
    if not isinstance(result, dict):
        raise InvalidResult("the result is no object")
    status = _status(result.get("statusCode", 200 if payload_format == "2.0" else None))
    headers = _response_headers(result)
    return HttpResponse(status, tuple(headers), _response_body(result))


def _status(value: object) -> int:
    try:
        status = int(str(value))
    except ValueError:
        status = 0
    if isinstance(value, bool) or not 200 <= status <= 599:  # below, a client waits for more
        raise InvalidResult(f"statusCode must be a number from 200 to 599, got {value!r}")
    return status


def _response_headers(result: Json) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    many = result.get("multiValueHeaders") or {}
    single = result.get("headers") or {}
    if not isinstance(many, dict) or not isinstance(single, dict):
        raise InvalidResult("headers must be an object")
    names = {str(name).lower() for name in many}
    found += [(str(name), _header_text(value)) for name, value in single.items() if str(name).lower() not in names]
    for name, values in many.items():
        found += [(str(name), _header_text(value)) for value in (values if isinstance(values, list) else [values])]
    wrong = next((name for name, _value in found if not _HEADER_NAME.fullmatch(name)), None)
    if wrong is not None:
        raise InvalidResult(f"a header's name must be a word without blanks and line ends, got {wrong!r}")
    found = [(name, value) for name, value in found if name.lower() not in _DROPPED]
    if not any(name.lower() == "content-type" for name, _value in found):
        found.append(("Content-Type", "text/plain; charset=utf-8"))
    cookies = result.get("cookies") or []
    if not isinstance(cookies, list):
        raise InvalidResult("cookies must be a list")
    return [*found, *(("Set-Cookie", _header_text(cookie)) for cookie in cookies)]


def _header_text(value: object) -> str:
    text = "true" if value is True else "false" if value is False else str(value)
    return text.replace("\r", " ").replace("\n", " ")


def _response_body(result: Json) -> bytes:
    body = result.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        body = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    if not result.get("isBase64Encoded"):
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise InvalidResult("the body is not in base64") from error


def _fields(request: HttpRequest, context: EventContext) -> list[tuple[str, str]]:
    """The request's fields, and those that the service adds."""
    found = [(one.name.decode("latin-1"), one.value.decode("latin-1")) for one in request.fields]
    given = {name for name, _value in found}
    added = {"x-forwarded-for": request.source_ip, "x-forwarded-port": "", "x-forwarded-proto": "http"}
    host = request.header("host") or ""
    added["x-forwarded-port"] = host.rpartition(":")[2] if ":" in host else "80"
    if context.trace_id:
        added["x-amzn-trace-id"] = context.trace_id
    dropped = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "expect", "x-amzn-trace-id"}
    kept = [(name, value) for name, value in found if name not in dropped and name not in {"x-forwarded-for"}]
    if "x-forwarded-for" in given:
        before = ", ".join(value for name, value in found if name == "x-forwarded-for")
        added["x-forwarded-for"] = f"{before}, {request.source_ip}"
    return [*((name, value) for name, value in kept if name not in added), *added.items()]


def _joined_headers(request: HttpRequest, context: EventContext) -> tuple[dict[str, str], list[str]]:
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in _fields(request, context):
        if name == "cookie":
            cookies += [part.strip() for part in value.split(";") if part.strip()]
        headers[name] = f"{headers[name]},{value}" if name in headers and name != "cookie" else value
    if cookies:
        headers["cookie"] = "; ".join(cookies)
    return headers, cookies


def _body(request: HttpRequest) -> tuple[str | None, bool]:
    """The body as a string, and whether in base64: what is not declared as text is."""
    if not request.body:
        return None, False
    kind = (request.header("content-type") or "text/plain").partition(";")[0].strip().lower()
    if kind.startswith(_TEXT_TYPES) or kind.endswith(("+json", "+xml")):
        try:
            return request.body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(request.body).decode(), True
