"""Keys and usage plans: whether a request with a key may pass, by throttles and by quotas on the app's clock."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from cachetwin_local.supervise.api.dialect import Failure
from cachetwin_local.supervise.api.throttle import TokenBucket, bucket_of
from cachetwin_local.topology.http_apis import ApiKey, Quota, UsagePlan

__all__ = ["Usage"]

_SUNDAY: Final = 6


class Usage:
    """The keys and the usage plans of an API, with what was used; it is kept for as long as the process runs."""

    def __init__(self, keys: Sequence[ApiKey], plans: Sequence[UsagePlan]) -> None:
        self._keys = {key.value: key for key in keys}
        self._plans = {plan.plan_id: plan for plan in plans}
        self._buckets: dict[tuple[str, str, str, str], TokenBucket] = {}
        self._used: dict[tuple[str, str], tuple[datetime, int]] = {}

    def key_id(self, value: str | None) -> str:
        """The id of a key; empty for none."""
        key = self._keys.get(value or "")
        return key.key_id if key is not None else ""

    def refusal(
        self, value: str | None, stage: str, route_key: str, now: datetime, monotonic_s: float
    ) -> Failure | None:
        """Why a request with this key may not pass; None where it may, and then it is counted."""
        key = self._keys.get(value or "")
        plan = next((self._plans[one] for one in (key.plans if key else ()) if stage in self._plans[one].stages), None)
        if key is None or plan is None:
            return "no key"
        own = plan.stages[stage].get(route_key)
        throttle = own or plan.throttle
        if throttle is not None:
            name = (plan.plan_id, key.key_id, stage, route_key if own is not None else "")
            if not self._buckets.setdefault(name, bucket_of(throttle)).take(monotonic_s):
                return "throttled"
        if plan.quota is not None and not self._count((plan.plan_id, key.key_id), plan.quota, now):
            return "quota"
        return None

    def _count(self, name: tuple[str, str], quota: Quota, now: datetime) -> bool:
        began = period_start(quota.period, now)
        last, used = self._used.get(name, (began, quota.offset))
        if last != began:
            used = 0
        if used >= quota.limit:
            return False
        self._used[name] = (began, used + 1)
        return True


def period_start(period: str, now: datetime) -> datetime:
    """When the period of a quota began: at midnight in UTC, of a Sunday or the first of a month for the longer ones."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "MONTH":
        return day.replace(day=1)
    return day - timedelta(days=(day.weekday() - _SUNDAY) % 7) if period == "WEEK" else day
