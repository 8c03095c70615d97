"""An HTTP API that runs: routes, stages, CORS, throttles, authorizers, failures, in front of a function's socket."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]

from cachetwin_local.identity.credentials import credentials_of
from cachetwin_local.identity.directory import Principal
from cachetwin_local.identity.policies import read_policy
from cachetwin_local.supervise.api.authorization.signature import Caller
from cachetwin_local.supervise.api.server import HttpApiServer
from cachetwin_local.supervise.api.settings import HttpApiSettings
from cachetwin_local.supervise.function.sockets import listen_for_calls
from cachetwin_local.supervise.http.server import HttpConnection, HttpRequest, HttpResponse, HttpSettings
from cachetwin_local.supervise.process.sockets import listen
from cachetwin_local.topology.functions import Cors
from cachetwin_local.topology.http_apis import (
    ApiAuthorizer,
    ApiIntegration,
    ApiRoute,
    ApiStage,
    FixedAnswer,
    HttpApi,
    Throttle,
)
from cachetwin_local.topology.identity import Endpoint, Identity

TO = ApiIntegration("App/Greet", arn="arn:aws:lambda:us-east-1:1:function:greet:live")
Answer = Callable[[Any], tuple[int, dict[str, str], object]]
Use = Callable[[httpx.AsyncClient], Awaitable[None]]


def named(logical_id: str) -> Identity:
    return Identity("App", logical_id, "AWS::Test", f"App/{logical_id}", logical_id.lower(), "")


def an_api(address: str, *routes: ApiRoute, **changes: Any) -> HttpApi:  # noqa: ANN401  (fields of many types)
    stages = (ApiStage("$default"),)
    return replace(
        HttpApi(named("Api"), "Shop", "api.invalid", Endpoint(address, 8080, 443), routes, stages), **changes
    )


def serve(api: HttpApi, folder: Path, function: Answer, use: Use, callers: tuple[Caller, ...] = ()) -> None:
    """Run the API with `function` behind it, which is asked for the status, fields and document of each event."""

    async def handle(request: HttpRequest) -> HttpResponse:
        assert unquote(request.path).startswith("/2015-03-31/functions/arn:aws:lambda:")
        status, headers, document = function(json.loads(request.body))
        return HttpResponse(status, tuple(headers.items()), json.dumps(document).encode())

    async def main() -> None:
        loop = asyncio.get_running_loop()
        settings = HttpSettings(handle, 10_000_000, HttpResponse(413))
        listener = listen_for_calls(folder / "fn.sock")
        functions = await loop.create_unix_server(lambda: HttpConnection(settings), sock=listener)
        sock = listen(api.endpoint.address, api.endpoint.port, "the API")
        sockets = {"App/Greet": str(folder / "fn.sock")}
        server = HttpApiServer(HttpApiSettings(api, "1", sock.detach(), sockets, callers))
        await server.start()
        try:
            async with httpx.AsyncClient(base_url=f"http://{api.endpoint.address}:8080", timeout=20) as client:
                await use(client)
        finally:
            await server.stop()
            functions.close()
            for connection in list(settings.connections):
                connection.abort()

    asyncio.run(main())


def echo(event: Any) -> tuple[int, dict[str, str], object]:  # noqa: ANN401
    return 200, {}, event


def test_a_request_reaches_its_function_and_its_result_comes_back(address: str, tmp_path: Path) -> None:
    async def use(client: httpx.AsyncClient) -> None:
        answer = await client.post("/items/7?a=b", json={"x": "é"})
        event = answer.json()
        assert (event["routeKey"], event["pathParameters"], event["body"]) == (
            "POST /items/{id}",
            {"id": "7"},
            '{"x":"é"}',
        )
        assert answer.headers["apigw-requestid"] == event["requestContext"]["requestId"]
        assert event["requestContext"]["stage"] == "$default"
        missing = await client.get("/items/7")
        assert (missing.status_code, missing.json()) == (404, {"message": "Not Found"})
        large = await client.post("/items/7", content=b"x" * (10 * 1024 * 1024 + 1))
        assert (large.status_code, large.json()) == (413, {"message": "Request Entity Too Large"})

    serve(an_api(address, ApiRoute("POST /items/{id}", TO)), tmp_path, echo, use)


def test_a_named_stage_is_the_first_part_of_the_path(address: str, tmp_path: Path) -> None:
    stages = (ApiStage("dev", {"color": "blue"}),)

    async def use(client: httpx.AsyncClient) -> None:
        event = (await client.get("/dev/items")).json()
        assert (event["rawPath"], event["stageVariables"]) == ("/dev/items", {"color": "blue"})
        assert (await client.get("/items")).status_code == 404

    serve(an_api(address, ApiRoute("GET /items", TO), stages=stages), tmp_path, echo, use)


def test_the_throttle_of_a_stage_answers_429(address: str, tmp_path: Path) -> None:
    stages = (ApiStage("$default", throttle=Throttle(0.001, 2)),)

    async def use(client: httpx.AsyncClient) -> None:
        codes = [(await client.get("/")).status_code for _ in range(3)]
        assert codes == [200, 200, 429]

    serve(an_api(address, ApiRoute("$default", TO), stages=stages), tmp_path, echo, use)


def test_other_origins_may_call_where_cors_says_so(address: str, tmp_path: Path) -> None:
    cors = Cors(("https://shop.example",), ("GET",), ("x-a",), allow_credentials=True, max_age_s=60)

    async def use(client: httpx.AsyncClient) -> None:
        asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
        preflight = await client.options("/", headers=asked)
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == "https://shop.example"
        assert preflight.headers["access-control-max-age"] == "60"
        assert (
            "access-control-allow-origin"
            not in (await client.options("/", headers={**asked, "Origin": "https://evil.example"})).headers
        )
        answer = await client.get("/", headers={"Origin": "https://shop.example"})
        assert answer.headers["access-control-allow-credentials"] == "true"

    serve(an_api(address, ApiRoute("GET /", TO), cors=cors), tmp_path, echo, use)


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ((429, {}, {}), 503, "Service Unavailable"),
        ((200, {"X-Amz-Function-Error": "Unhandled"}, {"errorType": "E"}), 500, "Internal Server Error"),
        ((200, {}, {"statusCode": "no"}), 500, "Internal Server Error"),
    ],
)
def test_failures_of_the_function_are_the_services(
    address: str, tmp_path: Path, given: tuple[int, dict[str, str], object], code: int, message: str
) -> None:
    async def use(client: httpx.AsyncClient) -> None:
        answer = await client.get("/")
        assert (answer.status_code, answer.json()) == (code, {"message": message})

    serve(an_api(address, ApiRoute("$default", TO)), tmp_path, lambda _event: given, use)


@pytest.mark.parametrize("simple", [True, False])
def test_a_function_decides_who_may_call(address: str, tmp_path: Path, simple: bool) -> None:  # noqa: FBT001
    asked: list[str] = []
    authorizer = ApiAuthorizer(
        named("Tokens"),
        "REQUEST",
        "tokens",
        ("$request.header.Authorization",),
        function="App/Greet",
        function_arn=TO.arn,
        payload_format="2.0" if simple else "1.0",
        simple_responses=simple,
        cache_ttl_s=60,
    )

    def decide(event: Any) -> tuple[int, dict[str, str], object]:  # noqa: ANN401
        if event.get("type") != "REQUEST":
            return echo(event)
        token = event["headers"]["authorization"]
        asked.append(token)
        effect = "Allow" if token == "good" else "Deny"
        statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event.get("methodArn")}
        policy = {"principalId": "me", "policyDocument": {"Statement": [statement]}}
        answer = {"isAuthorized": token == "good"} if simple else policy
        return 200, {}, {**answer, "context": {"who": "me"}}

    async def use(client: httpx.AsyncClient) -> None:
        for _ in range(2):
            answer = await client.get("/", headers={"Authorization": "good"})
            assert answer.json()["requestContext"]["authorizer"] == {"lambda": {"who": "me"}}
        assert asked == ["good"]
        assert (await client.get("/", headers={"Authorization": "bad"})).status_code == 403
        assert (await client.get("/")).status_code == 401

    route = ApiRoute("GET /", TO, "CUSTOM", authorizer)
    serve(an_api(address, route), tmp_path, decide, use)


def test_a_rest_api_answers_in_its_own_words(address: str, tmp_path: Path) -> None:
    to = replace(TO, payload_format="1.0")
    fixed = ApiIntegration(None, fixed=FixedAnswer(204, (("Access-Control-Allow-Origin", "*"),)))
    routes = (
        ApiRoute("GET /items/{id}", to, required_parameters=("method.request.querystring.page",)),
        ApiRoute("POST /items", to, api_key_required=True),
        ApiRoute("PUT /items", to),
        ApiRoute("OPTIONS /items", fixed),
    )
    api = an_api(address, *routes, kind="REST", stages=(ApiStage("prod"),), api_keys=("secret",))

    def proxy(event: Any) -> tuple[int, dict[str, str], object]:  # noqa: ANN401
        if event["httpMethod"] == "PUT":
            return 200, {"X-Amz-Function-Error": "Unhandled"}, {}
        return 200, {}, {"statusCode": 200, "body": json.dumps(event)}

    async def use(client: httpx.AsyncClient) -> None:
        async def told(method: str, path: str, **headers: str) -> tuple[int, object]:
            answer = await client.request(method, path, headers=headers)
            return answer.status_code, answer.json()["message"]

        event = (await client.get("/prod/items/7?page=2")).json()
        assert "version" not in event
        assert (event["path"], event["requestContext"]["path"]) == ("/items/7", "/prod/items/7")
        assert (event["resource"], event["headers"]["Host"]) == ("/items/{id}", f"{address}:8080")
        assert await told("GET", "/prod/items/7") == (400, "Missing required request parameters: [page]")
        assert await told("POST", "/prod/items") == (403, "Forbidden")
        assert (await client.post("/prod/items", headers={"x-api-key": "secret"})).status_code == 200
        assert await told("PUT", "/prod/items") == (502, "Internal server error")
        assert await told("GET", "/prod/other") == (403, "Missing Authentication Token")
        assert await told("GET", "/items") == (403, "Forbidden")
        preflight = await client.options("/prod/items")
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, "*")

    serve(api, tmp_path, proxy, use)


def test_iam_lets_in_a_role_that_may_call_and_nobody_else(address: str, tmp_path: Path) -> None:
    allowed = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "arn:aws:execute-api:*:1:api/*/GET/items"}
    policy = read_policy("own", {"Statement": [allowed]})
    own = credentials_of("web")
    callers = ((Principal("App/Web", "arn:aws:iam::1:role/web", (policy,)), own),)
    routes = (ApiRoute("GET /items", TO, "AWS_IAM"), ApiRoute("DELETE /items", TO, "AWS_IAM"))

    async def use(client: httpx.AsyncClient) -> None:
        async def send(method: str) -> httpx.Response:
            request = AWSRequest(method, f"{client.base_url}/items", {"Host": f"{address}:8080"})
            keys = Credentials(own.access_key_id, own.secret_access_key, own.session_token)
            SigV4Auth(keys, "execute-api", "us-east-1").add_auth(request)
            return await client.request(method, "/items", headers=dict(request.headers.items()))

        answer = await send("GET")
        assert answer.status_code == 200, answer.text
        iam = answer.json()["requestContext"]["authorizer"]["iam"]
        assert iam["userArn"] == "arn:aws:sts::1:assumed-role/web/Web"
        assert (await send("DELETE")).status_code == 403
        assert (await client.get("/items")).json() == {"message": "Forbidden"}

    serve(an_api(address, *routes), tmp_path, echo, use, callers)
