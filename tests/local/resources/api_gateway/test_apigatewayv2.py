"""HTTP APIs as the plan has them."""

from tests.local.resources.templates import messages, one, plan_of, status
from tests.local.resources.test_lambda import greet

from cachetwin_local.assembly.template import Json
from cachetwin_local.topology.values import HttpApi, Topology

API_ID = {"Ref": "Api"}
ARN = {"Fn::GetAtt": ["Greet", "Arn"]}


def api(**resources: Json) -> Topology:
    given = {
        "Greet": greet(Role={"Fn::GetAtt": ["Role", "Arn"]}),
        "Role": one("IAM::Role", AssumeRolePolicyDocument={}),
        "Api": one("ApiGatewayV2::Api", Name="Shop", ProtocolType="HTTP"),
        "Stage": one("ApiGatewayV2::Stage", ApiId=API_ID, StageName="$default"),
        "Integration": one(
            "ApiGatewayV2::Integration",
            ApiId=API_ID,
            IntegrationType="AWS_PROXY",
            IntegrationUri=ARN,
            PayloadFormatVersion="2.0",
        ),
        "Route": route("GET /items/{id}"),
    }
    return plan_of(**{**given, **resources})


def route(key: str, integration: str = "Integration", **properties: Json) -> Json:
    target = {"Fn::Join": ["/", ["integrations", {"Ref": integration}]]}
    return one("ApiGatewayV2::Route", ApiId=API_ID, RouteKey=key, Target=target, **properties)


def api_of(topology: Topology) -> HttpApi:
    (found,) = topology.http_apis
    return found


def test_an_api_is_at_an_address_that_its_outputs_name() -> None:
    topology = api()
    found = api_of(topology)
    assert (found.endpoint.address, found.endpoint.port, found.depends_on) == ("127.0.0.1", 8090, ("App/Greet",))
    assert found.identity.attributes["ApiEndpoint"] == "http://127.0.0.1:8090"
    (only,) = found.routes
    assert (only.route_key, only.integration.function) == ("GET /items/{id}", "App/Greet")
    assert status(topology, "Api") == ("twinned", "http://127.0.0.1:8090, 1 route")
    assert messages(topology) == []


def test_stages_have_their_throttles_variables_and_logs() -> None:
    stage = one(
        "ApiGatewayV2::Stage",
        ApiId=API_ID,
        StageName="dev",
        StageVariables={"color": "blue"},
        DefaultRouteSettings={"ThrottlingBurstLimit": 5, "ThrottlingRateLimit": 2.5},
        RouteSettings={"GET /items/{id}": {"ThrottlingRateLimit": 1}},
        AccessLogSettings={"DestinationArn": "arn:aws:logs:::x", "Format": "$context.requestId"},
    )
    (found,) = api_of(api(Stage=stage)).stages
    assert (found.name, found.variables, found.access_log_format) == ("dev", {"color": "blue"}, "$context.requestId")
    assert (found.throttle.rate, found.throttle.burst) == (2.5, 5)
    assert found.routes["GET /items/{id}"].rate == 1


def test_what_an_api_cannot_do_here_is_said_and_left_out() -> None:
    queue = one(
        "ApiGatewayV2::Integration", ApiId=API_ID, IntegrationType="AWS_PROXY", IntegrationSubtype="SQS-SendMessage"
    )
    topology = api(Queue=queue, Send=route("POST /send", "Queue"))
    assert [one.route_key for one in api_of(topology).routes] == ["GET /items/{id}"]
    assert messages(topology) == ["its integration (SQS-SendMessage) does not run here: the route is left out"]
    sockets = api(Api=one("ApiGatewayV2::Api", Name="Chat", ProtocolType="WEBSOCKET"))
    assert sockets.http_apis == ()
    assert status(sockets, "Api") == ("not supported", "a WebSocket API does not run here")


def test_a_route_has_its_authorizer() -> None:
    authorizer = one(
        "ApiGatewayV2::Authorizer",
        ApiId=API_ID,
        Name="tokens",
        AuthorizerType="REQUEST",
        AuthorizerUri={"Fn::Join": ["", ["arn:aws:apigateway:us-east-1:lambda:path/functions/", ARN, "/invocations"]]},
        AuthorizerPayloadFormatVersion="2.0",
        EnableSimpleResponses=True,
        IdentitySource=["$request.header.Authorization"],
    )
    guarded = route("GET /items/{id}", AuthorizationType="CUSTOM", AuthorizerId={"Ref": "Tokens"})
    found = api_of(api(Tokens=authorizer, Route=guarded)).routes[0].authorizer
    assert found is not None
    assert (found.function, found.simple_responses, found.cache_ttl_s) == ("App/Greet", True, 300)
