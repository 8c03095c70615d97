"""Rules and schedules as the plan has them."""

from tests.local.resources.templates import messages, one, plan_of, status, unreadable

from cachetwin_local.assembly.template import Json
from cachetwin_local.topology.values import Topology

FUNCTION = one(
    "Lambda::Function",
    Runtime="python3.13",
    Handler="index.handle",
    Role={"Fn::GetAtt": ["Role", "Arn"]},
    Code={"ZipFile": "def handle(event, context): return event"},
)
ARN = {"Fn::GetAtt": ["Function", "Arn"]}


def role(action: str) -> Json:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return one(
        "IAM::Role",
        AssumeRolePolicyDocument={},
        Policies=[{"PolicyName": "p", "PolicyDocument": {"Statement": [statement]}}],
    )


def permission(rule: str) -> Json:
    return one(
        "Lambda::Permission",
        Action="lambda:InvokeFunction",
        FunctionName={"Ref": "Function"},
        Principal="events.amazonaws.com",
        SourceArn={"Fn::GetAtt": [rule, "Arn"]},
    )


def planned(**resources: Json) -> Topology:
    return plan_of(Function=FUNCTION, Role=role("lambda:InvokeFunction"), **resources)


def test_a_rule_that_may_invoke_its_function_runs() -> None:
    rule = one("Events::Rule", EventPattern={"source": ["shop"]}, Targets=[{"Id": "f", "Arn": ARN}])
    topology = planned(Rule=rule, Permission=permission("Rule"))
    assert status(topology, "Rule")[0] == "twinned"
    assert messages(topology) == []
    assert topology.aws_api is not None
    assert [one.identity.logical_id for one in topology.aws_api.resources] == ["Rule"]


def test_a_rule_without_permission_is_named() -> None:
    topology = planned(Rule=one("Events::Rule", ScheduleExpression="rate(1 hour)", Targets=[{"Id": "f", "Arn": ARN}]))
    (message,) = messages(topology)
    assert "lets events.amazonaws.com do lambda:InvokeFunction" in message


def test_targets_that_do_not_run_are_named() -> None:
    targets = [
        {"Id": "a", "Arn": "arn:aws:states:us-east-1:000000000000:stateMachine:s"},
        {"Id": "c", "Arn": "arn:aws:ecs:us-east-1:000000000000:cluster/c", "EcsParameters": {"TaskDefinitionArn": "t"}},
        {"Id": "b", "Arn": "arn:aws:sqs:us-east-1:000000000000:other"},
    ]
    found = messages(planned(Rule=one("Events::Rule", ScheduleExpression="rate(1 hour)", Targets=targets)))
    assert any("a target of the kind states does not run here" in message for message in found)
    assert any("no stack of this app has the task definition t: nothing starts" in message for message in found)
    assert any("no stack of this app has the target" in message for message in found)


def test_a_schedule_delivers_with_its_role() -> None:
    target = {"Arn": ARN, "RoleArn": {"Fn::GetAtt": ["Deliverer", "Arn"]}}
    schedule = one(
        "Scheduler::Schedule",
        ScheduleExpression="cron(0 3 * * ? *)",
        ScheduleExpressionTimezone="Europe/Vienna",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )
    assert messages(planned(Schedule=schedule, Deliverer=role("lambda:InvokeFunction"))) == []
    (message,) = messages(planned(Schedule=schedule, Deliverer=role("sqs:SendMessage")))
    assert "may not do lambda:InvokeFunction" in message


def test_an_expression_that_cannot_be_read_is_an_error() -> None:
    topology = planned(Rule=one("Events::Rule", ScheduleExpression="rate(5 seconds)", Targets=[]))
    assert "rate must be a number and a unit" in unreadable(topology)["Rule"]


def test_a_pattern_and_a_policy_that_cannot_be_read_are_named() -> None:
    topology = planned(
        Rule=one("Events::Rule", EventPattern="{no JSON", Targets=[]),
        Queue=one("SQS::Queue"),
        Policy=one("SQS::QueuePolicy", Queues=[{"Ref": "Queue"}], PolicyDocument={"Statement": ["wrong"]}),
    )
    assert "must be JSON" in unreadable(topology)["Rule"]
    assert any("a statement must be an object" in message for message in messages(topology))
