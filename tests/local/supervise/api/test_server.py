"""An HTTP API that runs: routes, stages, CORS, throttles, authorizers, failures, in front of a function's socket."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from tests.local.supervise.api.apis import TO, an_api, echo, named, serve

from cachetwin_local.identity.credentials import credentials_of
from cachetwin_local.identity.directory import Principal
from cachetwin_local.identity.policies import read_policy
from cachetwin_local.topology.functions import Cors
from cachetwin_local.topology.http_apis import ApiAuthorizer, ApiRoute, ApiStage, Throttle


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
