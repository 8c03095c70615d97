"""AWS's APIs in an app that is up: boto3 reads a secret, sends to queues, puts a metric that scales a service, and may do
no more than its role.
"""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.e2e.architectures import cachetwin, status, up
from tests.e2e.debug_client import debugger
from tests.processes import wait_until

pytestmark = [pytest.mark.e2e]

DEADLINE_S = 120
TASKS = 3

HANDLER = """
import os
import boto3
from botocore.exceptions import ClientError

def handle(event, context):
    if event and "job" in event:
        boto3.client("sqs").send_message(QueueUrl=os.environ["JOBS"], MessageBody=event["job"])
        return
    if event and "letters" in event:
        names = ["ApproximateNumberOfMessages"]
        found = boto3.client("sqs").get_queue_attributes(QueueUrl=os.environ["DEAD"], AttributeNames=names)
        return int(found["Attributes"][names[0]])
    if event and "run" in event:
        ecs = boto3.client("ecs")
        environment = [{"name": "WHAT", "value": event["run"]}]
        overrides = {"containerOverrides": [{"name": "job", "environment": environment}]}
        (task,) = ecs.run_task(taskDefinition=os.environ["JOB"], overrides=overrides)["tasks"]
        return task["taskArn"]
    if event and "task" in event:
        (task,) = boto3.client("ecs").describe_tasks(tasks=[event["task"]])["tasks"]
        return [task["lastStatus"], task["containers"][0].get("exitCode")]
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["SECRET"])["SecretString"]
    queues = boto3.client("sqs")
    queues.send_message(QueueUrl=os.environ["ORDERS"], MessageBody="an order")
    messages = queues.receive_message(QueueUrl=os.environ["ORDERS"])["Messages"]
    try:
        queues.send_message(QueueUrl=os.environ["OTHERS"], MessageBody="x")
    except ClientError as error:
        refused = error.response["Error"]["Code"]
    boto3.client("cloudwatch").put_metric_data(Namespace="App", MetricData=[{"MetricName": "Calls", "Value": 1}])
    print("called", context.function_name)
    events = boto3.client("logs").filter_log_events(logGroupName=os.environ["GROUP"])["events"]
    return {
        "same": secret == os.environ["VALUE"],
        "bodies": [message["Body"] for message in messages],
        "refused": refused,
        "lines": [event["message"] for event in events],
    }
"""
TASK = """
import os
import signal
import boto3

boto3.client("sqs").send_message(QueueUrl=os.environ["BACKLOG"], MessageBody="a job")
signal.pause()
"""

JOB = """
import os
import sys

print("closed", os.environ["WHAT"])
sys.exit(3)
"""
CLUSTER = {"Fn::GetAtt": ["Cluster", "Arn"]}


WORKER = """
import json

def work(event, context):
    records = event.get("Records", [])
    print("worked", json.dumps(event if not records else [record["body"] for record in records]))
    return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in records if r["body"] == "bad"]}
"""


def resource(type_name: str, **properties: object) -> dict[str, object]:
    return {"Type": f"AWS::{type_name}", "Properties": properties}


