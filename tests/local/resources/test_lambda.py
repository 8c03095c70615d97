"""Functions as the plan has them."""

import pytest
from tests.local.resources.templates import CACHE, messages, one, plan_of, status

from cachetwin_local.assembly.template import Assembly, FileAsset, Json, Resource, Stack
from cachetwin_local.identity.resource_policies import may_service
from cachetwin_local.plan.planner import plan
from cachetwin_local.topology.values import Function, Topology

INLINE = {"ZipFile": "def handle(event, context): return event"}
FUNCTION = {"Runtime": "python3.13", "Handler": "index.handle", "Role": "arn:aws:iam::1:role/r", "Code": INLINE}


def function_of(**resources: Json) -> Function:
    (found,) = plan_of(**resources).functions
    return found


def greet(**properties: Json) -> Json:
    return one("Lambda::Function", **{**FUNCTION, **properties})


def test_an_inline_function_has_the_defaults_of_the_service() -> None:
    found = function_of(Greet=greet())
    assert (found.timeout_s, found.memory_mb, found.ephemeral_storage_mb) == (3, 128, 512)
    assert found.code.inline == INLINE["ZipFile"]
    assert found.identity.arn == f"arn:aws:lambda:us-east-1:000000000000:function:{found.identity.physical_name}"
    assert found.log_group == f"/aws/lambda/{found.identity.physical_name}"
    assert found.reserved_concurrency is None


def test_a_function_has_what_the_template_says() -> None:
    found = function_of(
        Greet=greet(
            FunctionName="greet",
            Timeout=30,
            MemorySize="1024",
            ReservedConcurrentExecutions=0,
            Environment={"Variables": {"A": "b"}},
            LoggingConfig={"LogFormat": "JSON", "LogGroup": "/mine"},
            TracingConfig={"Mode": "Active"},
            DeadLetterConfig={"TargetArn": "arn:aws:sqs:us-east-1:1:dead"},
        )
    )
    assert (found.identity.physical_name, found.timeout_s, found.memory_mb) == ("greet", 30, 1024)
    assert (found.reserved_concurrency, found.environment) == (0, {"A": "b"})
    assert (found.log_format, found.log_group, found.traced) == ("JSON", "/mine", True)
    assert found.asynchronous.dead_letters == "arn:aws:sqs:us-east-1:1:dead"


def test_versions_aliases_and_the_url_belong_to_their_function() -> None:
    arn = {"Fn::GetAtt": ["Greet", "Arn"]}
    topology = plan_of(
        Greet=greet(),
        One=one("Lambda::Version", FunctionName={"Ref": "Greet"}),
        Live=one("Lambda::Alias", FunctionName={"Ref": "Greet"}, FunctionVersion="1", Name="live"),
        Url=one("Lambda::Url", TargetFunctionArn=arn, AuthType="NONE", Cors={"AllowOrigins": ["*"]}),
        Config=one(
            "Lambda::EventInvokeConfig", FunctionName={"Ref": "Greet"}, Qualifier="live", MaximumRetryAttempts=0
        ),
    )
    (found,) = topology.functions
    assert found.qualifiers == ("1", "live")
    assert found.url is not None
    assert (found.url.endpoint.address, found.url.endpoint.port) == ("127.0.0.1", 8090)
    assert found.url.cors is not None
    assert found.url.cors.allow_origins == ("*",)
    assert found.asynchronous.retries_max == 0


def test_what_does_not_run_here_is_named() -> None:
    topology = plan_of(
        Java=greet(Runtime="java21"),
        Image=one("Lambda::Function", PackageType="Image", Code={"ImageUri": "x"}, Role="r"),
        Elsewhere=greet(Code={"S3Bucket": "mine", "S3Key": "code.zip"}),
    )
    assert topology.functions == ()
    assert status(topology, "Java") == (
        "not supported",
        "functions run here in Python (python3.x) and Node.js (nodejsN.x), got java21",
    )
    assert status(topology, "Image")[0] == "not supported"
    assert status(topology, "Elsewhere")[1] == "its code must be inline or an asset of this app, got s3://mine/code.zip"


def with_assets(**resources: Json) -> Topology:
    made = {
        name: Resource("App", name, value["Type"], value.get("Properties", {}), name, None, ())
        for name, value in resources.items()
    }
    stack = Stack("App", "App", "us-east-1", "000000000000", (), made)
    assets = {name: FileAsset(name, f"asset.{name}", f"{name}.zip") for name in ("code", "layer")}
    return plan(Assembly({"App": stack}, {}, assets), project="test")


