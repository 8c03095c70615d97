"""Usage plans: quotas on a clock that the test moves, and throttles."""

from datetime import UTC, datetime, timedelta

import pytest

from cachetwin_local.supervise.api.rest.usage import Usage, period_start
from cachetwin_local.topology.http_apis import ApiKey, Quota, Throttle, UsagePlan

NOW = datetime(2026, 11, 28, 23, 0, tzinfo=UTC)  # a Saturday


def test_a_quota_is_used_up_and_comes_back_with_the_next_period() -> None:
    usage = Usage([ApiKey("k", "secret", ("p",))], [UsagePlan("p", {"prod": {}}, quota=Quota(3, "DAY", 1))])
    told = [usage.refusal("secret", "prod", "GET /", NOW, 0.0) for _ in range(3)]
    assert told == [None, None, "quota"]
    tomorrow = NOW + timedelta(hours=2)
    assert [usage.refusal("secret", "prod", "GET /", tomorrow, 0.0) for _ in range(4)] == [None, None, None, "quota"]


def test_a_key_counts_for_the_stages_of_its_plan_only() -> None:
    keys = [ApiKey("k", "secret", ("p",)), ApiKey("free", "free")]
    usage = Usage(keys, [UsagePlan("p", {"prod": {"GET /": Throttle(0.001, 1)}}, Throttle(0.001, 2))])
    assert usage.refusal("secret", "dev", "GET /", NOW, 0.0) == "no key"
    assert usage.refusal("free", "prod", "GET /", NOW, 0.0) == "no key"
    assert usage.refusal(None, "prod", "GET /", NOW, 0.0) == "no key"
    assert [usage.refusal("secret", "prod", "GET /", NOW, 0.0) for _ in range(2)] == [None, "throttled"]
    assert [usage.refusal("secret", "prod", "PUT /", NOW, 0.0) for _ in range(3)] == [None, None, "throttled"]


@pytest.mark.parametrize(("period", "day"), [("DAY", 28), ("WEEK", 22), ("MONTH", 1)])
def test_a_period_begins_at_midnight(period: str, day: int) -> None:
    assert period_start(period, NOW) == datetime(2026, 11, day, tzinfo=UTC)
