"""What a target of a rule receives."""

import json

import pytest

from cachetwin_local.supervise.aws_api.events.inputs import filled, input_of, value_at

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
