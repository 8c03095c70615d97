"""Event patterns, filter policies and filter criteria."""

import json
from typing import Any

import pytest

from cachetwin_local.supervise.aws_api.events.patterns import is_match, matches_filter_policy

EVENT = {
    "source": "shop.orders",
    "detail-type": "Order placed",
    "resources": ["arn:aws:s3:::files", "arn:aws:s3:::more"],
    "detail": {
        "state": "new",
        "total": 12.5,
        "count": 1,
        "paid": True,
        "note": None,
        "address": "10.1.2.3",
        "path": "/eu/west/1.png",
        "items": [{"sku": "a", "size": 1}, {"sku": "b", "size": 9}],
        "empty": {},
    },
}


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["x", "shop.orders"]},
        {"resources": ["arn:aws:s3:::more"]},
        {"detail": {"note": [None]}},
        {"detail": {"paid": [True]}},
        {"detail": {"count": [1.0]}},
        {"detail": {"state": [{"prefix": "ne"}]}},
        {"detail": {"state": [{"prefix": {"equals-ignore-case": "NE"}}]}},
        {"detail": {"state": [{"suffix": "ew"}]}},
        {"detail": {"state": [{"equals-ignore-case": "NEW"}]}},
        {"detail": {"state": [{"anything-but": ["old", "gone"]}]}},
        {"detail": {"state": [{"anything-but": {"prefix": ["o", "g"]}}]}},
        {"detail": {"total": [{"numeric": [">", 10, "<=", 12.5]}]}},
        {"detail": {"address": [{"cidr": "10.1.0.0/16"}]}},
        {"detail": {"path": [{"wildcard": "/eu/*/*.png"}]}},
        {"detail": {"missing": [{"exists": False}], "state": [{"exists": True}]}},
        {"detail": {"empty": [{"exists": False}]}},
        {"detail": {"items": {"sku": ["b"]}}},
        {"detail": {"$or": [{"state": ["old"]}, {"count": [1]}]}},
    ],
)
def test_an_event_has_what_its_pattern_asks_for(pattern: dict[str, Any]) -> None:
    assert is_match(pattern, EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["shop"]},
        {"detail": {"count": [True]}},
        {"detail": {"paid": [1]}},
        {"detail": {"missing": ["x", None]}},
        {"detail": {"missing": [{"anything-but": "x"}]}},
        {"detail": {"missing": {"inner": ["x"]}}},
        {"detail": {"state": [{"anything-but": "new"}]}},
        {"detail": {"state": [{"anything-but": {"wildcard": "n*"}}]}},
        {"detail": {"total": [{"numeric": [">", 12.5]}]}},
        {"detail": {"state": [{"numeric": ["=", 1]}]}},
        {"detail": {"state": [{"cidr": "10.0.0.0/8"}]}},
        {"detail": {"state": [{"of-next-year": "new"}]}},
        {"detail": {"state": "new"}},
        {"detail": {"items": {"sku": ["b"], "size": [1]}}},
        {"detail": {"$or": [{"state": ["old"]}, {"count": [2]}]}},
    ],
)
def test_an_event_without_it_does_not_match(pattern: dict[str, Any]) -> None:
    assert not is_match(pattern, EVENT)


def test_a_filter_policy_looks_at_the_attributes_of_a_message() -> None:
    attributes = {
        "kind": {"Type": "String", "Value": "order"},
        "price": {"Type": "Number", "Value": "210.75"},
        "tags": {"Type": "String.Array", "Value": '["red", "soft"]'},
    }
    for policy, wanted in (
        ({"kind": ["order"]}, True),
        ({"kind": ["order"], "price": [{"numeric": [">", 200]}]}, True),
        ({"tags": ["soft"]}, True),
        ({"tags": [{"anything-but": ["red"]}]}, True),
        ({"price": ["210.75"]}, False),
        ({"colour": [{"exists": False}]}, True),
        ({"colour": ["red"]}, False),
    ):
        assert matches_filter_policy(policy, "MessageAttributes", attributes, "text") is wanted, policy


def test_a_filter_policy_may_look_into_the_body() -> None:
    policy = {"order": {"state": [{"prefix": "n"}]}}
    assert matches_filter_policy(policy, "MessageBody", {}, json.dumps(EVENT | {"order": {"state": "new"}}))
    assert not matches_filter_policy(policy, "MessageBody", {}, '{"order": {"state": "old"}}')
    assert not matches_filter_policy(policy, "MessageBody", {}, "no JSON")
