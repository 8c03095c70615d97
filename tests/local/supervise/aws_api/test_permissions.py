"""The actions and resources that calls need."""

import json
from typing import Any

import pytest

from cachetwin_local.supervise.aws_api.access.permissions import needs_of
from cachetwin_local.supervise.aws_api.protocol.calls import read_call
from cachetwin_local.supervise.aws_api.protocol.services import SERVICES, service_of
from cachetwin_local.supervise.http.message import Field
from cachetwin_local.supervise.http.server import HttpRequest

ACCOUNT = "111122223333"


def request(method: str = "POST", target: str = "/", body: bytes = b"", **headers: str) -> HttpRequest:
    fields = tuple(Field(name.replace("_", "-").encode(), value.encode(), b"") for name, value in headers.items())
    return HttpRequest(method, target, fields, body, "127.0.0.1")


def needs(signing_name: str, sent: HttpRequest) -> list[tuple[str, str]]:
    call = read_call(sent, SERVICES[signing_name], "eu-west-1")
    return needs_of(call, "aws", ACCOUNT, lambda _module, _name: None)


def of_json(signing_name: str, operation: str, **parameters: object) -> list[tuple[str, str]]:
    service = SERVICES[signing_name]
    body = json.dumps(parameters).encode()
    return needs(signing_name, request(body=body, x_amz_target=f"{service.target}.{operation}"))


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:eu-west-1:{ACCOUNT}:{resource}"


@pytest.mark.parametrize(
    ("signing_name", "operation", "parameters", "action", "resources"),
    [
        ("sqs", "SendMessageBatch", {"QueueUrl": "http://x/1/orders"}, "sqs:SendMessage", ["orders"]),
        ("sqs", "ListQueues", {}, "sqs:ListQueues", ["*"]),
        ("secretsmanager", "GetSecretValue", {"SecretId": "db"}, "secretsmanager:GetSecretValue", ["secret:db-??????"]),
        ("ssm", "GetParameters", {"Names": ["/a/b", "c"]}, "ssm:GetParameters", ["parameter/a/b", "parameter/c"]),
        ("dynamodb", "Query", {"TableName": "t", "IndexName": "i"}, "dynamodb:Query", ["table/t/index/i"]),
        (
            "dynamodb",
            "BatchGetItem",
            {"RequestItems": {"a": {}, "b": {}}},
            "dynamodb:BatchGetItem",
            ["table/a", "table/b"],
        ),
        (
            "dynamodb",
            "ExecuteStatement",
            {"Statement": 'select * from "music" where x=1'},
            "dynamodb:ExecuteStatement",
            ["table/music"],
        ),
        ("kms", "Encrypt", {"KeyId": "1-2"}, "kms:Encrypt", ["key/1-2"]),
        (
            "logs",
            "PutLogEvents",
            {"logGroupName": "/g", "logStreamName": "s"},
            "logs:PutLogEvents",
            ["log-group:/g:log-stream:s"],
        ),
        ("monitoring", "PutMetricData", {"Namespace": "N"}, "cloudwatch:PutMetricData", ["*"]),
        ("monitoring", "SetAlarmState", {"AlarmName": "high"}, "cloudwatch:SetAlarmState", ["alarm:high"]),
        (
            "events",
            "PutEvents",
            {"Entries": [{"EventBusName": "app"}, {}]},
            "events:PutEvents",
            ["event-bus/app", "event-bus/default"],
        ),
    ],
)
def test_a_call_needs_its_action_on_what_it_names(
    signing_name: str, operation: str, parameters: dict[str, Any], action: str, resources: list[str]
) -> None:
    service = action.partition(":")[0]
    wanted = [(action, one if one == "*" else arn(service, one)) for one in resources]
    assert of_json(signing_name, operation, **parameters) == wanted


