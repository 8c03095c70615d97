"""Event sources while the template changes and calls fail: nothing is given to a function twice, nothing is left out."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cachetwin_local.identity.deliveries import DeliveryPermissions
from cachetwin_local.identity.directory import Principal
from cachetwin_local.identity.policies import read_policy
from cachetwin_local.supervise.aws_api.events.targets import Targets
from cachetwin_local.supervise.aws_api.functions import Functions
from cachetwin_local.supervise.aws_api.moto_backend import CallFailed, MotoBackend
from cachetwin_local.supervise.aws_api.seeds.seeder import Api
from cachetwin_local.supervise.aws_api.seeds.seeding import Seeding
from cachetwin_local.supervise.aws_api.settings import Seed
from cachetwin_local.supervise.aws_api.sources import event_sources
from cachetwin_local.supervise.aws_api.sources.event_sources import EVENT_SOURCE_MAPPING, EventSources
from cachetwin_local.supervise.aws_api.task_runner import TaskRunner
from cachetwin_local.supervise.http.client import HttpReply
from cachetwin_local.supervise.http.message import ResponseHead

ACCOUNT, REGION = "777788889999", "eu-west-1"
WAIT_S = 30.0
TABLE_ARN = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/items"
QUEUE_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:work"
URL = f"http://127.0.0.1:1/{ACCOUNT}/work"
KEY = [{"AttributeName": "id", "KeyType": "HASH"}]
TABLE = Seed(
    "AWS::DynamoDB::Table",
    "App/Items",
    "items",
    TABLE_ARN,
    {},
    {
        "KeySchema": KEY,
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
    },
)
QUEUE = Seed("AWS::SQS::Queue", "App/Work", "work", QUEUE_ARN, {"QueueUrl": URL}, {"VisibilityTimeout": 60})
ROLE = Principal(
    "App/Role",
    f"arn:aws:iam::{ACCOUNT}:role/role",
    (read_policy("all", {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}),),
)


def function(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def mapping(source: str, name: str = "first", **properties: Any) -> Seed:  # noqa: ANN401
    given = {"FunctionName": function(name), "EventSourceArn": source, **properties}
    return Seed(EVENT_SOURCE_MAPPING, "App/Map", "map", "", {}, given)


def stream(name: str = "first", **properties: Any) -> Seed:  # noqa: ANN401
    return mapping(f"{TABLE_ARN}/stream/2026-01-01T00:00:00.000", name, **properties)


class Called(Functions):
    """Two functions: `got` has what each of them got. They answer when `open` is set."""

    def __init__(self) -> None:
        super().__init__({function("first"): "1", function("second"): "2"}, ACCOUNT)
        self.got: list[tuple[str, str]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.failures = 0

    async def invoke(
        self, arn: str, socket_path: str, headers: dict[str, str], body: bytes, query: str = ""
    ) -> HttpReply:
        """The answer of a function that succeeds."""
        del socket_path, headers, query
        for record in json.loads(body)["Records"]:
            what = record["body"] if "body" in record else record["dynamodb"]["Keys"]["id"]["S"]
            self.got.append((arn.rpartition(":")[2], what))
        if self.failures:
            self.failures -= 1
            raise RuntimeError("of the test")
        await self.open.wait()
        return HttpReply(ResponseHead(b"HTTP/1.1 200 OK", 200, 1, ()), b"null")


class App:
    """A table and a queue in moto, and the event sources that read them."""

    def __init__(self, moto: MotoBackend) -> None:
        self.moto = moto
        self.functions = Called()
        self.api = Api(moto, ACCOUNT, REGION)
        targets = Targets(moto, self.functions, TaskRunner(""), DeliveryPermissions())
        self.sources = EventSources(moto, self.functions, targets, lambda _arn: ROLE, print)

    async def write(self, *ids: str) -> None:
        for one in ids:
            await asyncio.to_thread(
                self.api.call, "dynamodb", "PutItem", TABLE, TableName="items", Item={"id": {"S": one}}
            )

    async def send(self, body: str) -> None:
        await asyncio.to_thread(self.api.call, "sqs", "SendMessage", QUEUE, QueueUrl=URL, MessageBody=body)

    def messages(self) -> int:
        return len(self.moto.backend("sqs", REGION, ACCOUNT).queues["work"]._messages)

    async def gets(self, *wanted: tuple[str, str]) -> None:
        await until(lambda: len(self.functions.got) >= len(wanted))
        assert self.functions.got == list(wanted)


async def until(is_so: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end_s
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(*seeds: Seed) -> AsyncIterator[App]:
    moto = MotoBackend("127.0.0.1:1")
    moto.load(lambda: None)
    await moto.loaded()
    lines: list[str] = []
    seeding = Seeding(lines.append)
    app = App(moto)
    seeding.become(app.api, (TABLE, QUEUE))
    try:
        await app.sources.become(seeds)
        yield app
    finally:
        await app.sources.close()
        seeding.become(app.api, ())
        moto.close()
    assert lines == []


@pytest.mark.parametrize("start", ["TRIM_HORIZON", "LATEST"])
def test_a_changed_mapping_goes_on_where_it_was(start: str) -> None:
    async def run() -> None:
        first = stream(StartingPosition=start)
        async with running() as app:
            await app.write("0")
            await app.sources.become([first])
            expected = [("first", "0")]
            if start == "LATEST":
                await until(lambda: bool(app.sources._positions))
                expected = []
            await app.write("1")
            await app.gets(*expected, ("first", "1"))
            await app.sources.become([stream(StartingPosition=start, BatchSize=5)])
            await app.write("2")
            await app.gets(*expected, ("first", "1"), ("first", "2"))
            await app.sources.become([stream(StartingPosition=start, Enabled=False)])
            await app.write("3")
            await app.sources.become([stream("second", StartingPosition=start)])
            await app.gets(*expected, ("first", "1"), ("first", "2"), ("second", "3"))

    asyncio.run(run())


def test_a_batch_that_cannot_be_given_is_given_again_and_no_earlier_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_sources, "_AGAIN_S", 0.01)

    async def run() -> None:
        async with running(stream()) as app:
            await app.write("0")
            await app.gets(("first", "0"))
            app.functions.failures = 2
            await app.write("1")
            await app.gets(("first", "0"), *[("first", "1")] * 3)

    asyncio.run(run())


def test_a_running_batch_ends_before_another_function_gets_the_next_one() -> None:
    async def run() -> None:
        async with running(mapping(QUEUE_ARN)) as app:
            app.functions.open.clear()
            await app.send("a")
            await app.gets(("first", "a"))
            await app.sources.become([mapping(QUEUE_ARN, "second")])
            await app.sources.become([mapping(QUEUE_ARN, "second", BatchSize=1)])
            await app.send("b")
            app.functions.open.set()
            await app.gets(("first", "a"), ("second", "b"))
            await until(lambda: app.messages() == 0)

    asyncio.run(run())


def test_a_call_that_fails_ends_no_running_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_sources, "_AGAIN_S", 0.01)

    async def run() -> None:
        async with running(mapping(QUEUE_ARN, BatchSize=1)) as app:
            app.functions.open.clear()
            await app.send("a")
            await app.gets(("first", "a"))
            call = app.moto.call
            failed: list[str] = []

            def failing(service: Any, operation: str, *others: Any) -> Any:  # noqa: ANN401
                if operation == "ReceiveMessage" and not failed:
                    failed.append(operation)
                    raise CallFailed("InternalError", "of the test")
                return call(service, operation, *others)

            monkeypatch.setattr(app.moto, "call", failing)
            await app.send("b")
            await app.gets(("first", "a"), ("first", "b"))
            assert failed
            app.functions.open.set()
            await until(lambda: app.messages() == 0)

    asyncio.run(run())


def test_the_end_waits_for_no_batch() -> None:
    async def run() -> None:
        async with running(mapping(QUEUE_ARN)) as app:
            app.functions.open.clear()
            await app.send("a")
            await app.gets(("first", "a"))
            await app.sources.become([mapping(QUEUE_ARN, "second")])
            await asyncio.wait_for(app.sources.close(), WAIT_S)
            assert app.messages() == 1
        assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    asyncio.run(run())
