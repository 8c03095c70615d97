"""The endpoint as a function or a service meets it: boto3 with the credentials of a role, moto behind the policies."""

import asyncio
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import botocore.credentials  # type: ignore[import-untyped]
import httpx
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from tests.processes import wait_until

from cachetwin_local.identity.credentials import credentials_of
from cachetwin_local.identity.directory import Principal
from cachetwin_local.identity.policies import read_policy
from cachetwin_local.identity.resource_policies import Grant
from cachetwin_local.supervise.aws_api.client import AwsClient
from cachetwin_local.supervise.aws_api.delivery import LogDelivery
from cachetwin_local.supervise.aws_api.server import AwsApiServer
from cachetwin_local.supervise.aws_api.settings import AwsApiSettings, Seed
from cachetwin_local.supervise.function.sockets import listen_for_calls
from cachetwin_local.supervise.project.logs import Logs

ACCOUNT, REGION = "111122223333", "eu-west-1"
READY_S = 60.0
KEY_ID = "0f0e0d0c-0000-4000-8000-000000000001"
CREDENTIALS = credentials_of("of the test")


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


POLICY = read_policy(
    "app",
    {
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "secretsmanager:GetSecretValue",
                "Resource": arn("secretsmanager", "secret:db-*"),
            },
            {"Effect": "Allow", "Action": "sqs:*", "Resource": [arn("sqs", "orders"), arn("sqs", "heard")]},
            {"Effect": "Allow", "Action": "events:PutEvents", "Resource": arn("events", "event-bus/default")},
            {"Effect": "Allow", "Action": "sns:Publish", "Resource": arn("sns", "news")},
            {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::files/*"},
            {"Effect": "Allow", "Action": "dynamodb:*Item", "Resource": arn("dynamodb", "table/music")},
            {"Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": arn("kms", f"key/{KEY_ID}")},
            {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": arn("ssm", "parameter/app/*")},
            {"Effect": "Allow", "Action": ["cloudwatch:*", "logs:*", "rekognition:*"], "Resource": "*"},
            {"Effect": "Deny", "Action": "cloudwatch:DeleteAlarms", "Resource": "*"},
        ]
    },
)
SENDING = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
CALLER = (Principal("App/Web", f"arn:aws:iam::{ACCOUNT}:role/web", (POLICY,)), CREDENTIALS)


def seed(type_name: str, name: str, resource_arn: str, url: str = "", **properties: Any) -> Seed:  # noqa: ANN401
    return Seed(f"AWS::{type_name}", f"App/{name}", name, resource_arn, {"QueueUrl": url}, properties)


def seeds(url: str) -> tuple[Seed, ...]:
    key = [{"AttributeName": "id", "KeyType": "HASH"}]
    attributes = [{"AttributeName": "id", "AttributeType": "S"}]
    redrive = {"deadLetterTargetArn": arn("sqs", "dead"), "maxReceiveCount": 3}
    return (
        seed("SecretsManager::Secret", "db", arn("secretsmanager", "secret:db-abc123"), SecretString="open sesame"),
        seed("SQS::Queue", "orders", arn("sqs", "orders"), f"{url}/{ACCOUNT}/orders", RedrivePolicy=redrive),
        seed("SQS::Queue", "dead", arn("sqs", "dead"), f"{url}/{ACCOUNT}/dead"),
        seed("SQS::Queue", "heard", arn("sqs", "heard"), f"{url}/{ACCOUNT}/heard"),
        seed(
            "Events::Rule",
            "large",
            arn("events", "rule/large"),
            EventPattern={"source": ["shop"], "detail": {"total": [{"numeric": [">", 10]}]}},
            Targets=[
                {"Id": "queue", "Arn": arn("sqs", "heard"), "InputPath": "$.detail"},
                {"Id": "refused", "Arn": arn("sqs", "orders"), "DeadLetterConfig": {"Arn": arn("sqs", "heard")}},
            ],
        ),
        seed(
            "Events::Rule",
            "often",
            arn("events", "rule/often"),
            ScheduleExpression="rate(10 minutes)",
            Targets=[{"Id": "queue", "Arn": arn("sqs", "heard"), "Input": '{"tick": true}'}],
        ),
        seed("SNS::Topic", "news", arn("sns", "news")),
        seed(
            "SNS::Subscription",
            "sub",
            arn("sns", "sub"),
            TopicArn=arn("sns", "news"),
            Protocol="sqs",
            Endpoint=arn("sqs", "orders"),
            RawMessageDelivery=True,
        ),
        seed("S3::Bucket", "files", "arn:aws:s3:::files", VersioningConfiguration={"Status": "Enabled"}),
        seed(
            "DynamoDB::Table", "music", arn("dynamodb", "table/music"), KeySchema=key, AttributeDefinitions=attributes
        ),
        seed("KMS::Key", KEY_ID, arn("kms", f"key/{KEY_ID}")),
        seed("KMS::Alias", "alias/app", "", TargetKeyId=KEY_ID),
        seed("SSM::Parameter", "/app/mode", arn("ssm", "parameter/app/mode"), Type="String", Value="fast"),
        seed("Logs::LogGroup", "/app", arn("logs", "log-group:/app:*"), RetentionInDays="7"),
        seed(
            "CloudWatch::Alarm",
            "high",
            arn("cloudwatch", "alarm:high"),
            MetricName="Orders",
            Namespace="App",
            Statistic="Sum",
            Period="60",
            EvaluationPeriods=1,
            Threshold="3",
            ComparisonOperator="GreaterThanThreshold",
        ),
    )


class Emulator(BaseHTTPRequestHandler):
    """Another emulator, which says what it was asked."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({"CollectionIds": [self.headers.get("X-Amz-Target", "")]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Quiet."""


class Running:
    """The endpoint that runs, in a thread with a loop of its own."""

    def __init__(self, folder: Path, forward_to: str) -> None:
        self.private = folder / "aws.sock"
        public, private = socket.create_server(("127.0.0.1", 0)), listen_for_calls(self.private)
        self.url = f"http://127.0.0.1:{public.getsockname()[1]}"
        settings = AwsApiSettings(
            account=ACCOUNT,
            region=REGION,
            address=self.url.removeprefix("http://"),
            descriptor=public.detach(),
            private_descriptor=private.detach(),
            callers=(CALLER,),
            seeds=seeds(self.url),
            forward_to=forward_to,
            grants=tuple(
                Grant(arn("sqs", name), (f"{service}.amazonaws.com",), read_policy("queue", {"Statement": SENDING}))
                for name, service in (("orders", "sns"), ("heard", "events"))
            ),
        )
        self._started = threading.Event()
        self._stopping: asyncio.Event | None = None
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=lambda: self.loop.run_until_complete(self._run(settings)))
        self._thread.start()
        assert self._started.wait(READY_S)

    async def _run(self, settings: AwsApiSettings) -> None:
        self._stopping = asyncio.Event()
        server = AwsApiServer(settings)
        await server.start()
        self._started.set()
        await self._stopping.wait()
        await server.stop()
        await asyncio.sleep(0.1)  # connections close

    def stop(self) -> None:
        if self._stopping is not None:
            self.loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(READY_S)
        self.loop.close()


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with ExitStack() as stack:
        emulator = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Emulator))
        threading.Thread(target=emulator.serve_forever, daemon=True).start()
        stack.callback(emulator.shutdown)
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, os.devnull)
        running = Running(tmp_path_factory.mktemp("aws"), f"http://127.0.0.1:{emulator.server_port}")
        stack.callback(running.stop)
        yield running


def client(endpoint: Running, service: str, **changes: str) -> Any:  # noqa: ANN401  (boto3 has no types)
    given = {
        "aws_access_key_id": CREDENTIALS.access_key_id,
        "aws_secret_access_key": CREDENTIALS.secret_access_key,
        "aws_session_token": CREDENTIALS.session_token,
        **changes,
    }
    return boto3.client(service, region_name=REGION, endpoint_url=endpoint.url, **given)


def refusal(call: Any, **parameters: object) -> tuple[str, str]:  # noqa: ANN401  (boto3 has no types)
    """The code and the message of a call that is refused."""
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    return refused.value.response["Error"]["Code"], refused.value.response["Error"]["Message"]


def test_a_secret_and_a_parameter_have_the_values_of_the_template(endpoint: Running) -> None:
    secrets = client(endpoint, "secretsmanager")
    for name in ("db", arn("secretsmanager", "secret:db-abc123")):
        assert secrets.get_secret_value(SecretId=name)["SecretString"] == "open sesame"
    assert client(endpoint, "ssm").get_parameter(Name="/app/mode")["Parameter"]["Value"] == "fast"


def test_what_is_published_and_sent_is_in_the_queue(endpoint: Running) -> None:
    queues, url = client(endpoint, "sqs"), f"{endpoint.url}/{ACCOUNT}/orders"
    assert queues.get_queue_url(QueueName="orders")["QueueUrl"] == url
    queues.send_message(QueueUrl=url, MessageBody="sent")
    client(endpoint, "sns").publish(TopicArn=arn("sns", "news"), Message="published")
    bodies = received(queues, url, 2)
    assert sorted(bodies) == ["published", "sent"]
    attributes = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
    assert json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"] == arn("sqs", "dead")


def received(queues: Any, url: str, count: int) -> list[str]:  # noqa: ANN401  (boto3 has no types)
    """The bodies of this many messages of a queue, which are deleted."""
    bodies: list[str] = []

    def all_are_there() -> bool:
        for message in queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            bodies.append(message["Body"])
            queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return len(bodies) >= count

    wait_until(all_are_there, f"{count} messages of {url}", READY_S)
    return bodies


def test_a_rule_sends_what_matches_once(endpoint: Running) -> None:
    details = [{"total": 12}, {"total": 9}]
    entries = [{"Source": "shop", "DetailType": "Order", "Detail": json.dumps(detail)} for detail in details]
    assert client(endpoint, "events").put_events(Entries=entries)["FailedEntryCount"] == 0
    queues, url = client(endpoint, "sqs"), f"{endpoint.url}/{ACCOUNT}/heard"
    first, second = sorted(received(queues, url, 2), key=len)  # the other is the dead letter of the refused target
    assert json.loads(first) == {"total": 12}
    assert json.loads(second)["detail"] == {"total": 12}
    assert "Messages" not in queues.receive_message(QueueUrl=url)


def test_what_is_due_is_sent_on_the_clock_of_the_run(endpoint: Running) -> None:
    def run_due(now_ms: int) -> int:
        return int(ask_privately(endpoint, "/schedules", str(now_ms)))

    began_ms = 1_800_000_000_000
    assert run_due(began_ms) == began_ms + 600_000
    assert run_due(began_ms + 600_000) == began_ms + 1_200_000
    queues, url = client(endpoint, "sqs"), f"{endpoint.url}/{ACCOUNT}/heard"
    assert received(queues, url, 1) == ['{"tick": true}']
    assert run_due(began_ms + 660_000) == began_ms + 1_200_000
    assert "Messages" not in queues.receive_message(QueueUrl=url)


def ask_privately(endpoint: Running, path: str, body: str) -> str:
    """The answer to a request of the runner itself."""
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(endpoint.private)), timeout=READY_S) as asking:
        answer = asking.post(f"http://localhost{path}", content=body)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_the_text_of_a_message_is_no_operation(endpoint: Running) -> None:
    sqs = client(endpoint, "sqs")
    url = sqs.get_queue_url(QueueName="orders")["QueueUrl"]
    text = "a&Action=DeleteQueue&b"
    sqs.send_message(QueueUrl=url, MessageBody=text)
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == text
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


@pytest.mark.parametrize(
    ("service", "url", "fields", "body"),
    [
        ("s3", "/", {"Host": "files.s3.amazonaws.com"}, b""),
        (
            "sqs",
            "/?Action=DeleteQueue&QueueUrl=orders",
            {"X-Amz-Target": "AmazonSQS.GetQueueUrl"},
            b'{"QueueName": "orders"}',
        ),
    ],
)
def test_a_request_means_to_moto_what_was_checked(
    endpoint: Running, service: str, url: str, fields: dict[str, str], body: bytes
) -> None:
    """The first would list the objects of a bucket, the second delete a queue."""
    method = "POST" if body else "GET"
    sent = AWSRequest(method, endpoint.url + url, headers=fields, data=body)
    keys = botocore.credentials.Credentials(
        CREDENTIALS.access_key_id, CREDENTIALS.secret_access_key, CREDENTIALS.session_token
    )
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(keys, service, REGION).add_auth(sent)
    answer = httpx.request(method, endpoint.url + url, headers=dict(sent.headers.items()), content=body)
    assert answer.status_code == (200 if body else 403), answer.text
    assert client(endpoint, "sqs").get_queue_url(QueueName="orders")


def test_an_object_a_row_and_a_cipher_come_back(endpoint: Running) -> None:
    files = client(endpoint, "s3")
    written = files.put_object(Bucket="files", Key="a/b c+d.txt", Body=b"hello")
    assert written["VersionId"] != "null"
    assert files.get_object(Bucket="files", Key="a/b c+d.txt")["Body"].read() == b"hello"
    rows = client(endpoint, "dynamodb")
    rows.put_item(TableName="music", Item={"id": {"S": "1"}})
    assert rows.get_item(TableName="music", Key={"id": {"S": "1"}})["Item"] == {"id": {"S": "1"}}
    keys = client(endpoint, "kms")
    cipher = keys.encrypt(KeyId="alias/app", Plaintext=b"x")
    assert (cipher["KeyId"], keys.decrypt(CiphertextBlob=cipher["CiphertextBlob"])["Plaintext"]) == (
        arn("kms", f"key/{KEY_ID}"),
        b"x",
    )


def test_an_alarm_is_there_and_metrics_arrive_in_cbor(endpoint: Running) -> None:
    watch = client(endpoint, "cloudwatch")
    (alarm,) = watch.describe_alarms()["MetricAlarms"]
    assert (alarm["AlarmName"], alarm["StateValue"], alarm["Threshold"]) == ("high", "INSUFFICIENT_DATA", 3.0)
    watch.put_metric_data(Namespace="App", MetricData=[{"MetricName": "Orders", "Value": 5}])
    (metric,) = watch.list_metrics(Namespace="App")["Metrics"]
    assert metric["MetricName"] == "Orders"


REFUSALS: tuple[tuple[Any, ...], ...] = (
    ("secretsmanager", "list_secrets", {}, "AccessDeniedException", "secretsmanager:ListSecrets on resource: *"),
    (
        "sqs",
        "send_message",
        {"QueueUrl": "dead", "MessageBody": "x"},
        "AccessDenied",
        f"sqs:SendMessage on resource: {arn('sqs', 'dead')}",
    ),
    (
        "sns",
        "create_topic",
        {"Name": "more"},
        "AuthorizationError",
        f"sns:CreateTopic on resource: {arn('sns', 'more')}",
    ),
    (
        "s3",
        "delete_object",
        {"Bucket": "files", "Key": "k"},
        "AccessDenied",
        "s3:DeleteObject on resource: arn:aws:s3:::files/k",
    ),
    (
        "dynamodb",
        "scan",
        {"TableName": "music"},
        "AccessDeniedException",
        f"dynamodb:Scan on resource: {arn('dynamodb', 'table/music')}",
    ),
    ("cloudwatch", "delete_alarms", {"AlarmNames": ["high"]}, "AccessDenied", "an explicit deny"),
    ("iam", "list_roles", {}, "AccessDenied", "iam:ListRoles on resource: *"),
)


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: f"{case[0]} {case[1]}")
def test_what_the_role_does_not_allow_is_refused_as_by_the_service(endpoint: Running, case: tuple[Any, ...]) -> None:
    service, operation, parameters, code, need = case
    found, message = refusal(getattr(client(endpoint, service), operation), **parameters)
    assert found == code
    assert need in message
    assert "assumed-role/web/Web" in message


def test_who_calls_is_the_session_of_the_role(endpoint: Running) -> None:
    identity = client(endpoint, "sts").get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/web/Web")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aws_access_key_id": "AKIAOFNOBODYHERE"}, "UnrecognizedClientException"),
        ({"aws_secret_access_key": "wrong"}, "InvalidSignatureException"),
        ({"aws_session_token": "wrong"}, "UnrecognizedClientException"),
    ],
)
def test_credentials_of_nobody_here_open_nothing(endpoint: Running, changes: dict[str, str], code: str) -> None:
    call = client(endpoint, "secretsmanager", **changes).get_secret_value
    assert refusal(call, SecretId="db")[0] == code


def test_a_service_that_does_not_run_here_is_the_other_emulators(endpoint: Running) -> None:
    assert client(endpoint, "rekognition").list_collections()["CollectionIds"] == ["RekognitionService.ListCollections"]


def test_lines_of_a_log_arrive_in_its_group(endpoint: Running, tmp_path: Path) -> None:
    logs = Logs(tmp_path / "logs")
    group = client(endpoint, "logs")

    async def deliver() -> None:
        own = AwsClient(endpoint.private, REGION)
        delivery = LogDelivery(logs, own, {"App/Web": ("/app", "web/1")}, first_s=0)
        task = asyncio.ensure_future(delivery.run())
        await asyncio.sleep(0)
        for line in ("one", "[cachetwin] of the runner", "two"):
            logs.write("App/Web", line)
        try:
            await asyncio.to_thread(
                wait_until,
                lambda: (
                    [e["message"] for e in group.filter_log_events(logGroupName="/app")["events"]] == ["one", "two"]
                ),
                "the lines arrive",
                30,
            )
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await own.close()

    try:
        asyncio.run(deliver())
    finally:
        logs.close()
    assert group.describe_log_groups()["logGroups"][0]["retentionInDays"] == 7