def allow(actions: list[str], what: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": actions, "Resource": what}


def alarm(name: str, metric: Mapping[str, object], threshold: int, action: object) -> dict[str, object]:
    return resource(
        "CloudWatch::Alarm",
        AlarmName=name,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        Threshold=threshold,
        EvaluationPeriods=1,
        Period=60,
        TreatMissingData="ignore",
        AlarmActions=[action],
        **metric,
    )


def scaled_service() -> dict[str, object]:
    """A worker that the alarm over the function's calls scales, and an alarm over the queue that workers send to."""
    service_id = ["service", {"Ref": "Cluster"}, {"Fn::GetAtt": ["Crew", "Name"]}]
    step = {"MetricIntervalLowerBound": 0, "ScalingAdjustment": TASKS}
    notices = {"Fn::GetAtt": ["Notices", "Arn"]}
    publish = {"Principal": {"Service": "sns.amazonaws.com"}, **allow(["sqs:SendMessage"], notices)}
    depth = {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["Backlog", "QueueName"]}}],
        "Statistic": "Maximum",
    }
    calls = {"Namespace": "App", "MetricName": "Calls", "Statistic": "Sum"}
    container = {"Name": "worker", "Image": "worker", "Environment": [{"Name": "BACKLOG", "Value": {"Ref": "Backlog"}}]}
    send = {"Statement": [allow(["sqs:SendMessage"], {"Fn::GetAtt": ["Backlog", "Arn"]})]}
    policies = [{"PolicyName": "app", "PolicyDocument": send}]
    return {
        "Backlog": resource("SQS::Queue"),
        "Notices": resource("SQS::Queue"),
        "MayNotify": resource("SQS::QueuePolicy", Queues=[{"Ref": "Notices"}], PolicyDocument={"Statement": [publish]}),
        "News": resource("SNS::Topic"),
        "Told": resource("SNS::Subscription", TopicArn={"Ref": "News"}, Protocol="sqs", Endpoint=notices),
        "Cluster": resource("ECS::Cluster"),
        "TaskRole": resource("IAM::Role", AssumeRolePolicyDocument={}, Policies=policies),
        "Task": resource(
            "ECS::TaskDefinition", TaskRoleArn={"Fn::GetAtt": ["TaskRole", "Arn"]}, ContainerDefinitions=[container]
        ),
        "Crew": resource("ECS::Service", Cluster={"Ref": "Cluster"}, TaskDefinition={"Ref": "Task"}, DesiredCount=1),
        "Target": resource(
            "ApplicationAutoScaling::ScalableTarget",
            ServiceNamespace="ecs",
            ScalableDimension="ecs:service:DesiredCount",
            ResourceId={"Fn::Join": ["/", service_id]},
            MinCapacity=1,
            MaxCapacity=TASKS,
        ),
        "More": resource(
            "ApplicationAutoScaling::ScalingPolicy",
            PolicyName="more",
            PolicyType="StepScaling",
            ScalingTargetId={"Ref": "Target"},
            StepScalingPolicyConfiguration={"AdjustmentType": "ExactCapacity", "StepAdjustments": [step]},
        ),
        "Busy": alarm("busy", calls, 1, {"Ref": "More"}),
        "Deep": alarm("deep", depth, TASKS, {"Ref": "News"}),
    }


def rest_api() -> dict[str, object]:
    """A REST API that sends what its model allows to the queue of jobs, once a day for each key."""
    api = {"Ref": "Api"}
    name = {"Fn::GetAtt": ["Jobs", "QueueName"]}
    request = "Action=SendMessage&MessageBody=$util.urlEncode($input.path('$.job'))"
    sent = "$input.path('$.SendMessageResponse.SendMessageResult.MessageId')"
    may_send = {"Statement": [allow(["sqs:SendMessage"], {"Fn::GetAtt": ["Jobs", "Arn"]})]}
    integration = {
        "Type": "AWS",
        "IntegrationHttpMethod": "POST",
        "Uri": {"Fn::Sub": ["arn:aws:apigateway:${AWS::Region}:sqs:path/${AWS::AccountId}/${Name}", {"Name": name}]},
        "Credentials": {"Fn::GetAtt": ["ApiRole", "Arn"]},
        "RequestParameters": {"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"},
        "RequestTemplates": {"application/json": request},
        "IntegrationResponses": [
            {
                "StatusCode": 202,
                "SelectionPattern": "200",
                "ResponseTemplates": {"application/json": f'{{"id": "{sent}"}}'},
            },
            {"StatusCode": 500},
        ],
    }
    schema = {"type": "object", "required": ["job"], "properties": {"job": {"type": "string"}}}
    return {
        "Api": resource("ApiGateway::RestApi", Name="Jobs"),
        "ApiRole": resource(
            "IAM::Role", AssumeRolePolicyDocument={}, Policies=[{"PolicyName": "app", "PolicyDocument": may_send}]
        ),
        "Model": resource(
            "ApiGateway::Model", RestApiId=api, Name="Job", ContentType="application/json", Schema=schema
        ),
        "Validator": resource("ApiGateway::RequestValidator", RestApiId=api, ValidateRequestBody=True),
        "Send": resource(
            "ApiGateway::Method",
            RestApiId=api,
            ResourceId={"Fn::GetAtt": ["Api", "RootResourceId"]},
            HttpMethod="POST",
            AuthorizationType="NONE",
            ApiKeyRequired=True,
            Integration=integration,
            RequestModels={"application/json": {"Ref": "Model"}},
            RequestValidatorId={"Ref": "Validator"},
        ),
        "Stage": resource("ApiGateway::Stage", RestApiId=api, StageName="prod"),
        "Plan": resource(
            "ApiGateway::UsagePlan",
            ApiStages=[{"ApiId": api, "Stage": {"Ref": "Stage"}}],
            Quota={"Limit": 2, "Period": "DAY"},
        ),
        "ApiKey": resource("ApiGateway::ApiKey", Enabled=True, Value="k" * 20),
        "PlanKey": resource("ApiGateway::UsagePlanKey", KeyId={"Ref": "ApiKey"}, UsagePlanId={"Ref": "Plan"}),
    }


