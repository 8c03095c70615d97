"""Requests as events, and results as responses."""

import json

import pytest

from cachetwin_local.supervise.api.access_log import access_log_line
from cachetwin_local.supervise.api.authorization.policies import allows
from cachetwin_local.supervise.api.http_event import EventContext, InvalidResult, event_1_0, event_2_0, response_of
from cachetwin_local.supervise.http.message import Field
from cachetwin_local.supervise.http.server import HttpRequest

CONTEXT = EventContext(
    request_id="id-1",
    now_s=1_583_348_638.39,
    account="000000000000",
    api_id="abc",
    domain="127.0.0.1:8090",
    stage="$default",
    route_key="POST /items/{id}",
    path="/items/a%20b",
    path_parameters={"id": "a b"},
    stage_variables={"color": "blue"},
    resource="/items/{id}",
)


def request(body: bytes = b"", query: str = "", *fields: tuple[str, str]) -> HttpRequest:
    target = "/items/a%20b" + (f"?{query}" if query else "")
    made = tuple(Field(name.encode(), value.encode(), b"") for name, value in (("host", "127.0.0.1:8090"), *fields))
    return HttpRequest("POST", target, made, body, "127.0.0.9")


def test_format_2_0_joins_what_comes_twice() -> None:
    fields = (("x-a", "1"), ("x-a", "2"), ("cookie", "b=1; c=2"), ("content-type", "application/json"))
    event = event_2_0(request(b'{"a":1}', "q=1&q=2&r=", *fields), CONTEXT)
    assert (event["version"], event["rawPath"], event["rawQueryString"]) == ("2.0", "/items/a b", "q=1&q=2&r=")
    assert (event["headers"]["x-a"], event["cookies"]) == ("1,2", ["b=1", "c=2"])
    assert (event["queryStringParameters"], event["pathParameters"]) == ({"q": "1,2", "r": ""}, {"id": "a b"})
    assert (event["body"], event["isBase64Encoded"], event["stageVariables"]) == ('{"a":1}', False, {"color": "blue"})
    http = event["requestContext"]["http"]
    assert (http["method"], http["sourceIp"], http["protocol"]) == ("POST", "127.0.0.9", "HTTP/1.1")
    assert event["requestContext"]["time"] == "04/Mar/2020:19:03:58 +0000"
    assert event["headers"]["x-forwarded-port"] == "8090"


def test_format_1_0_keeps_every_value() -> None:
    event = event_1_0(request(b"", "q=1&q=2", ("x-a", "1"), ("x-a", "2")), CONTEXT)
    assert (event["headers"]["x-a"], event["multiValueHeaders"]["x-a"]) == ("2", ["1", "2"])
    assert event["multiValueQueryStringParameters"] == {"q": ["1", "2"]}
    assert (event["resource"], event["path"], event["body"]) == ("/items/{id}", "/items/a b", None)


@pytest.mark.parametrize(
    ("kind", "encoded"),
    [
        ("image/png", True),
        ("application/x-www-form-urlencoded", True),
        ("text/csv", False),
        ("application/a+json", False),
    ],
)
def test_a_body_that_is_not_declared_as_text_is_in_base64(kind: str, encoded: bool) -> None:  # noqa: FBT001
    assert event_2_0(request(b"abc", "", ("content-type", kind)), CONTEXT)["isBase64Encoded"] is encoded
    assert event_2_0(request(b"\xff", "", ("content-type", "text/plain")), CONTEXT)["body"] == "/w=="


def answer(result: object, payload_format: str = "2.0") -> tuple[int, dict[str, str], bytes]:
    response = response_of(json.dumps(result).encode(), payload_format)
    return response.status, dict(response.headers), response.body


def test_a_result_becomes_a_response() -> None:
    assert answer({"a": 1}) == (200, {"Content-Type": "application/json"}, b'{"a":1}')
    assert answer("text") == (200, {"Content-Type": "application/json"}, b"text")
    status, headers, body = answer({"statusCode": "201", "headers": {"X-A": 1}, "cookies": ["a=b"], "body": "made"})
    assert (status, headers["X-A"], headers["Set-Cookie"], body) == (201, "1", "a=b", b"made")
    assert answer({"statusCode": 200, "body": "/w==", "isBase64Encoded": True})[2] == b"\xff"
    assert answer({"statusCode": 200, "headers": {"X": "a\r\nSet-Cookie: b"}})[1]["X"] == "a  Set-Cookie: b"


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": "x"},
        {"statusCode": 99},
        {"statusCode": 103, "body": "HTTP/1.1 200 OK"},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"X: a\r\nSet-Cookie": "b"}},
        {"statusCode": 200, "multiValueHeaders": {"Content-Length ": ["3"]}},
    ],
)
def test_a_result_that_is_no_response_is_an_error(result: object) -> None:
    with pytest.raises(InvalidResult):
        answer(result)
    with pytest.raises(InvalidResult):
        answer({"body": "a proxy's result needs a statusCode"}, "1.0")
    with pytest.raises(InvalidResult):
        response_of(b"[" * 100_000, "2.0")


def test_the_access_log_has_a_hyphen_for_what_is_not_known() -> None:
    line = access_log_line('{"a": "$context.requestId", "b": "$context.identity.caller"}', {"requestId": "id-1"})
    assert line == '{"a": "id-1", "b": "-"}'


def test_a_policy_allows_what_a_statement_names_and_none_denies() -> None:
    arn = "arn:aws:execute-api:us-east-1:1:abc/$default/GET/items/7"
    yes = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "arn:aws:execute-api:*:1:abc/*/GET/*"}
    assert allows({"policyDocument": {"Statement": [yes]}}, arn, {})
    assert not allows({"policyDocument": {"Statement": [yes, {**yes, "Effect": "Deny"}]}}, arn, {})
    assert not allows(
        {"policyDocument": {"Statement": [{**yes, "Resource": "arn:aws:execute-api:*:1:abc/*/PUT/*"}]}}, arn, {}
    )
    assert not allows({}, arn, {})


def test_a_policy_may_name_what_is_excepted() -> None:
    arn = "arn:aws:execute-api:us-east-1:1:abc/$default/GET/items/7"
    yes = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}
    for excepted, allowed in (("*/GET/items/*", True), ("*/GET/admin", False)):
        no = {"Effect": "Deny", "Action": "execute-api:*", "NotResource": excepted}
        assert allows({"policyDocument": {"Statement": [yes, no]}}, arn, {}) is allowed
    no = {"Effect": "Deny", "NotAction": "execute-api:ManageConnections", "Resource": "*"}
    assert not allows({"policyDocument": {"Statement": [yes, no]}}, arn, {})


def test_the_conditions_of_a_policy_are_looked_at() -> None:
    arn = "arn:aws:execute-api:us-east-1:1:abc/$default/GET/items/7"
    keys = {"aws:SourceIp": "127.0.0.1"}
    near, far = ({"IpAddress": {"aws:SourceIp": [network]}} for network in ("127.0.0.0/8", "10.0.0.0/8"))
    unknown = {"StringEquals": {"aws:SourceVpce": "vpce-1"}}
    yes = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}
    for condition, allowed in ((near, True), (far, False), (unknown, True), ("nonsense", False)):
        assert allows({"policyDocument": {"Statement": [{**yes, "Condition": condition}]}}, arn, keys) is allowed
    for condition, allowed in ((near, False), (far, True), (unknown, True), ("nonsense", False)):
        no = {**yes, "Effect": "Deny", "Condition": condition}
        assert allows({"policyDocument": {"Statement": [yes, no]}}, arn, keys) is allowed