@pytest.mark.parametrize(
    ("method", "target", "wanted"),
    [
        ("GET", "/", [("s3:ListAllMyBuckets", "*")]),
        ("GET", "/b?list-type=2", [("s3:ListBucket", "arn:aws:s3:::b")]),
        ("GET", "/b/?versions", [("s3:ListBucketVersions", "arn:aws:s3:::b")]),
        ("PUT", "/b", [("s3:CreateBucket", "arn:aws:s3:::b")]),
        ("POST", "/b?delete", [("s3:DeleteObject", "arn:aws:s3:::b/*")]),
        ("HEAD", "/b/k", [("s3:GetObject", "arn:aws:s3:::b/k")]),
        ("GET", "/b/a%20b/c?versionId=1", [("s3:GetObjectVersion", "arn:aws:s3:::b/a b/c")]),
        ("PUT", "/b/k?partNumber=1&uploadId=2", [("s3:PutObject", "arn:aws:s3:::b/k")]),
        ("DELETE", "/b/k?uploadId=2", [("s3:AbortMultipartUpload", "arn:aws:s3:::b/k")]),
        ("PUT", "/b/k?tagging", [("s3:PutObjectTagging", "arn:aws:s3:::b/k")]),
    ],
)
def test_a_request_to_s3_needs_what_its_path_says(method: str, target: str, wanted: list[tuple[str, str]]) -> None:
    assert needs("s3", request(method, target)) == wanted


def test_a_copy_needs_to_read_its_source_as_well() -> None:
    assert needs("s3", request("PUT", "/b/k", x_amz_copy_source="/from/a%20b?versionId=1")) == [
        ("s3:PutObject", "arn:aws:s3:::b/k"),
        ("s3:GetObject", "arn:aws:s3:::from/a b"),
    ]


def test_a_form_is_read_as_json_is() -> None:
    body = b"Action=Publish&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A1%3Anews&Message=x"
    sent = request(body=body, content_type="application/x-www-form-urlencoded; charset=utf-8")
    assert needs("sns", sent) == [("sns:Publish", "arn:aws:sns:eu-west-1:1:news")]


def test_who_calls_may_be_asked_by_everybody() -> None:
    sent = request(body=b"Action=GetCallerIdentity", content_type="application/x-www-form-urlencoded")
    assert needs("sts", sent) == []


@pytest.mark.parametrize(
    ("signing_name", "operation", "parameters", "wanted"),
    [
        (
            "dynamodb",
            "TransactWriteItems",
            {"TransactItems": [{"Put": {"TableName": "a"}}, {"Delete": {"TableName": "b"}}]},
            [("dynamodb:PutItem", "table/a"), ("dynamodb:DeleteItem", "table/b")],
        ),
        (
            "secretsmanager",
            "BatchGetSecretValue",
            {"SecretIdList": ["db"]},
            [("secretsmanager:BatchGetSecretValue", "*"), ("secretsmanager:GetSecretValue", "secret:db-??????")],
        ),
        (
            "secretsmanager",
            "BatchGetSecretValue",
            {"Filters": [{"Key": "name", "Values": ["db"]}]},
            [("secretsmanager:BatchGetSecretValue", "*"), ("secretsmanager:GetSecretValue", "*")],
        ),
        (
            "kms",
            "ReEncrypt",
            {"CiphertextBlob": "eA==", "DestinationKeyId": "1"},
            [("kms:ReEncryptFrom", "*"), ("kms:ReEncryptTo", "key/1")],
        ),
        ("ssm", "GetParameter", {"Name": "/a/b:1"}, [("ssm:GetParameter", "parameter/a/b")]),
    ],
)
def test_a_call_may_need_other_actions_than_its_name(
    signing_name: str, operation: str, parameters: dict[str, Any], wanted: list[tuple[str, str]]
) -> None:
    expected = [(action, one if one == "*" else arn(signing_name, one)) for action, one in wanted]
    assert of_json(signing_name, operation, **parameters) == expected


