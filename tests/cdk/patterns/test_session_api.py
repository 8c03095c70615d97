"""The session API pattern and its stack: no secret, one path, limits and logs; what it refuses."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_apigateway as rest
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Match, Template
from stacks.session_api import bundling
from stacks.session_api.stack import SessionApiStack

from cachetwin_cdk import (
    Access,
    AccessString,
    IamUser,
    PasswordUser,
    ReplicationGroup,
    ServerlessCache,
    UsageLimits,
    UserGroup,
    ValidationError,
)
from cachetwin_cdk.patterns import ApiType, SessionApi

FUNCTION = Path(__file__).parents[3] / "stacks" / "session_api" / "function"
Properties = Callable[[str], dict[str, Any]]
Warnings = Callable[[], list[str]]


@pytest.fixture
def code() -> lambda_.Code:
    return lambda_.Code.from_inline("def handle(event, context): return {'statusCode': 204}")


@pytest.fixture
def sessions(stack: cdk.Stack, code: lambda_.Code) -> SessionApi:
    return SessionApi(stack, "Sessions", code=code)


@pytest.mark.usefixtures("sessions")
def test_there_is_no_secret_anywhere(stack: cdk.Stack, properties: Properties) -> None:
    Template.from_stack(stack).resource_count_is("AWS::SecretsManager::Secret", 0)
    assert properties("AWS::ElastiCache::User")["AuthenticationMode"] == {"Type": "iam"}


def test_the_function_s_role_may_log_in_to_this_cache_as_this_user(stack: cdk.Stack, sessions: SessionApi) -> None:
    assert isinstance(sessions.cache, ServerlessCache)
    arns = stack.resolve([sessions.cache.serverless_cache_arn, sessions.cache_user.user_arn])
    Template.from_stack(stack).has_resource_properties(
        "AWS::IAM::Policy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [Match.object_like({"Action": "elasticache:Connect", "Effect": "Allow", "Resource": arns})]
                )
            },
            "Roles": [stack.resolve(sessions.function.role.role_name if sessions.function.role else None)],
        },
    )


@pytest.mark.usefixtures("sessions")
def test_the_function_has_one_way_out_and_nothing_has_another(stack: cdk.Stack) -> None:
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::EC2::SecurityGroupEgress", 1)
    template.resource_count_is("AWS::EC2::SecurityGroupIngress", 1)
    template.has_resource_properties("AWS::EC2::SecurityGroupEgress", {"FromPort": 6379, "ToPort": 6380})
    for gateway in ("AWS::EC2::InternetGateway", "AWS::EC2::NatGateway"):
        template.resource_count_is(gateway, 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Runtime", "python3.13"),
        ("Architectures", ["arm64"]),
        ("TracingConfig", {"Mode": "Active"}),
        ("Timeout", 10),
        ("MemorySize", 512),
    ],
)
@pytest.mark.usefixtures("sessions")
def test_the_function_is_traced_and_bounded(properties: Properties, name: str, value: object) -> None:
    assert properties("AWS::Lambda::Function")[name] == value


def test_the_function_is_told_where_its_cache_is(
    stack: cdk.Stack, sessions: SessionApi, properties: Properties
) -> None:
    assert isinstance(sessions.cache, ServerlessCache)
    assert properties("AWS::Lambda::Function")["Environment"]["Variables"] == stack.resolve(
        {
            "CACHE_HOST": sessions.cache.endpoint.hostname,
            "CACHE_PORT": sessions.cache.endpoint.port_text,
            "CACHE_TLS": "true",
            "CACHE_USER": sessions.cache_user.user_name,
            "CACHE_NAME": sessions.cache.serverless_cache_name,
            "CACHE_KIND": "serverless",
            "CACHE_KEY_PREFIX": "session:",
            "SESSION_TTL_SECONDS": "1800",
        }
    )


def test_the_cache_user_reads_and_writes_sessions_and_no_more(sessions: SessionApi) -> None:
    assert str(sessions.cache_user.access_string) == (
        "on ~session:* resetchannels -@all +@read +@write +@transaction +@connection -@admin -@dangerous"
    )


@pytest.mark.usefixtures("sessions")
def test_requests_are_limited_logged_and_measured(properties: Properties) -> None:
    stage = properties("AWS::ApiGatewayV2::Stage")
    assert stage["DefaultRouteSettings"] == {
        "DetailedMetricsEnabled": True,
        "ThrottlingBurstLimit": 200,
        "ThrottlingRateLimit": 100,
    }
    log = json.loads(stage["AccessLogSettings"]["Format"])
    assert log["requestId"] == "$context.requestId"
    assert not any("path" in value or "header" in value for value in log.values())


@pytest.mark.usefixtures("sessions")
def test_callers_sign_their_requests_unless_told_otherwise(properties: Properties) -> None:
    route = properties("AWS::ApiGatewayV2::Route")
    assert (route["RouteKey"], route["AuthorizationType"]) == ("$default", "AWS_IAM")


def test_anybody_may_call_where_that_was_asked_for(
    stack: cdk.Stack, code: lambda_.Code, properties: Properties
) -> None:
    SessionApi(stack, "Sessions", code=code, allow_anonymous=True)
    assert properties("AWS::ApiGatewayV2::Route")["AuthorizationType"] == "NONE"


def test_an_authorizer_guards_every_route(stack: cdk.Stack, code: lambda_.Code) -> None:
    authorizer = authorizers.HttpJwtAuthorizer("Jwt", "https://issuer.example.com", jwt_audience=["shop"])
    SessionApi(stack, "Sessions", code=code, authorizer=authorizer, routes=["GET /session", "ANY /state/{id}"])
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::ApiGatewayV2::Route", 2)
    template.all_resources_properties("AWS::ApiGatewayV2::Route", {"AuthorizationType": "JWT"})


@pytest.mark.usefixtures("sessions")
def test_every_log_group_is_encrypted_and_bound(stack: cdk.Stack) -> None:
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::Logs::LogGroup", 3)  # network flows, function, access
    template.all_resources_properties(
        "AWS::Logs::LogGroup", {"RetentionInDays": 30, "KmsKeyId": {"Fn::GetAtt": Match.any_value()}}
    )


@pytest.mark.usefixtures("sessions")
def test_the_cache_cannot_grow_without_an_end(properties: Properties) -> None:
    limits = properties("AWS::ElastiCache::ServerlessCache")["CacheUsageLimits"]
    assert limits == {"DataStorage": {"Maximum": 10, "Unit": "GB"}, "ECPUPerSecond": {"Maximum": 10_000}}


@pytest.mark.usefixtures("sessions")
def test_nothing_is_warned_of(warnings: Warnings) -> None:
    assert warnings() == []


def test_a_cache_that_exists_gets_one_more_user(
    stack: cdk.Stack, vpc: ec2.IVpc, code: lambda_.Code, properties: Properties
) -> None:
    users = UserGroup(stack, "Users", users=[PasswordUser(stack, "Other", access_string=AccessString.application())])
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, access=Access.user_group(users))
    sessions = SessionApi(stack, "Sessions", code=code, vpc=vpc, cache=cache)
    assert sessions.cache is cache
    assert len(properties("AWS::ElastiCache::UserGroup")["UserIds"]) == 2
    variables = properties("AWS::Lambda::Function")["Environment"]["Variables"]
    assert variables["CACHE_KIND"] == "replication-group"
    assert variables["CACHE_HOST"] == stack.resolve(cache.primary_endpoint.hostname)
    Template.from_stack(stack).resource_count_is("AWS::ElastiCache::ServerlessCache", 0)


def test_a_cache_whose_users_are_elsewhere_is_refused(stack: cdk.Stack, vpc: ec2.IVpc, code: lambda_.Code) -> None:
    cache = ServerlessCache.from_serverless_cache_attributes(
        stack,
        "Cache",
        serverless_cache_name="shop",
        endpoint_address="shop.example.com",
        user_group=UserGroup.from_user_group_id(stack, "Users", "shop-users"),
    )
    with pytest.raises(ValidationError, match="user_group must be one that this app may change"):
        SessionApi(stack, "Sessions", code=code, vpc=vpc, cache=cache)


def test_a_function_that_exists_is_told_and_let_in(stack: cdk.Stack, vpc: ec2.IVpc, code: lambda_.Code) -> None:
    function = lambda_.Function(
        stack,
        "Mine",
        code=code,
        handler="index.handle",
        runtime=lambda_.Runtime.PYTHON_3_13,
        vpc=vpc,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
        allow_all_outbound=False,
    )
    sessions = SessionApi(stack, "Sessions", function=function, vpc=vpc)
    assert sessions.function is function
    Template.from_stack(stack).has_resource_properties(
        "AWS::Lambda::Function",
        {"Environment": {"Variables": Match.object_like({"CACHE_TLS": "true", "CACHE_KIND": "serverless"})}},
    )
    Template.from_stack(stack).resource_count_is("AWS::EC2::SecurityGroupEgress", 1)


def test_everything_can_be_set(stack: cdk.Stack, vpc: ec2.IVpc, code: lambda_.Code, properties: Properties) -> None:
    SessionApi(
        stack,
        "Sessions",
        code=code,
        handler="index.handle",
        runtime=lambda_.Runtime.PYTHON_3_12,
        routes=["GET /session"],
        allow_anonymous=True,
        cors_preflight=apigateway.CorsPreflightOptions(allow_origins=["https://shop.example.com"]),
        rate_limit=5,
        burst_limit=10,
        environment={"LOG_LEVEL": "debug"},
        memory_size_mib=1024,
        timeout=cdk.Duration.seconds(3),
        architecture=lambda_.Architecture.X86_64,
        reserved_concurrent_executions=5,
        vpc=vpc,
        cache_usage_limits=UsageLimits(data_storage_gb_max=1),
        cache_key_prefix="state:",
        cache_access=AccessString.read_only(),
        session_ttl=cdk.Duration.hours(1),
        backup_retention_days=0,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    function = properties("AWS::Lambda::Function")
    assert (function["Handler"], function["Runtime"], function["Timeout"]) == ("index.handle", "python3.12", 3)
    assert (function["Architectures"], function["ReservedConcurrentExecutions"]) == (["x86_64"], 5)
    variables = function["Environment"]["Variables"]
    assert (variables["LOG_LEVEL"], variables["SESSION_TTL_SECONDS"]) == ("debug", "3600")
    assert variables["CACHE_KEY_PREFIX"] == "state:"
    assert properties("AWS::ElastiCache::User")["AccessString"].startswith("on ~* ")
    assert properties("AWS::ApiGatewayV2::Stage")["DefaultRouteSettings"]["ThrottlingRateLimit"] == 5
    assert properties("AWS::ApiGatewayV2::Api")["CorsConfiguration"]["AllowOrigins"] == ["https://shop.example.com"]
    cache = properties("AWS::ElastiCache::ServerlessCache")
    assert cache["CacheUsageLimits"] == {"DataStorage": {"Maximum": 1, "Unit": "GB"}}
    assert "FinalSnapshotName" not in cache
    Template.from_stack(stack).resource_count_is("AWS::EC2::VPC", 0)


@pytest.mark.parametrize(
    ("props", "message"),
    [
        ({"code": None}, "code must be given, got None; pass code, or a function that exists"),
        ({"rate_limit": 0}, "rate_limit must be at least 1 request per second, got 0"),
        ({"burst_limit": 0}, "burst_limit must be at least 1 request, got 0"),
        ({"memory_size_mib": 64}, "memory_size_mib must be between 128 and 10240 MiB, got 64"),
        ({"timeout": cdk.Duration.seconds(30)}, "timeout must be between 1 and 29 seconds, got 30"),
        ({"session_ttl": cdk.Duration.millis(10)}, "session_ttl must be at least 1 second, got 0.01"),
        ({"cache_key_prefix": "a*"}, "cache_key_prefix must be literal text, got 'a\\*'"),
        ({"routes": ["session"]}, "routes must be written as a method and a path, got 'session'"),
        ({"environment": {"CACHE_HOST": "x"}}, "environment must not set what the pattern sets, got 'CACHE_HOST'"),
        (
            {"authorizer": authorizers.HttpIamAuthorizer(), "allow_anonymous": True},
            "allow_anonymous must be False with an authorizer",
        ),
    ],
)
def test_what_cannot_work_is_refused(stack: cdk.Stack, code: lambda_.Code, props: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SessionApi(stack, "Sessions", **{"code": code, **props})


def test_what_exists_has_to_be_reachable(stack: cdk.Stack, vpc: ec2.IVpc, code: lambda_.Code) -> None:
    user = IamUser(stack, "User", access_string=AccessString.application())
    cache = ServerlessCache(stack, "Cache", vpc=vpc, access=Access.users(user))
    with pytest.raises(ValidationError, match="vpc must be given with a cache that exists"):
        SessionApi(stack, "A", code=code, cache=cache)
    with pytest.raises(ValidationError, match="cache_usage_limits must be left out when cache is given"):
        SessionApi(stack, "B", code=code, cache=cache, vpc=vpc, cache_usage_limits=UsageLimits(data_storage_gb_max=1))
    outside = lambda_.Function(stack, "Outside", code=code, handler="index.handle", runtime=lambda_.Runtime.PYTHON_3_13)
    with pytest.raises(ValidationError, match="function must lie in the VPC, got 'Shop/Outside'"):
        SessionApi(stack, "C", function=outside, vpc=vpc)
    with pytest.raises(ValidationError, match="function must be left out when code is given"):
        SessionApi(stack, "D", code=code, function=outside, vpc=vpc)


def _rest_methods(stack: cdk.Stack) -> dict[tuple[str, str], dict[str, Any]]:
    """The methods of a REST API by verb and path."""
    resources = Template.from_stack(stack).to_json()["Resources"]

    def path(value: dict[str, Any]) -> str:
        if "Ref" not in value:
            return ""
        one = resources[value["Ref"]]["Properties"]
        return f"{path(one['ParentId'])}/{one['PathPart']}"

    methods = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::ApiGateway::Method"]
    return {(one["HttpMethod"], path(one["ResourceId"]) or "/"): one for one in methods}


def test_a_rest_api_serves_the_same_routes(stack: cdk.Stack, vpc: ec2.IVpc, code: lambda_.Code) -> None:
    routes = ["GET /session", "ANY /state/{id}", "GET /"]
    sessions = SessionApi(stack, "Sessions", code=code, vpc=vpc, api_type=ApiType.REST, routes=routes)
    methods = _rest_methods(stack)
    assert set(methods) == {("GET", "/session"), ("ANY", "/state/{id}"), ("GET", "/")}
    for method in methods.values():
        assert method["AuthorizationType"] == "AWS_IAM"
        assert method["Integration"]["Type"] == "AWS_PROXY"
        assert "RequestValidatorId" in method
    assert isinstance(sessions.api, rest.RestApi)
    assert sessions.url == sessions.api.url
    Template.from_stack(stack).has_resource_properties(
        "AWS::Lambda::Permission", {"Principal": "apigateway.amazonaws.com"}
    )


def test_a_rest_api_without_routes_hands_every_request_on(stack: cdk.Stack, vpc: ec2.IVpc, code: lambda_.Code) -> None:
    SessionApi(stack, "Sessions", code=code, vpc=vpc, api_type=ApiType.REST, allow_anonymous=True)
    methods = _rest_methods(stack)
    assert set(methods) == {("ANY", "/"), ("ANY", "/{proxy+}")}
    assert {method["AuthorizationType"] for method in methods.values()} == {"NONE"}


def test_a_rest_api_is_limited_logged_and_traced(
    stack: cdk.Stack, vpc: ec2.IVpc, code: lambda_.Code, properties: Properties
) -> None:
    SessionApi(stack, "Sessions", code=code, vpc=vpc, api_type=ApiType.REST, rate_limit=5, burst_limit=9)
    stage = properties("AWS::ApiGateway::Stage")
    assert stage["TracingEnabled"] is True
    assert stage["MethodSettings"] == [
        {
            "DataTraceEnabled": False,
            "HttpMethod": "*",
            "LoggingLevel": "ERROR",
            "MetricsEnabled": True,
            "ResourcePath": "/*",
            "ThrottlingBurstLimit": 9,
            "ThrottlingRateLimit": 5,
        }
    ]
    log = json.loads(stage["AccessLogSetting"]["Format"])
    assert (log["requestId"], log["resourcePath"]) == ("$context.requestId", "$context.resourcePath")
    assert properties("AWS::ApiGateway::RestApi")["EndpointConfiguration"] == {"Types": ["REGIONAL"]}


@pytest.mark.parametrize(("made_elsewhere", "count"), [(False, 1), (True, 0)])
def test_the_account_s_role_for_logs_is_made_unless_somebody_has(
    stack: cdk.Stack, vpc: ec2.IVpc, code: lambda_.Code, *, made_elsewhere: bool, count: int
) -> None:
    SessionApi(stack, "S", code=code, vpc=vpc, api_type=ApiType.REST, account_log_role=not made_elsewhere)
    Template.from_stack(stack).resource_count_is("AWS::ApiGateway::Account", count)


def test_a_rest_api_takes_its_own_authorizer_and_cors(stack: cdk.Stack, vpc: ec2.IVpc, code: lambda_.Code) -> None:
    handler = lambda_.Function(stack, "Who", code=code, handler="index.handle", runtime=lambda_.Runtime.PYTHON_3_13)
    authorizer = rest.TokenAuthorizer(stack, "Token", handler=handler)
    cors = rest.CorsOptions(allow_origins=["https://shop.example.com"])
    routes = ["GET /session"]
    SessionApi(
        stack, "S", code=code, vpc=vpc, api_type=ApiType.REST, routes=routes, authorizer=authorizer, cors_preflight=cors
    )
    methods = _rest_methods(stack)
    assert methods["GET", "/session"]["AuthorizationType"] == "CUSTOM"
    assert methods["OPTIONS", "/session"]["AuthorizationType"] == "NONE"


def test_what_is_made_for_the_other_kind_of_api_is_refused(stack: cdk.Stack, code: lambda_.Code) -> None:
    iam, cors = authorizers.HttpIamAuthorizer(), rest.CorsOptions(allow_origins=["*"])
    with pytest.raises(ValidationError, match="authorizer must be one for REST APIs, got 'one for HTTP APIs'"):
        SessionApi(stack, "A", code=code, api_type=ApiType.REST, authorizer=iam)
    with pytest.raises(ValidationError, match=r"cors_preflight must be aws_apigatewayv2\.CorsPreflightOptions for"):
        SessionApi(stack, "B", code=code, cors_preflight=cors)


def test_an_acknowledged_role_is_the_pattern_s_own(stack: cdk.Stack, sessions: SessionApi) -> None:
    assert isinstance(sessions.function.role, iam.Role)
    Template.from_stack(stack).all_resources_properties("AWS::IAM::Role", {"ManagedPolicyArns": Match.absent()})


def test_the_asset_of_the_stack_runs_with_nothing_else_installed() -> None:
    folder = bundling.bundle(FUNCTION, "arm64")
    probe = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "import sessions.store, sessions.handler, valkey\n"
        "print(valkey.__version__, sessions.handler.__file__.startswith(sys.argv[1]))"
    )
    import botocore  # type: ignore[import-untyped]  # noqa: PLC0415  (Lambda's runtime brings it: its place here)

    runtime = str(Path(botocore.__file__).parents[1])
    result = subprocess.run(
        [sys.executable, "-S", "-c", probe, str(folder), runtime], capture_output=True, text=True, check=False
    )
    assert (result.stdout, result.stderr) == ("6.2.0 True\n", "")


def test_the_asset_is_made_once_per_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = tmp_path / "function"
    source.mkdir()
    (source / "requirements.txt").write_text("")
    (source / "handler.py").write_text("A = 1\n")
    first = bundling.bundle(source, "arm64")
    assert bundling.bundle(source, "arm64") == first
    assert (first / "handler.py").read_text() == "A = 1\n"
    (source / "handler.py").write_text("A = 2\n")
    second = bundling.bundle(source, "arm64")
    assert second != first
    assert (second / "handler.py").read_text() == "A = 2\n"
    assert sorted(path.name for path in (tmp_path / "cache" / "cachetwin" / "functions").iterdir()) == sorted(
        [first.name, second.name]
    )


def test_dependencies_without_hashes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = tmp_path / "function"
    source.mkdir()
    (source / "requirements.txt").write_text("valkey==6.2.0\n")
    with pytest.raises(
        bundling.BundlingError, match=r"requirements must be installable as wheels for arm64, got .*hash"
    ):
        bundling.bundle(source, "arm64")


def test_the_stack_serves_one_session_per_caller() -> None:
    template = Template.from_stack(SessionApiStack(cdk.App(analytics_reporting=False), "Api"))
    routes = template.find_resources("AWS::ApiGatewayV2::Route").values()
    keys = {route["Properties"]["RouteKey"] for route in routes}
    assert {f"{method} /session" for method in ("DELETE", "GET", "PATCH", "POST")} < keys
    template.has_output("Url", Match.any_value())
