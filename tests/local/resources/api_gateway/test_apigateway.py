"""REST APIs as the plan has them."""

from tests.local.resources.templates import messages, one, plan_of, status
from tests.local.resources.test_lambda import greet

from cachetwin_local.assembly.template import Json
from cachetwin_local.topology.http_apis import ApiRoute, AwsAction, GatewayResponse, MappedResponse, Quota, Throttle
from cachetwin_local.topology.principals import principals_of
from cachetwin_local.topology.values import Topology

API_ID = {"Ref": "Api"}
ROOT = {"Fn::GetAtt": ["Api", "RootResourceId"]}
ARN = {"Fn::GetAtt": ["Greet", "Arn"]}
URI = {"Fn::Join": ["", ["arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/", ARN, "/invocations"]]}
PROXY = {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": URI}
PREFLIGHT = {
    "Type": "MOCK",
    "RequestTemplates": {"application/json": "{ statusCode: 200 }"},
    "IntegrationResponses": [
        {"StatusCode": "204", "ResponseParameters": {"method.response.header.Access-Control-Allow-Origin": "'*'"}}
    ],
}


def api(**resources: Json) -> Topology:
    given = {
        "Role": one("IAM::Role", AssumeRolePolicyDocument={}),
        "Greet": greet(Role={"Fn::GetAtt": ["Role", "Arn"]}),
        "Api": one("ApiGateway::RestApi", Name="Shop"),
        "Items": one("ApiGateway::Resource", RestApiId=API_ID, ParentId=ROOT, PathPart="items"),
        "Item": one("ApiGateway::Resource", RestApiId=API_ID, ParentId={"Ref": "Items"}, PathPart="{id}"),
        "Get": method("GET", {"Ref": "Item"}, PROXY),
        "Deployment": one("ApiGateway::Deployment", RestApiId=API_ID),
        "Stage": one("ApiGateway::Stage", RestApiId=API_ID, DeploymentId={"Ref": "Deployment"}, StageName="prod"),
    }
    return plan_of(**{**given, **resources})


def method(verb: str, resource: Json, integration: Json, **properties: Json) -> Json:
    given = {"RestApiId": API_ID, "ResourceId": resource, "HttpMethod": verb, "AuthorizationType": "NONE"}
    return one("ApiGateway::Method", **{**given, "Integration": integration, **properties})


def routes(topology: Topology) -> dict[str, ApiRoute]:
    (found,) = topology.http_apis
    return {route.route_key: route for route in found.routes}


def test_a_method_has_the_path_of_its_resources_and_its_function() -> None:
    topology = api()
    (found,) = topology.http_apis
    assert (found.kind, found.depends_on, [stage.name for stage in found.stages]) == ("REST", ("App/Greet",), ["prod"])
    assert routes(topology)["GET /items/{id}"].integration.function == "App/Greet"
    assert status(topology, "Api") == ("twinned", "http://127.0.0.1:8090, 1 method")
    assert messages(topology) == []


def test_the_preflight_of_cdk_is_mapped_to_its_literal_headers() -> None:
    mapping = routes(api(Options=method("OPTIONS", ROOT, PREFLIGHT)))["OPTIONS /"].integration.mapping
    assert mapping is not None
    assert mapping.responses == (
        MappedResponse(204, None, {"method.response.header.Access-Control-Allow-Origin": "'*'"}),
    )


def test_keys_validators_authorizers_and_throttles_are_read() -> None:
    topology = api(
        Key=one("ApiGateway::ApiKey", Value="k" * 20, Enabled=True),
        Off=one("ApiGateway::ApiKey", Value="o" * 20),
        Plan=one(
            "ApiGateway::UsagePlan",
            ApiStages=[{"ApiId": API_ID, "Stage": {"Ref": "Stage"}, "Throttle": {"/items/{id}/GET": {"RateLimit": 3}}}],
            Quota={"Limit": 9, "Period": "MONTH"},
        ),
        PlanKey=one("ApiGateway::UsagePlanKey", KeyId={"Ref": "Key"}, KeyType="API_KEY", UsagePlanId={"Ref": "Plan"}),
        Order=one(
            "ApiGateway::Model",
            RestApiId=API_ID,
            Name="Order",
            ContentType="application/json",
            Schema={"type": "object"},
        ),
        Validator=one(
            "ApiGateway::RequestValidator", RestApiId=API_ID, ValidateRequestParameters=True, ValidateRequestBody=True
        ),
        Missing=one("ApiGateway::GatewayResponse", RestApiId=API_ID, ResponseType="DEFAULT_4XX", StatusCode="404"),
        Tokens=one(
            "ApiGateway::Authorizer",
            RestApiId=API_ID,
            Name="tokens",
            Type="TOKEN",
            AuthorizerUri=URI,
            IdentitySource="method.request.header.Authorization",
        ),
        Get=method(
            "GET",
            {"Ref": "Item"},
            PROXY,
            ApiKeyRequired=True,
            AuthorizationType="CUSTOM",
            AuthorizerId={"Ref": "Tokens"},
            RequestValidatorId={"Ref": "Validator"},
            RequestModels={"application/json": {"Ref": "Order"}},
            RequestParameters={"method.request.querystring.page": True, "method.request.header.x": False},
        ),
        Stage=one(
            "ApiGateway::Stage",
            RestApiId=API_ID,
            StageName="prod",
            MethodSettings=[
                {"ResourcePath": "/*", "HttpMethod": "*", "ThrottlingRateLimit": 5, "ThrottlingBurstLimit": 7}
            ],
        ),
    )
    (found,) = topology.http_apis
    route = routes(topology)["GET /items/{id}"]
    assert (route.api_key_required, route.required_parameters) == (True, ("method.request.querystring.page",))
    assert route.authorizer is not None
    assert (route.authorizer.kind, route.authorizer.identity_sources) == ("TOKEN", ("$request.header.Authorization",))
    (plan,) = found.usage_plans
    assert (plan.stages, plan.quota) == ({"prod": {"GET /items/{id}": Throttle(3.0)}}, Quota(9, "MONTH"))
    assert [(key.value, key.plans) for key in found.api_keys] == [("k" * 20, (plan.plan_id,))]
    assert found.models[route.body_models["application/json"]] == '{"type": "object"}'
    assert found.gateway_responses == (GatewayResponse("DEFAULT_4XX", 404),)
    assert messages(topology) == []
    assert (found.stages[0].throttle.rate, found.stages[0].throttle.burst) == (5, 7)


def test_a_queue_behind_a_method_is_called_with_the_role_of_the_integration() -> None:
    uri = "arn:aws:apigateway:us-east-1:sqs:path/1/orders"
    role = {"Fn::GetAtt": ["Role", "Arn"]}
    given = {"Type": "AWS", "IntegrationHttpMethod": "POST", "Uri": uri, "Credentials": role}
    topology = api(Send=method("POST", ROOT, given))
    integration = routes(topology)["POST /"].integration
    assert integration.aws == AwsAction("sqs", "us-east-1", topology.roles[0].arn, path="/1/orders")
    assert messages(topology) == []
    assert [one.name for one in principals_of(topology) if " as " in one.name] == [
        f"App/Api as {topology.roles[0].arn.rpartition('/')[2]}"
    ]


def test_what_a_method_cannot_do_here_is_said_and_left_out() -> None:
    uri = "arn:aws:apigateway:us-east-1:states:action/StartExecution"
    topology = api(Send=method("POST", ROOT, {"Type": "AWS", "Uri": uri}))
    assert list(routes(topology)) == ["GET /items/{id}"]
    assert messages(topology) == [f"its integration (AWS {uri}) does not run here: the method is left out"]
