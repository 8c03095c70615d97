"""What an event source mapping says, and what a function's answer means for a batch."""

import pytest

from cachetwin_local.supervise.aws_api.settings import Seed
from cachetwin_local.supervise.aws_api.sources.mapping import failed_items, mapping_of, passes

SOURCE = "arn:aws:sqs:us-east-1:000000000000:orders"


def seed(**properties: object) -> Seed:
    given = {"EventSourceArn": SOURCE, "FunctionName": "arn", **properties}
    return Seed("AWS::Lambda::EventSourceMapping", "App/Map", "id", "", {}, given)


@pytest.mark.parametrize(
    ("payload", "failed"),
    [
        (b"null", frozenset()),
        (b"", frozenset()),
        (b"{}", frozenset()),
        (b'{"batchItemFailures": []}', frozenset()),
        (b'{"batchItemFailures": null}', frozenset()),
        (b'{"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "2"}]}', frozenset({"1", "2"})),
        (b'{"batchItemFailures": [{"itemIdentifier": ""}]}', None),
        (b'{"batchItemFailures": [{"itemIdentifier": null}]}', None),
        (b'{"batchItemFailures": [{"badKey": "1"}]}', None),
        (b'{"batchItemFailures": "1"}', None),
        (b"no JSON", None),
        (b'"text"', None),
    ],
)
def test_a_report_of_failed_items(payload: bytes, failed: frozenset[str] | None) -> None:
    assert failed_items(payload) == failed


def test_defaults_follow_the_kind_of_source() -> None:
    queue = mapping_of(seed())
    stream = mapping_of(seed(EventSourceArn="arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/now"))
    assert queue is not None
    assert stream is not None
    assert (queue.batch_size, stream.batch_size, queue.concurrency_max, stream.retries_max) == (10, 100, None, -1)


def test_a_mapping_that_is_not_enabled_is_none() -> None:
    assert mapping_of(seed(Enabled=False)) is None
    assert mapping_of(seed(Enabled="false")) is None


def test_filters_may_look_into_a_body_that_is_json() -> None:
    mapping = mapping_of(
        seed(FilterCriteria={"Filters": [{"Pattern": '{"body": {"kind": ["a"]}}'}, {"Pattern": '{"body": ["x"]}'}]})
    )
    assert mapping is not None
    assert passes(mapping.filters, {"body": '{"kind": "a"}'})
    assert passes(mapping.filters, {"body": "x"})
    assert not passes(mapping.filters, {"body": '{"kind": "b"}'})
    assert not passes(mapping.filters, {"body": "y"})
    assert passes((), {"body": "anything"})
