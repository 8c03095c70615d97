"""What a target of a rule receives, and what becomes of deliveries."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from cachetwin_local.identity.deliveries import Sender
from cachetwin_local.supervise.aws_api.events import attempts as attempts_module
from cachetwin_local.supervise.aws_api.events.attempts import Attempts
from cachetwin_local.supervise.aws_api.events.buses import Buses
from cachetwin_local.supervise.aws_api.events.inputs import filled, input_of, value_at
from cachetwin_local.supervise.aws_api.events.schedules import Schedules
from cachetwin_local.supervise.aws_api.events.targets import Delivery, NotDelivered, Targets
from cachetwin_local.supervise.aws_api.events.topics import Published, Topics

RULE = "arn:aws:events:us-east-1:000000000000:rule/mine"
EVENT = {"source": "shop", "detail": {"id": 'o"1', "total": 12.5, "items": [{"sku": "a"}], "paid": True}}


def sent(**target: object) -> str:
    return input_of(target, EVENT, RULE, "2026-11-29T01:00:00Z")


def test_a_target_receives_the_event_a_part_of_it_or_a_constant() -> None:
    assert json.loads(sent()) == EVENT
    assert sent(InputPath="$.detail.items[0].sku") == '"a"'
    assert sent(Input='{"a": 1}') == '{"a": 1}'


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"id": <id>, "total": <total>}', '{"id": "o\\"1", "total": 12.5}'),
        ('{"id": "<id>", "items": <items>}', '{"id": "o\\"1", "items": [{"sku": "a"}]}'),
        ('"order <id> of <total>"', '"order o\\"1 of 12.5"'),
        ('{"all": "<items>"}', '{"all": "[{\\"sku\\": \\"a\\"}]"}'),
        ('{"missing": <gone>, "text": "<gone>"}', '{"missing": "", "text": ""}'),
        ('{"unknown": "<other>"}', '{"unknown": "<other>"}'),
        ('{"rule": "<aws.events.rule-name>"}', '{"rule": "mine"}'),
        ('{"event": <aws.events.event>}', '{"event": {"source": "shop"}}'),
    ],
)
def test_a_template_is_filled_in(template: str, expected: str) -> None:
    paths = {"id": "$.detail.id", "total": "$.detail.total", "items": "$.detail.items", "gone": "$.detail.gone"}
    assert sent(InputTransformer={"InputPathsMap": paths, "InputTemplate": template}) == expected


def test_a_path_that_leads_nowhere_is_none() -> None:
    assert value_at("$.detail.items[4].sku", EVENT) is None
    assert value_at("$.source.x", EVENT) is None
    assert value_at("$['detail']['paid']", EVENT) is True
    assert value_at("$", EVENT) == EVENT


def test_context_attributes_of_a_schedule_are_filled_in() -> None:
    values = {"aws.scheduler.scheduled-time": "now"}
    assert filled('{"at": "<aws.scheduler.scheduled-time>", "x": "<y>"}', values) == '{"at": "now", "x": "<y>"}'


def in_region(resource: str) -> str:
    service, _, rest = resource.partition(":")
    return f"arn:aws:{service}:eu-west-1:1:{rest}"


def part(**fields: object) -> Any:  # noqa: ANN401  (stands for any class)
    return SimpleNamespace(**fields)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.001)


def schedule(name: str, arn: str, **target: object) -> Any:  # noqa: ANN401  (moto's own class)
    dates = {date: target.pop(date, None) for date in ("start_date", "end_date")}
    return part(
        arn=in_region(f"scheduler:schedule/default/{name}"),
        name=name,
        schedule_expression="rate(1 minute)",
        schedule_expression_timezone="UTC",
        state="ENABLED",
        target={"Arn": in_region(arn), "RoleArn": "r", **target},
        action_after_completion="NONE",
        **dates,
    )


def test_a_schedule_that_cannot_be_sent_keeps_no_other_from_it() -> None:
    bad_target = schedule("c", "lambda:function:f")
    bad_target.target = {}
    made = [
        schedule("a", "events:event-bus/b", Input="no JSON"),
        schedule("b", "lambda:function:f", start_date="tomorrow"),
        bad_target,
        schedule("d", "lambda:function:f", end_date="2026-11-29T00:01:30"),
        schedule("e", "lambda:function:f"),
    ]
    group = part(schedules={one.name: one for one in made})
    backend = part(event_buses={}, schedule_groups={"default": group})
    moto = part(has=lambda _service: True, every_backend=lambda _service, _account: [backend])
    sent: list[tuple[str, Delivery]] = []
    lines: list[str] = []
    attempts = part(begin=lambda delivery, named: sent.append((named, delivery)))
    schedules = Schedules(moto, attempts, part(), lines.append)
    began = datetime(2026, 11, 29, tzinfo=UTC)
    for minutes in range(3):
        schedules.run_due("1", began + timedelta(minutes=minutes))
    assert [named[-1] for named, _ in sent] == ["a", "d", "e", "a", "e"]
    assert sent[0][1].event is not None
    assert sent[0][1].event["detail"] == "no JSON"
    assert [line.split()[1].rpartition("/")[2] for line in lines] == ["b", "c", "c"]
    assert "is never due: Invalid isoformat string: 'tomorrow'" in lines[0]


def test_a_delivery_that_fails_unexpectedly_becomes_a_dead_letter() -> None:
    letters: list[Delivery] = []
    lines: list[str] = []

    async def send(delivery: Delivery) -> None:
        if delivery.arn != "letters":
            raise KeyError("Arn")
        letters.append(delivery)

    async def deliver() -> None:
        attempts = Attempts(part(send=send), lines.append)
        for more in ({"DeadLetterConfig": {"Arn": "letters"}}, {"RetryPolicy": 1}):
            attempts.begin(Delivery("target", "{}", Sender("events.amazonaws.com", RULE, "role"), more), "rule mine")
        await until(lambda: len(letters) == 1 and len(lines) == 2)

    asyncio.run(deliver())
    assert lines[0] == "[cachetwin] rule mine could not deliver: target: KeyError: 'Arn'"
    assert letters[0].attributes["ERROR_CODE"]["StringValue"] == "INTERNAL_ERROR"
    assert letters[0].sender == Sender("events.amazonaws.com", RULE)


def test_rules_that_send_to_each_others_buses_come_to_an_end() -> None:
    arns = {name: in_region(f"events:event-bus/{name}") for name in ("a", "b")}
    buses = {
        name: part(
            rules={
                to: part(
                    name=name + to,
                    arn=in_region(f"events:rule/{name}/{to}"),
                    role_arn="",
                    state="ENABLED",
                    event_pattern=part(get_pattern=lambda: {"source": ["shop"]}),
                    targets=[{"Id": "1", "Arn": arns[to]}],
                )
                for to in arns
            }
        )
        for name in arns
    }
    moto = part(backend=lambda *_: part(event_buses=buses))
    lines: list[str] = []
    seen: list[str] = []

    async def deliver() -> None:
        permissions = part(refusal_of=lambda *_: None)
        targets = Targets(moto, part(), part(), permissions)
        sends = Buses(moto, Attempts(targets, lines.append), lambda: datetime.now(UTC))

        def put(bus: str, event: Mapping[str, Any], hops: int) -> None:
            seen.append(bus)
            sends.put(bus, event, hops)

        targets.put_event = put
        sends.put(arns["a"], {**EVENT, "source": "shop", "region": "eu-west-1", "account": "1"})
        await until(lambda: len(seen) >= 62 and len(lines) == 4)
        await asyncio.sleep(0.01)

    asyncio.run(deliver())
    assert len(seen) == 2 + 4 + 8 + 16 + 32
    assert sorted(line.split()[2] for line in lines) == ["aa:", "ab:", "ba:", "bb:"]


def test_a_sender_with_too_much_to_deliver_keeps_no_other_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts_module, "_PENDING_MAX", 4)
    lines: list[str] = []
    sent: list[str] = []

    async def deliver() -> None:
        opened = asyncio.Event()

        async def send(delivery: Delivery) -> None:
            await opened.wait()
            sent.append(delivery.sender.source_arn)

        attempts = Attempts(part(send=send), lines.append)
        for sender in "aaaaaaab":
            attempts.begin(Delivery("target", "{}", Sender("events.amazonaws.com", sender)), f"rule {sender}")
        opened.set()
        await until(lambda: len(sent) == 5 and len(lines) == 2)
        attempts.begin(Delivery("target", "{}", Sender("events.amazonaws.com", "a")), "rule a")
        await until(lambda: len(sent) == 6)

    asyncio.run(deliver())
    assert sent == ["a"] * 4 + ["b", "a"]
    assert lines == [
        "[cachetwin] rule a: 4 deliveries wait already: more are dropped",
        "[cachetwin] rule a: 3 deliveries were dropped; it delivers again",
    ]


def test_the_messages_of_a_group_of_a_fifo_topic_arrive_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts_module, "_FIRST_S", 0.001)
    monkeypatch.setattr(attempts_module, "_MAX_S", 0.001)
    tries: list[str] = []
    arrived: dict[str, list[str]] = {"x": [], "y": []}
    subscription = part(
        _filter_policy=None,
        attributes={"RawMessageDelivery": "true"},
        protocol="sqs",
        endpoint=in_region("sqs:q.fifo"),
        arn=in_region("sns:t.fifo:1"),
        topic=part(arn=in_region("sns:t.fifo")),
    )

    async def deliver() -> None:
        y_is_open = asyncio.Event()

        async def send(delivery: Delivery) -> None:
            group = delivery.options["SqsParameters"]["MessageGroupId"]
            tries.append(delivery.payload)
            if group == "y":
                await y_is_open.wait()
            elif tries.count(delivery.payload) < (9 if delivery.payload == "0" else 2):
                raise NotDelivered("SDK_CLIENT_ERROR", "down", final=False)
            arrived[group].append(delivery.payload)

        topics = Topics(Attempts(part(send=send), print), print)
        for number in range(10):
            for group in "xy":
                topics.deliver(subscription, Published(str(number), f"{group}{number}", group_id=group))
        await until(lambda: len(arrived["x"]) == 10)
        y_is_open.set()
        await until(lambda: len(arrived["y"]) == 10)

    asyncio.run(deliver())
    assert arrived["x"] == arrived["y"] == [str(number) for number in range(10)]