def test_code_and_layers_are_the_assets_of_the_app() -> None:
    layer = one("Lambda::LayerVersion", Content={"S3Bucket": "assets", "S3Key": "layer.zip"})
    other = "arn:aws:lambda:us-east-1:580247275435:layer:LambdaInsightsExtension:38"
    code = {"S3Bucket": "assets", "S3Key": "code.zip"}
    topology = with_assets(Layer=layer, Greet=greet(Code=code, Layers=[{"Ref": "Layer"}, other]))
    (found,) = topology.functions
    assert (found.code.path, found.layers) == ("asset.code", ("asset.layer",))
    assert any(other in message for message in messages(topology))


def test_a_function_depends_on_the_cache_whose_endpoint_it_gets_and_must_be_in_a_vpc_to_reach_it() -> None:
    host = {"Fn::GetAtt": ["Cache", "PrimaryEndPoint.Address"]}
    topology = plan_of(
        Cache=one("ElastiCache::ReplicationGroup", **CACHE),
        Greet=greet(Environment={"Variables": {"HOST": host}}),
    )
    assert topology.functions[0].depends_on == ("App/Cache",)
    assert "Greet cannot reach Cache: it is in no VPC (VpcConfig)" in messages(topology)


def test_a_variable_from_what_does_not_run_is_said() -> None:
    machine = one("StepFunctions::StateMachine")
    topology = plan_of(Machine=machine, Greet=greet(Environment={"Variables": {"MACHINE": {"Ref": "Machine"}}}))
    assert any(message.startswith("MACHINE comes from App/Machine") for message in messages(topology))


def mapped(**properties: Json) -> Topology:
    given = {"EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]}, "FunctionName": {"Ref": "Function"}, **properties}
    return plan_of(Function=greet(), Queue=one("SQS::Queue"), Map=one("Lambda::EventSourceMapping", **given))


def test_a_mapping_goes_to_the_endpoint_with_its_functions_arn() -> None:
    topology = mapped(BatchSize=3)
    assert topology.aws_api is not None
    (mapping,) = [one for one in topology.aws_api.resources if one.identity.logical_id == "Map"]
    assert (mapping.properties["FunctionName"], mapping.properties["BatchSize"]) == (
        topology.functions[0].identity.arn,
        3,
    )
    assert status(topology, "Map")[0] == "twinned"


@pytest.mark.parametrize(
    ("properties", "why"),
    [
        ({"EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/s"}, "event sources here, got kinesis"),
        ({"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:other"}, "no stack of this app has its source"),
        ({"FunctionName": "other"}, "no stack of this app has its function, other"),
    ],
)
def test_a_mapping_that_cannot_run_is_named(properties: dict[str, Json], why: str) -> None:
    kind, note = status(mapped(**properties), "Map")
    assert kind == "not supported"
    assert why in note


def test_permissions_say_which_services_may_invoke_a_function() -> None:
    topology = plan_of(
        Function=greet(),
        Queue=one("SQS::Queue"),
        Permission=one(
            "Lambda::Permission",
            Action="lambda:InvokeFunction",
            FunctionName={"Fn::GetAtt": ["Function", "Arn"]},
            Principal="events.amazonaws.com",
            SourceArn="arn:aws:events:us-east-1:000000000000:rule/mine",
        ),
        Policy=one(
            "SQS::QueuePolicy",
            Queues=[{"Ref": "Queue"}],
            PolicyDocument={
                "Statement": {
                    "Effect": "Allow",
                    "Principal": {"Service": ["sns.amazonaws.com"]},
                    "Action": "sqs:SendMessage",
                    "Resource": "*",
                }
            },
        ),
    )
    arn = topology.functions[0].identity.arn
    queue = next(g.resource for g in topology.grants if ":sqs:" in g.resource)
    mine, other = ({"aws:SourceArn": f"arn:aws:events:us-east-1:000000000000:rule/{n}"} for n in ("mine", "other"))
    action = "lambda:InvokeFunction"
    assert may_service(topology.grants, "events.amazonaws.com", action, arn, mine)
    assert not may_service(topology.grants, "events.amazonaws.com", action, arn, other)
    assert not may_service(topology.grants, "sns.amazonaws.com", action, arn, mine)
    assert may_service(topology.grants, "sns.amazonaws.com", "sqs:SendMessage", queue, {})
    assert not may_service(topology.grants, "events.amazonaws.com", "sqs:SendMessage", queue, {})
