"""EventBridge's buses and rules, and the schedules of EventBridge Scheduler. What they send is sent in `events`."""

import copy
from typing import Final

from cachetwin_local.supervise.aws_api.settings import Seed

from .seeder import Api, Seeder, as_text, chosen, nothing

__all__ = ["EVENT_BUS", "RULE", "SCHEDULE", "SCHEDULE_GROUP"]

_RULE: Final = ("Description", "RoleArn", "ScheduleExpression", "State")


def _create_bus(api: Api, seed: Seed) -> None:
    api.call("events", "CreateEventBus", seed, Name=seed.name)


def _delete_bus(api: Api, seed: Seed) -> None:
    api.call("events", "DeleteEventBus", seed, Name=seed.name)


def _put_rule(api: Api, seed: Seed) -> None:
    given = chosen(seed.properties, _RULE)
    if seed.properties.get("EventPattern"):
        given["EventPattern"] = as_text(seed.properties["EventPattern"])
    api.call("events", "PutRule", seed, Name=_rule_name(seed), EventBusName=_bus(seed), **given)
    targets = [dict(target) for target in seed.properties.get("Targets") or []]
    rule = api.backend("events", seed).event_buses[_bus(seed)].rules[_rule_name(seed)]
    rule.remove_targets([target["Id"] for target in list(rule.targets)])
    rule.put_targets(targets)  # PutTargets refuses targets of which moto has nothing


def _delete_rule(api: Api, seed: Seed) -> None:
    bus = api.backend("events", seed).event_buses.get(_bus(seed))
    rule = None if bus is None else bus.rules.get(_rule_name(seed))
    if rule is not None:
        rule.remove_targets([target["Id"] for target in list(rule.targets)])
        api.call("events", "DeleteRule", seed, Name=_rule_name(seed), EventBusName=_bus(seed))


def _rule_name(seed: Seed) -> str:
    return seed.arn.rpartition("/")[2]


def _bus(seed: Seed) -> str:
    """The name of a rule's bus, which its property may give as an ARN."""
    return str(seed.properties.get("EventBusName") or "default").rpartition("/")[2]


def _bus_arn(seed: Seed) -> str:
    return f"{seed.arn.rpartition(':')[0]}:event-bus/{_bus(seed)}"


def _create_group(api: Api, seed: Seed) -> None:
    api.backend("scheduler", seed).create_schedule_group(name=seed.name, tags=[])


def _delete_group(api: Api, seed: Seed) -> None:
    api.backend("scheduler", seed).delete_schedule_group(seed.name)


def _create_schedule(api: Api, seed: Seed) -> None:
    given = copy.deepcopy(dict(seed.properties))
    api.backend("scheduler", seed).create_schedule(
        description=given.get("Description"),
        end_date=given.get("EndDate"),
        flexible_time_window=given.get("FlexibleTimeWindow") or {"Mode": "OFF"},
        group_name=_group(seed),
        kms_key_arn=None,
        name=seed.name,
        schedule_expression=given["ScheduleExpression"],
        schedule_expression_timezone=given.get("ScheduleExpressionTimezone"),
        start_date=None,
        state=given.get("State"),
        target=given["Target"],
        action_after_completion=None,
    )
    schedule = api.backend("scheduler", seed).schedule_groups[_group(seed)].schedules[seed.name]
    schedule.start_date = given.get("StartDate")  # moto takes numbers only


def _delete_schedule(api: Api, seed: Seed) -> None:
    api.backend("scheduler", seed).delete_schedule(group_name=_group(seed), name=seed.name)


def _group(seed: Seed) -> str:
    return str(seed.properties.get("GroupName") or "default")


def _group_arn(seed: Seed) -> str:
    return f"{seed.arn.rpartition(':')[0]}:schedule-group/{_group(seed)}"


EVENT_BUS: Final = Seeder(_create_bus, _delete_bus, change=nothing)  # of a bus and of a group only the name counts here
RULE: Final = Seeder(_put_rule, _delete_rule, change=_put_rule, parent=_bus_arn)
SCHEDULE_GROUP: Final = Seeder(_create_group, _delete_group, change=nothing)
SCHEDULE: Final = Seeder(_create_schedule, _delete_schedule, parent=_group_arn)