def job() -> dict[str, object]:
    """A task definition without a service: a rule and the function start its tasks."""
    run = {**allow(["ecs:RunTask"], {"Ref": "Job"}), "Condition": {"ArnEquals": {"ecs:cluster": CLUSTER}}}
    override = {"containerOverrides": [{"name": "job", "environment": [{"name": "WHAT", "value": "the day"}]}]}
    target = {
        "Id": "job",
        "Arn": CLUSTER,
        "RoleArn": {"Fn::GetAtt": ["RunRole", "Arn"]},
        "EcsParameters": {"TaskDefinitionArn": {"Ref": "Job"}, "TaskCount": 1, "LaunchType": "FARGATE"},
        "Input": json.dumps(override),
    }
    policies = [{"PolicyName": "app", "PolicyDocument": {"Statement": [run]}}]
    return {
        "Job": resource("ECS::TaskDefinition", ContainerDefinitions=[{"Name": "job", "Image": "job"}]),
        "RunRole": resource("IAM::Role", AssumeRolePolicyDocument={}, Policies=policies),
        "Daily": resource("Events::Rule", ScheduleExpression="rate(1 day)", Targets=[target]),
    }


def template() -> dict[str, object]:
    orders = {"Fn::GetAtt": ["Orders", "Arn"]}
    document = {
        "Version": "2012-10-17",
        "Statement": [
            allow(["secretsmanager:GetSecretValue"], {"Ref": "Key"}),
            allow(["sqs:SendMessage", "sqs:ReceiveMessage"], orders),
            allow(["sqs:SendMessage"], {"Fn::GetAtt": ["Jobs", "Arn"]}),
            allow(["sqs:GetQueueAttributes"], {"Fn::GetAtt": ["Dead", "Arn"]}),
            allow(["logs:FilterLogEvents"], {"Fn::GetAtt": ["Group", "Arn"]}),
            allow(["cloudwatch:PutMetricData", "ecs:DescribeTasks"], "*"),
            allow(["ecs:RunTask"], {"Ref": "Job"}),
        ],
    }
    variables = {
        "SECRET": {"Ref": "Key"},
        "VALUE": {"Fn::Sub": "{{resolve:secretsmanager:${Key}}}"},
        "ORDERS": {"Ref": "Orders"},
        "OTHERS": {"Ref": "Others"},
        "GROUP": {"Ref": "Group"},
        "JOBS": {"Ref": "Jobs"},
        "DEAD": {"Ref": "Dead"},
        "JOB": {"Ref": "Job"},
    }
    return {
        "Resources": {
            **scaled_service(),
            **rest_api(),
            **job(),
            "Key": resource("SecretsManager::Secret", GenerateSecretString={"PasswordLength": 24}),
            "Orders": resource("SQS::Queue"),
            "Others": resource("SQS::Queue"),
            "Group": resource("Logs::LogGroup", LogGroupName="/app/function"),
            "Role": resource(
                "IAM::Role",
                AssumeRolePolicyDocument={},
                Policies=[{"PolicyName": "app", "PolicyDocument": document}],
            ),
            "Dead": resource("SQS::Queue"),
            "Jobs": resource(
                "SQS::Queue",
                VisibilityTimeout=2,
                RedrivePolicy={"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 2},
            ),
            "Mapping": resource(
                "Lambda::EventSourceMapping",
                EventSourceArn={"Fn::GetAtt": ["Jobs", "Arn"]},
                FunctionName={"Ref": "Worker"},
                FunctionResponseTypes=["ReportBatchItemFailures"],
            ),
            "Nightly": resource(
                "Events::Rule",
                ScheduleExpression="rate(10 minutes)",
                Targets=[{"Id": "worker", "Arn": {"Fn::GetAtt": ["Worker", "Arn"]}, "Input": '{"tick": true}'}],
            ),
            "MayTick": resource(
                "Lambda::Permission",
                Action="lambda:InvokeFunction",
                FunctionName={"Ref": "Worker"},
                Principal="events.amazonaws.com",
                SourceArn={"Fn::GetAtt": ["Nightly", "Arn"]},
            ),
            "WorkerRole": resource(
                "IAM::Role",
                AssumeRolePolicyDocument={},
                Policies=[
                    {
                        "PolicyName": "reads",
                        "PolicyDocument": {
                            "Statement": [
                                allow(
                                    ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
                                    {"Fn::GetAtt": ["Jobs", "Arn"]},
                                )
                            ]
                        },
                    }
                ],
            ),
            "Worker": resource(
                "Lambda::Function",
                Runtime="python3.11",
                Handler="index.work",
                Role={"Fn::GetAtt": ["WorkerRole", "Arn"]},
                Timeout=60,
                MemorySize=256,
                Code={"ZipFile": WORKER},
            ),
            "Function": resource(
                "Lambda::Function",
                Runtime="python3.11",
                Handler="index.handle",
                Role={"Fn::GetAtt": ["Role", "Arn"]},
                Timeout=120,
                MemorySize=512,
                LoggingConfig={"LogGroup": {"Ref": "Group"}},
                Environment={"Variables": variables},
                Code={"ZipFile": HANDLER},
            ),
        }
    }


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("aws")
    (folder / "app.json").write_text(json.dumps(template()))
    (folder / "task.py").write_text(TASK)
    (folder / "job.py").write_text(JOB)
    own = {"Crew": "task.py", "Job": "job.py"}
    processes = (f'[services.{name}]\nprocess = "exec {sys.executable} {file}"\n' for name, file in own.items())
    (folder / "cachetwin.toml").write_text("".join(processes))
    with up(folder, "--template", "app.json"):
        yield folder


def test_a_function_calls_aws_as_far_as_its_role_allows(app: Path) -> None:
    found: dict[str, Any] = {}
    for _ in range(30):  # lines of the call before arrive within seconds
        done = cachetwin(app, "invoke", "Function")
        assert done.returncode == 0, done.stdout + done.stderr
        found = json.loads(done.stdout)
        if any(line.startswith("called") for line in found["lines"]):
            break
    assert (found["same"], found["bodies"], found["refused"]) == (True, ["an order"], "AccessDenied")
    assert any(line.startswith("called") for line in found["lines"]), found["lines"]
    log = cachetwin(app, "logs", "aws").stdout
    assert "is not authorized to perform: sqs:SendMessage on resource: arn:aws:sqs:us-east-1:" in log


def ask(app: Path, event: object) -> Any:  # noqa: ANN401  (a function's answer)
    (app / "event.json").write_text(json.dumps(event))
    done = cachetwin(app, "invoke", "Function", "--event", "event.json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def worked(app: Path) -> list[object]:
    """What the worker has printed of its events."""
    lines = cachetwin(app, "logs", "Worker", "-n", "1000").stdout.splitlines()
    return [json.loads(line.partition("worked ")[2]) for line in lines if "worked " in line]


def wait_for(app: Path, wanted: object, count: int) -> None:
    for _ in range(60):
        if worked(app).count(wanted) >= count:
            return
        time.sleep(0.5)
    raise AssertionError(worked(app))


def test_a_queue_and_a_schedule_reach_their_function(app: Path) -> None:
    assert cachetwin(app, "invoke", "Worker").returncode == 0  # so that a cold start takes no message's time
    ask(app, {"job": "good"})
    wait_for(app, ["good"], 1)
    ask(app, {"job": "bad"})
    wait_for(app, ["bad"], 2)  # once more, and then it is a dead letter
    assert cachetwin(app, "clock", "+30m").returncode == 0
    wait_for(app, {"tick": True}, 3)
    for _ in range(60):
        if ask(app, {"letters": 1}):
            break
        time.sleep(0.5)
    assert ask(app, {"letters": 1}) >= 1
    assert (worked(app).count(["bad"]), worked(app).count({"tick": True})) == (2, 3)


def test_a_metric_that_a_function_puts_scales_a_service_whose_tasks_fill_a_queue(app: Path) -> None:
    assert cachetwin(app, "invoke", "Function").returncode == 0

    def goes_on(wanted: str) -> bool:
        """Whether an alarm is on, a minute later."""
        moved = cachetwin(app, "clock", "+1m")
        assert moved.returncode == 0, moved.stderr
        return {row["alarm"]: row["state"] for row in status(app)["alarms"]}.get(wanted) == "ALARM"

    wait_until(lambda: goes_on("busy"), "the alarm over the function's calls is on", DEADLINE_S)
    wait_until(
        lambda: [row["state"] for row in status(app)["tasks"]] == ["ready"] * TASKS, "there are more tasks", DEADLINE_S
    )
    (target,) = status(app)["scaling"]
    assert (target["capacity"], target["max"]) == (TASKS, TASKS)
    wait_until(lambda: goes_on("deep"), "the alarm over the queue that they sent to is on", DEADLINE_S)
    events = cachetwin(app, "events").stdout
    assert "DesiredCount from 1 to 3: alarm busy is in ALARM and starts policy more" in events
    assert "was greater than or equal to the threshold (3)" in events


def test_a_rest_api_sends_what_its_model_allows_to_a_queue_until_the_quota_is_used_up(app: Path) -> None:
    url = next(row["detail"] for row in status(app)["resources"] if row["name"].endswith("/Api"))

    def post(body: object) -> tuple[int, Any]:
        answer = httpx.post(f"{url}/prod/", json=body, headers={"x-api-key": "k" * 20}, timeout=DEADLINE_S)
        return answer.status_code, answer.json()

    assert post({"work": 1}) == (400, {"message": "Invalid request body"})
    code, sent = post({"job": "from the API & more"})
    assert (code, len(sent["id"])) == (202, 36)
    wait_for(app, ["from the API & more"], 1)
    assert post({"job": "x"}) == (429, {"message": "Limit Exceeded"})
    assert cachetwin(app, "clock", "+1d").returncode == 0
    assert post({"job": "the next day"})[0] == 202
    wait_until(lambda: "closed the day" in cachetwin(app, "logs", "Job").stdout, "the rule starts its task", DEADLINE_S)


def test_a_task_that_a_function_starts_runs_to_its_end(app: Path) -> None:
    arn = ask(app, {"run": "the books"})
    wait_until(lambda: ask(app, {"task": arn}) == ["STOPPED", 3], "the task ends with its own code", DEADLINE_S)
    assert "closed the books" in cachetwin(app, "logs", "Job").stdout
    assert "job exited with code 3" in cachetwin(app, "logs", "Job").stdout
    assert next(row["state"] for row in status(app)["resources"] if row["name"].endswith("/Job")) == "ready"


def test_a_debugger_stops_in_a_function_and_attaches_to_a_service(app: Path) -> None:
    attached = cachetwin(app, "attach", "Worker")
    assert attached.returncode == 0, attached.stderr
    entry = json.loads(attached.stdout)
    code = next(Path(app).glob(".cachetwin/functions/*Worker*/code/**/index.py"))
    line = 1 + code.read_text().splitlines().index('    records = event.get("Records", [])')
    with debugger(entry["connect"]["port"], DEADLINE_S) as editor:
        editor.ask("setBreakpoints", source={"path": str(code)}, breakpoints=[{"line": line}])
        editor.ask("configurationDone")
        (app / "debugged.json").write_text('{"stopped": "here"}')
        with ThreadPoolExecutor(1) as threads:
            call = threads.submit(cachetwin, app, "invoke", "Worker", "--event", "debugged.json")
            thread = editor.event("stopped")["threadId"]
            (frame, *_) = editor.ask("stackTrace", threadId=thread)["stackFrames"]
            value = editor.ask("evaluate", expression="event['stopped']", frameId=frame["id"])["result"]
            editor.ask("disconnect")
            assert call.result(DEADLINE_S).returncode == 0
        assert (frame["line"], value) == (line, "'here'")
    assert cachetwin(app, "attach", "Worker", "--stop").returncode == 0
    service = cachetwin(app, "attach", "Crew")
    assert service.returncode == 0, service.stderr
    with debugger(json.loads(service.stdout)["connect"]["port"], DEADLINE_S) as editor:
        editor.ask("configurationDone")
        assert editor.ask("threads")["threads"]
    assert cachetwin(app, "attach", "Crew", "--stop").returncode == 0
    assert "must be one function or service" in cachetwin(app, "attach", "Nobody").stderr


def test_the_emulator_for_other_services_may_not_be_aws(app: Path) -> None:
    refused = cachetwin(app, "plan", "--template", "app.json", "--aws-endpoint", "https://sqs.us-east-1.amazonaws.com")
    assert refused.returncode == 1
    assert "--aws-endpoint must be another emulator" in refused.stderr
