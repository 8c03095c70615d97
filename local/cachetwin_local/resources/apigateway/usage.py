"""AWS::ApiGateway::ApiKey, UsagePlan and UsagePlanKey: who may call methods that ask for a key, and how often."""

from typing import Final, Literal, cast

from cachetwin_local.resources.context import Context
from cachetwin_local.resources.properties import Properties
from cachetwin_local.topology.http_apis import ApiKey, Quota, Throttle, UsagePlan

__all__ = ["api_keys", "throttle_of", "usage_plans"]

_KEY: Final = "AWS::ApiGateway::ApiKey"
_PLAN: Final = "AWS::ApiGateway::UsagePlan"
_PLAN_KEY: Final = "AWS::ApiGateway::UsagePlanKey"


def usage_plans(context: Context, api_id: str) -> tuple[UsagePlan, ...]:
    """The usage plans that name a stage of the API."""
    found = []
    for resolved in context.graph.readable(_PLAN):
        properties = Properties.of(resolved)
        stages = {
            stage.string("Stage"): _method_throttles(stage.object("Throttle"))
            for stage in properties.objects("ApiStages")
            if stage.string("ApiId") == api_id
        }
        if not stages:
            continue
        plan_id = str(context.graph.described(resolved.resource.key).ref)
        throttle = properties.object("Throttle")
        quota = properties.object("Quota")
        found.append(
            UsagePlan(
                plan_id,
                stages,
                _plan_throttle(throttle) if throttle.values else None,
                _quota(quota) if quota.values else None,
            )
        )
    return tuple(found)


def api_keys(context: Context, plans: tuple[UsagePlan, ...]) -> tuple[ApiKey, ...]:
    """The enabled keys of these plans; one without a value has its id, which `Ref` gives."""
    known = {plan.plan_id for plan in plans}
    plans_of: dict[str, list[str]] = {}
    for resolved in context.graph.readable(_PLAN_KEY):
        properties = Properties.of(resolved)
        if properties.string("UsagePlanId") in known:
            plans_of.setdefault(properties.string("KeyId"), []).append(properties.string("UsagePlanId"))
    found = []
    for resolved in context.graph.readable(_KEY):
        properties = Properties.of(resolved)
        key_id = str(context.graph.described(resolved.resource.key).ref)
        if properties.boolean("Enabled") and key_id in plans_of:
            found.append(ApiKey(key_id, properties.string("Value", key_id), tuple(plans_of[key_id])))
    return tuple(found)


def throttle_of(setting: Properties, rate: str, burst: str) -> Throttle:
    """A throttle by the names of its two properties."""
    return Throttle(
        rate=setting.number(rate) if rate in setting else None,
        burst=setting.integer(burst) if burst in setting else None,
    )


def _plan_throttle(given: Properties) -> Throttle:
    return throttle_of(given, "RateLimit", "BurstLimit")


def _method_throttles(given: Properties) -> dict[str, Throttle]:
    """Throttles by route key: the template has ``/items/{id}/GET``."""
    found = {}
    for name in given.values:
        path, _, method = name.rpartition("/")
        found[f"{method} {path or '/'}"] = _plan_throttle(given.object(name))
    return found


def _quota(given: Properties) -> Quota:
    period = given.string("Period")
    if period not in {"DAY", "WEEK", "MONTH"}:
        raise given.where.child("Period").error(f"must be DAY, WEEK or MONTH, got {period}")
    literal = cast("Literal['DAY', 'WEEK', 'MONTH']", period)
    return Quota(given.integer("Limit"), literal, given.integer("Offset", 0))
