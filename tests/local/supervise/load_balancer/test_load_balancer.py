"""A load balancer's own process: HTTPS, redirects, fixed responses, rules, and functions as targets."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from cachetwin_local.identity.policies import Condition, Policy, Statement
from cachetwin_local.identity.resource_policies import Grant
from cachetwin_local.supervise.function.sockets import function_socket, listen_for_calls
from cachetwin_local.supervise.http.message import parse_request_head
from cachetwin_local.supervise.http.server import HttpConnection, HttpRequest, HttpResponse, HttpSettings
from cachetwin_local.supervise.load_balancer.function_event import (
    MESSAGE_BYTES_MAX,
    InvalidResult,
    event_of,
    response_of,
)
from cachetwin_local.supervise.load_balancer.load_balancer import LoadBalancerActor
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.functions import FunctionCode
from cachetwin_local.topology.values import (
    Endpoint,
    FixedResponse,
    Forward,
    Function,
    Identity,
    Listener,
    ListenerRule,
    LoadBalancer,
    Redirect,
    TargetFunction,
    TargetGroup,
    TargetHealthCheck,
    Topology,
    WeightedTarget,
)

HTTP, HTTPS = 8080, 8443
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:greet"


@pytest.fixture
def balancer(address: str, identity: Callable[..., Identity]) -> LoadBalancer:
    """HTTP redirects to HTTPS, which answers by itself.

    `/none` is forwarded to a group without targets, `/absent` to one that does not run here, `/function` to one with a
    function, and `/refused` to one that may not call it.
    """
    names = ("Empty", "Absent", "Greets", "Refused")
    empty, absent, greets, refused = (Forward((WeightedTarget(f"Shop/{name}"),)) for name in names)
    listeners = (
        Listener(identity("Http"), "HTTP", Endpoint(address, HTTP, 80), Redirect(301, protocol="HTTPS", port="443")),
        Listener(
            identity("Https"),
            "HTTPS",
            Endpoint(address, HTTPS, 443, "required", ("shop.us-east-1.elb.amazonaws.com",)),
            FixedResponse(418, "text/plain", "short and stout"),
            (
                ListenerRule(1, (("path-pattern", ("/none",)),), empty),
                ListenerRule(2, (("path-pattern", ("/absent",)),), absent),
                ListenerRule(3, (("path-pattern", ("/function",)),), greets),
                ListenerRule(4, (("path-pattern", ("/refused",)),), refused),
            ),
        ),
    )
    return LoadBalancer(identity("Front"), "internal", f"{address}:{HTTP}", listeners, ())


@pytest.fixture
def topology(balancer: LoadBalancer, identity: Callable[..., Identity]) -> Topology:
    check = TargetHealthCheck("HTTP", "/", None, "200", 5, 2, 2, 2)
    group = TargetGroup(identity("Empty"), "HTTP", 80, (), check)
    function = Function(identity("Greet"), "python3.12", "a.b", FunctionCode(inline=""), {}, "arn:aws:iam::0:role/a")
    target = TargetFunction("Shop/Greet", f"{FUNCTION}:live", multi_value=True)
    greets, refused = (
        TargetGroup(replace(identity(name), arn=f"arn:{name}"), "HTTP", None, (), check, function=target)
        for name in ("Greets", "Refused")
    )
    only_greets = Condition("ArnLike", "aws:SourceArn", ("arn:Greets",))
    statement = Statement(
        "a", allows=True, actions=("lambda:InvokeFunction",), resources=("*",), conditions=(only_greets,)
    )
    return Topology(
        project="shop",
        region="us-east-1",
        account="000000000000",
        loopback="per-endpoint",
        stacks=("Shop",),
        load_balancers=(balancer,),
        target_groups=(group, greets, refused),
        functions=(function,),
        grants=(Grant(FUNCTION, ("elasticloadbalancing.amazonaws.com",), Policy("a", (statement,))),),
    )


@asynccontextmanager
async def greeting(run_context: RunContext) -> AsyncIterator[list[Any]]:
    """A function that answers each event with what its body says. Gives the events that it got."""
    events: list[Any] = []

    async def handle(request: HttpRequest) -> HttpResponse:
        assert unquote(request.path) == f"/2015-03-31/functions/{FUNCTION}:live/invocations"
        event = json.loads(request.body)
        events.append(event)
        failed = (("X-Amz-Function-Error", "Unhandled"),) if event["body"] == "fail" else ()
        result = {"statusCode": 201, "statusDescription": "201 Made", "multiValueHeaders": {"X-A": ["1", "2"]}}
        return HttpResponse(200, failed, json.dumps({**result, "body": event["body"]} if event["body"] else 7).encode())

    settings = HttpSettings(handle, 10_000_000, HttpResponse(413))
    path = function_socket(run_context.directory, "Shop/Greet")
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(lambda: HttpConnection(settings), sock=listen_for_calls(path))
    async with server:
        try:
            yield events
        finally:
            for connection in list(settings.connections):
                connection.abort()


@contextmanager
def client(run_context: RunContext) -> Iterator[httpx.Client]:
    context = ssl.create_default_context(cafile=str(run_context.local_ca.certificate_file))
    with httpx.Client(verify=context, timeout=20) as found:
        yield found


def test_https_redirects_fixed_responses_and_functions(
    run_context: RunContext, balancer: LoadBalancer, topology: Topology, address: str
) -> None:
    def ask() -> None:
        with client(run_context) as http:
            moved = http.get(f"http://{address}:{HTTP}/a?b=c")
            assert (moved.status_code, moved.headers["location"]) == (301, f"https://{address}:{HTTPS}/a?b=c")
            answer = http.get(f"https://{address}:{HTTPS}/a")
            assert (answer.status_code, answer.text) == (418, "short and stout")
            assert (answer.headers["content-type"], answer.headers["server"]) == ("text/plain", "awselb/2.0")
            head = http.head(f"https://{address}:{HTTPS}/a")
            assert (head.status_code, head.text, head.headers["content-length"]) == (418, "", "15")
            assert http.get(f"https://{address}:{HTTPS}/none").status_code == 503
            assert http.get(f"https://{address}:{HTTPS}/absent").status_code == 503

    def call() -> None:
        with client(run_context) as http:
            there = f"https://{address}:{HTTPS}/function"
            made = http.post(f"{there}?a=1&a=%20", content="hello", headers={"Content-Type": "text/plain"})
            assert (made.status_code, made.reason_phrase, made.text) == (201, "Made", "hello")
            assert made.headers.get_list("x-a") == ["1", "2"]
            chunked = http.post(there, content=iter([b"in ", b"parts"]), headers={"Content-Type": "text/plain"})
            assert chunked.text == "in parts"
            assert http.get(there).status_code == 502  # the result is a number
            assert http.post(there, content="fail", headers={"Content-Type": "text/plain"}).status_code == 502
            assert http.post(there, content=b"x" * (MESSAGE_BYTES_MAX + 1)).status_code == 413
            assert http.get(there, headers={"Upgrade": "websocket"}).status_code == 400
            assert http.get(f"https://{address}:{HTTPS}/refused").status_code == 502

    async def main() -> None:
        actor = LoadBalancerActor(run_context, balancer, topology)
        try:
            actor.open()
            await actor.prepare()
            await actor.start()
            assert actor.detail == "calls 1 function"
            await asyncio.to_thread(ask)
            async with greeting(run_context) as events:
                await asyncio.to_thread(call)
        finally:
            await actor.stop()
        assert not run_context.children
        assert actor.depends_on == {"Shop/Greet"}
        assert [event["body"] for event in events] == ["hello", "in parts", "", "fail"]
        assert events[0]["requestContext"] == {"elb": {"targetGroupArn": "arn:Greets"}}
        assert (events[0]["httpMethod"], events[0]["path"]) == ("POST", "/function")
        assert events[0]["multiValueQueryStringParameters"] == {"a": ["1", "%20"]}
        assert events[0]["multiValueHeaders"]["x-forwarded-proto"] == ["https"]
        counts = run_context.metrics.all()[actor.name]
        assert (counts["RequestCount"], counts["HTTPCode_Target_2XX_Count"], counts["LambdaUserError"]) == (12, 2, 2)

    asyncio.run(main())


def test_a_load_balancer_that_is_stopped_before_its_start_leaves_nothing(
    run_context: RunContext, balancer: LoadBalancer, topology: Topology, address: str
) -> None:
    async def main() -> None:
        actor = LoadBalancerActor(run_context, balancer, topology)
        actor.open()
        await actor.prepare()
        await actor.stop()
        assert not run_context.children
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await asyncio.open_connection(address, HTTP)

    asyncio.run(main())


def event(request: bytes, body: bytes = b"", *, multi_value: bool = False) -> Any:  # noqa: ANN401  (a JSON document)
    return json.loads(event_of(parse_request_head(request), body, "arn:group", multi_value=multi_value))


def test_the_event_of_a_function_has_the_last_of_several_values_unless_all_are_asked_for() -> None:
    request = b"GET /a%20b?x=1&x=2%203&y HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-A: 2\r\nConnection: close\r\n"
    assert event(request) == {
        "requestContext": {"elb": {"targetGroupArn": "arn:group"}},
        "httpMethod": "GET",
        "path": "/a%20b",
        "queryStringParameters": {"x": "2%203", "y": ""},
        "headers": {"host": "a", "x-a": "2"},
        "body": "",
        "isBase64Encoded": False,
    }
    all_values = event(request, multi_value=True)
    assert all_values["multiValueQueryStringParameters"] == {"x": ["1", "2%203"], "y": [""]}
    assert all_values["multiValueHeaders"] == {"host": ["a"], "x-a": ["1", "2"]}
    assert not {"headers", "queryStringParameters"} & all_values.keys()


@pytest.mark.parametrize(
    ("fields", "body", "in_base64"),
    [
        (b"Content-Type: text/css; charset=utf-8\r\n", b"\xc3\xa9", False),
        (b"Content-Type: application/json\r\n", b"{}", False),
        (b"Content-Type: application/json\r\nContent-Encoding: gzip\r\n", b"{}", True),
        (b"Content-Type: image/png\r\n", b"{}", True),
        (b"Content-Type: text/plain\r\n", b"\xff", True),
        (b"", b"{}", True),
    ],
)
def test_a_body_that_is_not_declared_as_text_is_in_base64(fields: bytes, body: bytes, *, in_base64: bool) -> None:
    found = event(b"POST / HTTP/1.1\r\nHost: a\r\n" + fields, body)
    assert found["isBase64Encoded"] is in_base64
    assert (base64.b64decode(found["body"]) if in_base64 else found["body"].encode()) == body


def test_a_result_becomes_a_response_without_the_fields_of_connections() -> None:
    result = {"statusCode": 200, "headers": {"Connection": "close", "X": "1"}, "body": "aGk=", "isBase64Encoded": True}
    response = response_of(json.dumps(result).encode(), multi_value=False)
    assert (response.status_code, response.body) == (200, b"hi")
    assert response.headers == (("X", "1"), ("Content-Type", "application/octet-stream"))


@pytest.mark.parametrize(
    "result",
    [
        None,
        "text",
        {},
        {"statusCode": "200"},
        {"statusCode": True},
        {"statusCode": 99},
        {"statusCode": 200, "headers": {"A": 1}},
        {"statusCode": 200, "headers": {"A": ["1"]}},
        {"statusCode": 200, "headers": {"A b": "1"}},
        {"statusCode": 200, "headers": []},
        {"statusCode": 200, "body": {}},
        {"statusCode": 200, "body": "-", "isBase64Encoded": True},
        {"statusCode": 200, "body": "é", "isBase64Encoded": True},
        {"statusCode": 200, "statusDescription": 1},
        {"statusCode": 200, "body": "x" * MESSAGE_BYTES_MAX},
    ],
)
def test_what_is_no_response_is_named(result: object) -> None:
    with pytest.raises(InvalidResult):
        response_of(json.dumps(result).encode(), multi_value=False)
