"""A REST API that runs: mapping templates, models, keys and quotas, gateway responses, calls of AWS."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from tests.local.supervise.api.apis import TO, an_api, serve

from cachetwin_local.topology.http_apis import (
    ApiIntegration,
    ApiKey,
    ApiRoute,
    ApiStage,
    GatewayResponse,
    IntegrationMapping,
    MappedResponse,
    UsagePlan,
)

CORS_TEMPLATE = {"application/json": "{ statusCode: 200 }"}
CORS_ANSWER = MappedResponse(204, None, {"method.response.header.Access-Control-Allow-Origin": "'*'"})
KEY = ApiKey("k1", "secret", ("p1",))
PLAN = UsagePlan("p1", {"prod": {}})
PROD = (ApiStage("prod", {"color": "blue"}),)


def test_a_rest_api_answers_in_its_own_words(address: str, tmp_path: Path) -> None:
    to = replace(TO, payload_format="1.0")
    fixed = ApiIntegration(None, mapping=IntegrationMapping(CORS_TEMPLATE, responses=(CORS_ANSWER,)))
    routes = (
        ApiRoute("GET /items/{id}", to, required_parameters=("method.request.querystring.page",)),
        ApiRoute("POST /items", to, api_key_required=True),
        ApiRoute("PUT /items", to),
        ApiRoute("OPTIONS /items", fixed),
    )
    api = an_api(address, *routes, kind="REST", stages=(ApiStage("prod"),), api_keys=(KEY,), usage_plans=(PLAN,))

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
        answer = await client.post("/prod/items", headers={"x-api-key": "secret"})
        assert answer.json()["requestContext"]["identity"]["apiKeyId"] == "k1"
        assert await told("PUT", "/prod/items") == (502, "Internal server error")
        assert await told("GET", "/prod/other") == (403, "Missing Authentication Token")
        assert await told("GET", "/items") == (403, "Forbidden")
        preflight = await client.options("/prod/items")
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, "*")

    serve(api, tmp_path, proxy, use)


def test_a_function_gets_what_a_template_makes_and_its_error_chooses_the_response(address: str, tmp_path: Path) -> None:
    template = """#set($body = $input.path('$'))
    {"id": "$input.params('id')", "who": "$util.escapeJavaScript($body.who)", "all": $input.json('$.items'),
     "stage": "$context.stage", "color": "$stageVariables.color", "missing": "$body.missing",
     "names": [#foreach($one in $body.items)"$one.name"#if($foreach.hasNext),#end#end]}"""
    mapping = IntegrationMapping(
        {"application/json": template},
        passthrough="NEVER",
        responses=(
            MappedResponse(200, None, {"method.response.header.x-id": "integration.response.body.id"}),
            MappedResponse(404, "No such .*", {}, {"text/plain": "gone: $input.path('$.errorMessage')"}),
            MappedResponse(200, "teapot", {}, {"application/json": "#set($context.responseOverride.status = 418)no"}),
        ),
    )

    def answer(event: Any) -> tuple[int, dict[str, str], object]:  # noqa: ANN401
        if event["id"] == "7":
            return 200, {}, event
        text = "No such item" if event["id"] == "8" else "teapot"
        return 200, {"X-Amz-Function-Error": "Unhandled"}, {"errorMessage": text, "errorType": "KeyError"}

    async def use(client: httpx.AsyncClient) -> None:
        body = {"who": 'a "b"', "items": [{"name": "x"}, {"name": "y"}]}
        found = await client.post("/prod/items/7", json=body)
        assert found.json() == {
            "id": "7",
            "who": 'a "b"',
            "all": body["items"],
            "stage": "prod",
            "color": "blue",
            "missing": "",
            "names": ["x", "y"],
        }
        assert found.headers["x-id"] == "7"
        gone = await client.post("/prod/items/8", json=body)
        assert (gone.status_code, gone.text) == (404, "gone: No such item")
        assert (await client.post("/prod/items/9", json=body)).status_code == 418
        refused = await client.post("/prod/items/7", content="<x/>", headers={"content-type": "text/xml"})
        assert (refused.status_code, refused.json()) == (415, {"message": "Unsupported Media Type"})
        broken = await client.post("/prod/items/7", content="{")
        assert (broken.status_code, broken.json()) == (500, {"message": "Internal server error"})

    to = replace(TO, payload_format="1.0", mapping=mapping)
    serve(an_api(address, ApiRoute("POST /items/{id}", to), kind="REST", stages=PROD), tmp_path, answer, use)


def test_the_preflight_for_several_origins_names_the_one_that_asks(address: str, tmp_path: Path) -> None:
    template = """#set($origin = $input.params().header.get("Origin"))
#if($origin == "") #set($origin = $input.params().header.get("origin")) #end
#if($origin == "https://a.example" || $origin == "https://b.example")
  #set($context.responseOverride.header.Access-Control-Allow-Origin = $origin)
#end"""
    answer = MappedResponse(
        204,
        None,
        {"method.response.header.Access-Control-Allow-Origin": "'https://a.example'"},
        {"application/json": template},
    )
    fixed = ApiIntegration(None, mapping=IntegrationMapping(CORS_TEMPLATE, responses=(answer,)))

    async def use(client: httpx.AsyncClient) -> None:
        for origin, allowed in (("https://b.example", "https://b.example"), ("https://evil", "https://a.example")):
            preflight = await client.options("/prod/", headers={"Origin": origin})
            assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, allowed)

    serve(an_api(address, ApiRoute("OPTIONS /", fixed), kind="REST", stages=PROD), tmp_path, _nothing, use)


def test_a_body_must_meet_its_model(address: str, tmp_path: Path) -> None:
    uri = "https://apigateway.amazonaws.com/restapis/api/models/"
    models = {
        f"{uri}Order": json.dumps(
            {"type": "object", "required": ["items"], "properties": {"items": {"items": {"$ref": f"{uri}Item"}}}}
        ),
        f"{uri}Item": '{"type": "object", "properties": {"count": {"type": "integer", "minimum": 1}}}',
    }
    mock = ApiIntegration(None, mapping=IntegrationMapping(CORS_TEMPLATE, responses=(MappedResponse(200),)))
    route = ApiRoute("POST /", mock, body_models={"application/json": f"{uri}Order"})

    async def use(client: httpx.AsyncClient) -> None:
        for body, status in (({"items": [{"count": 1}]}, 200), ({"items": [{"count": 0}]}, 400), ({}, 400)):
            answer = await client.post("/prod/", json=body)
            assert answer.status_code == status, body
        assert (await client.post("/prod/", content="no")).json() == {"message": "Invalid request body"}
        assert (await client.post("/prod/", content="x", headers={"content-type": "text/plain"})).status_code != 400

    serve(an_api(address, route, kind="REST", stages=PROD, models=models), tmp_path, _nothing, use)


def test_answers_of_the_api_itself_have_the_words_of_its_gateway_responses(address: str, tmp_path: Path) -> None:
    responses = (
        GatewayResponse(
            "MISSING_AUTHENTICATION_TOKEN",
            404,
            {
                "gatewayresponse.header.x-path": "context.path",
                "gatewayresponse.header.x-who": "method.request.header.Who",
            },
            {"application/json": '{"error": $context.error.messageString, "type": "$context.error.responseType"}'},
        ),
        GatewayResponse("DEFAULT_4XX", None, {"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"}),
    )
    route = ApiRoute("GET /", ApiIntegration(None, mapping=IntegrationMapping()), api_key_required=True)

    async def use(client: httpx.AsyncClient) -> None:
        missing = await client.get("/prod/nowhere", headers={"Who": "me"})
        assert (missing.status_code, missing.headers["x-path"], missing.headers["x-who"]) == (
            404,
            "/prod/nowhere",
            "me",
        )
        assert missing.json() == {"error": "Missing Authentication Token", "type": "MISSING_AUTHENTICATION_TOKEN"}
        refused = await client.get("/prod/")
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (403, "*")
        assert refused.json() == {"message": "Forbidden"}

    api = an_api(address, route, kind="REST", stages=PROD, gateway_responses=responses)
    serve(api, tmp_path, _nothing, use)


def test_a_server_gets_what_is_mapped_and_nothing_else(address: str, tmp_path: Path) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 201 Created\r\nX-Kept: k\r\nContent-Length: %d\r\n\r\n%s" % (len(head), head))
        writer.close()

    async def use(client: httpx.AsyncClient) -> None:
        server = await asyncio.start_server(handle, address, 9099)
        async with server:
            answer = await client.get("/prod/things/a%20b?q=1&other=2", headers={"x-secret": "s"})
        head = answer.text.lower()
        assert (answer.status_code, answer.headers["x-kept"]) == (202, "k")
        assert head.startswith("get /store/a%20b?page=1 http/1.1")
        assert "x-stage: prod" in head
        assert "x-secret" not in head

    mapping = IntegrationMapping(
        parameters={
            "integration.request.path.id": "method.request.path.thing",
            "integration.request.querystring.page": "method.request.querystring.q",
            "integration.request.header.x-stage": "context.stage",
        },
        responses=(
            MappedResponse(500),
            MappedResponse(202, "2\\d\\d", {"method.response.header.x-kept": "integration.response.header.X-Kept"}),
        ),
    )
    there = ApiIntegration(None, uri=f"http://{address}:9099/store/{{id}}", method="GET", mapping=mapping)
    serve(an_api(address, ApiRoute("GET /things/{thing}", there), kind="REST", stages=PROD), tmp_path, _nothing, use)


def _nothing(_event: Any) -> tuple[int, dict[str, str], object]:  # noqa: ANN401
    return 200, {}, {}
