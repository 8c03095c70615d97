"""What moto has after the template has changed: what stays, what is changed and what is made anew."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from cachetwin_local.supervise.aws_api.moto_backend import MotoBackend
from cachetwin_local.supervise.aws_api.seeds.seeder import Api
from cachetwin_local.supervise.aws_api.seeds.seeding import Seeding
from cachetwin_local.supervise.aws_api.settings import Seed

ACCOUNT, REGION = "444455556666", "eu-west-1"


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def seed(type_name: str, name: str, resource_arn: str, key: str = "", **properties: Any) -> Seed:  # noqa: ANN401
    url = f"http://127.0.0.1:1/{ACCOUNT}/{name}"
    return Seed(f"AWS::{type_name}", key or f"App/{name}", name, resource_arn, {"QueueUrl": url}, properties)


QUEUES = tuple(seed("SQS::Queue", name, arn("sqs", name)) for name in ("orders", "inline", "later"))
SUBSCRIPTION = seed(
    "SNS::Subscription", "sub", arn("sns", "sub"), TopicArn=arn("sns", "news"), Protocol="sqs", Endpoint=QUEUES[0].arn
)
RULE = seed(
    "Events::Rule", "large", arn("events", "rule/shop/large"), EventBusName="shop", EventPattern={"source": ["x"]}
)
SCHEDULE = seed(
    "Scheduler::Schedule",
    "often",
    arn("scheduler", "schedule/nightly/often"),
    GroupName="nightly",
    ScheduleExpression="rate(1 minute)",
    Target={"Arn": QUEUES[0].arn, "RoleArn": "role"},
)


class App:
    """A template in moto, which becomes another one."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.moto = MotoBackend("127.0.0.1:1")
        self._seeding = Seeding(self.lines.append)
        asyncio.run(self._load())

    async def _load(self) -> None:
        self.moto.load(lambda: None)
        await self.moto.loaded()

    def become(self, *seeds: Seed) -> None:
        self._seeding.become(Api(self.moto, ACCOUNT, REGION), seeds)

    def backend(self, module: str) -> Any:  # noqa: ANN401
        return self.moto.backend(module, REGION, ACCOUNT)

    def endpoints(self) -> list[str]:
        return sorted(one.endpoint.rpartition(":")[2] for one in self.backend("sns").subscriptions.values())


@pytest.fixture
def app() -> Iterator[App]:
    started = App()
    yield started
    started.become()
    started.moto.close()
    assert started.lines == []


def topic(*endpoints: str, key: str = "", **properties: Any) -> Seed:  # noqa: ANN401
    inline = [{"Protocol": "sqs", "Endpoint": arn("sqs", name)} for name in endpoints]
    return seed("SNS::Topic", "news", arn("sns", "news"), key, Subscription=inline, **properties)


def test_a_changed_topic_keeps_its_subscriptions(app: App) -> None:
    app.become(topic("inline", DisplayName="one", KmsMasterKeyId="alias/app", FifoTopic=False), *QUEUES, SUBSCRIPTION)
    before = app.backend("sns").get_topic(arn("sns", "news"))
    app.become(topic("later", DisplayName="two"), *QUEUES, SUBSCRIPTION)
    after = app.backend("sns").get_topic(arn("sns", "news"))
    assert app.endpoints() == ["later", "orders"]
    assert after is before
    assert (after.display_name, after.kms_master_key_id) == ("two", "")


def test_what_depends_on_what_is_made_anew_is_made_anew(app: App) -> None:
    def both(where: str) -> tuple[Seed, ...]:
        bus = seed("Events::EventBus", "shop", arn("events", "event-bus/shop"), f"{where}/Bus")
        group = seed(
            "Scheduler::ScheduleGroup", "nightly", arn("scheduler", "schedule-group/nightly"), f"{where}/Group"
        )
        return topic(key=f"{where}/Topic"), bus, group, *QUEUES, SUBSCRIPTION, RULE, SCHEDULE

    def found() -> tuple[list[str], list[str], list[str]]:
        rules = app.backend("events").event_buses["shop"].rules
        schedules = app.backend("scheduler").schedule_groups["nightly"].schedules
        return app.endpoints(), list(rules), list(schedules)

    app.become(*both("App"))
    assert found() == (["orders"], ["large"], ["often"])
    app.become(*both("App/Moved"))
    assert found() == (["orders"], ["large"], ["often"])


def test_a_changed_bus_keeps_its_rules_and_a_changed_group_its_schedules(app: App) -> None:
    def both(text: str) -> tuple[Seed, ...]:
        bus = seed("Events::EventBus", "shop", arn("events", "event-bus/shop"), Description=text)
        group = seed("Scheduler::ScheduleGroup", "nightly", arn("scheduler", "schedule-group/nightly"), Tags=[text])
        return bus, group, RULE, SCHEDULE

    app.become(*both("one"))
    app.become(*both("two"))
    assert list(app.backend("events").event_buses["shop"].rules) == ["large"]
    assert list(app.backend("scheduler").schedule_groups["nightly"].schedules) == ["often"]