@pytest.mark.parametrize(
    ("signing_name", "sent"),
    [
        ("sns", request(body=b"Action=CreateTopic&Name=v&Action=ListTopics")),
        ("sns", request(target="/?Action=ListTopics", body=b"Action=CreateTopic&Name=v")),
        ("sns", request(body=b"Name=v")),
        ("sqs", request(body=b'{"a": "&Action=DeleteQueue&"}')),
    ],
)
def test_a_request_that_can_be_read_in_two_ways_is_refused(signing_name: str, sent: HttpRequest) -> None:
    with pytest.raises(ValueError, match=r"must|twice"):
        needs(signing_name, sent)


def test_the_fields_of_other_protocols_do_not_change_what_s3_is_asked() -> None:
    sent = request("GET", "/secret/key", b'{"path": "/allowed/x", "query": {}}', x_amz_target="a.GET")
    assert needs("s3", sent) == [("s3:GetObject", "arn:aws:s3:::secret/key")]
    sent = request("GET", "/secret/key", smithy_protocol="rpc-v2-cbor")
    assert needs("s3", sent) == [("s3:GetObject", "arn:aws:s3:::secret/key")]


@pytest.mark.parametrize(
    ("method", "target", "body", "expected"),
    [
        ("GET", "/schedules/nightly", {}, [("scheduler:GetSchedule", "schedule/default/nightly")]),
        ("DELETE", "/schedules/nightly?groupName=app", {}, [("scheduler:DeleteSchedule", "schedule/app/nightly")]),
        (
            "POST",
            "/schedules/nightly?groupName=app",
            {"GroupName": "other"},
            [
                ("scheduler:CreateSchedule", "schedule/app/nightly"),
                ("scheduler:CreateSchedule", "schedule/other/nightly"),
            ],
        ),
        ("GET", "/schedules", {}, [("scheduler:ListSchedules", "*")]),
        ("POST", "/schedule-groups/app", {}, [("scheduler:CreateScheduleGroup", "schedule-group/app")]),
    ],
)
def test_a_schedule_is_named_with_its_group(
    method: str, target: str, body: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    found = needs("scheduler", request(method, target, json.dumps(body).encode() if body else b""))
    assert found == [(action, name if name == "*" else arn("scheduler", name)) for action, name in expected]


def test_whoever_makes_a_schedule_passes_its_role() -> None:
    body = {"Target": {"Arn": "a", "RoleArn": "arn:aws:iam::1:role/r"}}
    found = needs("scheduler", request("PUT", "/schedules/nightly", json.dumps(body).encode()))
    assert ("iam:PassRole", "arn:aws:iam::1:role/r") in found


def test_whoever_gives_a_rule_a_role_passes_it() -> None:
    one, other = "arn:aws:iam::1:role/one", "arn:aws:iam::1:role/other"
    targets = [
        {"Id": "1", "Arn": "a", "RoleArn": one},
        {"Id": "2", "Arn": "b"},
        {"Id": "3", "Arn": "c", "RoleArn": one},
    ]
    assert of_json("events", "PutTargets", Rule="mine", Targets=targets) == [
        ("events:PutTargets", arn("events", "rule/mine")),
        ("iam:PassRole", one),
    ]
    assert of_json("events", "PutRule", Name="mine", EventBusName="app", RoleArn=other) == [
        ("events:PutRule", arn("events", "rule/app/mine")),
        ("iam:PassRole", other),
    ]


def test_records_of_a_stream_need_the_stream() -> None:
    stream = arn("dynamodb", "table/t/stream/now")
    for parameters in ({"StreamArn": stream}, {"ShardIterator": f"{stream}|1|abc"}):
        sent = request(body=json.dumps(parameters).encode(), x_amz_target="DynamoDBStreams_20120810.GetRecords")
        service = service_of("dynamodb", "DynamoDBStreams_20120810.GetRecords")
        assert service is not None
        call = read_call(sent, service, "eu-west-1")
        assert needs_of(call, "aws", ACCOUNT, lambda _module, _name: None) == [("dynamodb:GetRecords", stream)]
