"""Schedules: rules with an expression, and those of EventBridge Scheduler, on the clock of the app.

The runner's clock asks when something is due (`run_due`); `next_ms` is when it has to ask again. Of several times that
passed since it asked, which a machine that slept has, only the last counts. A rate begins when it is first seen.
"""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cachetwin_local.identity.deliveries import Sender, kind_of
from cachetwin_local.resources.events.expressions import Schedule, read_schedule, zone_of
from cachetwin_local.supervise.aws_api.moto_backend import MotoBackend

from .attempts import Attempts
from .buses import Buses, event_time
from .inputs import filled
from .targets import Delivery

__all__ = ["Schedules"]

SERVICE: Final = "scheduler.amazonaws.com"


@dataclass(slots=True)
class _Due:
    """One schedule that counts: `expression` with its zone, since when, and when it is due next."""

    expression: tuple[str, str]
    schedule: Schedule
    began: datetime
    due: datetime | None


class Schedules:
    """`account` is the one whose schedules count. `write` gets lines for the log."""

    def __init__(self, moto: MotoBackend, attempts: Attempts, buses: Buses, write: Callable[[str], None]) -> None:
        self._moto = moto
        self._attempts = attempts
        self._buses = buses
        self._write = write
        self._due: dict[str, _Due] = {}
        self._unread: set[tuple[str, str]] = set()

    def run_due(self, account: str, now: datetime) -> None:
        """Look which schedules there are, and send what is due."""
        found = dict(self._all(account))
        self._due = {arn: due for arn, due in self._due.items() if arn in found}
        ready: list[tuple[datetime, str]] = []
        for arn, (expression, one) in found.items():
            due = self._known(arn, expression, now)
            if due is None:
                continue
            last = None
            while due.due is not None and due.due <= now:
                last, due.due = due.due, due.schedule.next_after(due.began, due.due)
            if last is not None and _within(one, last):
                ready.append((last, arn))
        for moment, arn in sorted(ready):
            self._send(arn, found[arn][1], moment)

    @property
    def next_ms(self) -> int:
        """When something is due next, in milliseconds since 1970; 0 for never."""
        moments = [due.due for due in self._due.values() if due.due is not None]
        return int(1000 * min(moments).timestamp()) if moments else 0

    def _all(self, account: str) -> Iterator[tuple[str, tuple[tuple[str, str], Any]]]:
        """Every schedule that is enabled by its ARN: its expression and zone, and moto's object."""
        for backend in self._moto.every_backend("events", account) if self._moto.has("events") else ():
            for bus in list(backend.event_buses.values()):
                for rule in list(bus.rules.values()):
                    if rule.scheduled_expression and rule.state != "DISABLED":
                        yield rule.arn, ((rule.scheduled_expression, "UTC"), rule)
        for backend in self._moto.every_backend("scheduler", account) if self._moto.has("scheduler") else ():
            for group in list(backend.schedule_groups.values()):
                for one in list(group.schedules.values()):
                    if one.state != "DISABLED":
                        yield one.arn, ((one.schedule_expression, one.schedule_expression_timezone), one)

    def _known(self, arn: str, expression: tuple[str, str], now: datetime) -> _Due | None:
        known = self._due.get(arn)
        if known is not None and known.expression == expression:
            return known
        try:
            schedule = read_schedule(expression[0], zone_of(expression[1]))
        except ValueError as error:
            if (arn, expression[0]) not in self._unread:
                self._unread.add((arn, expression[0]))
                self._write(f"[cachetwin] {arn} is never due: {error}")
            return None
        due = _Due(expression, schedule, now, schedule.next_after(now, now))
        self._due[arn] = due
        return due

    def _send(self, arn: str, one: Any, moment: datetime) -> None:  # noqa: ANN401  (moto's own class)
        if hasattr(one, "event_bus_name"):
            self._buses.scheduled(one, moment)
            return
        target = one.target
        _, _, _, region, account, _rest = arn.split(":", 5)
        values = {
            "aws.scheduler.schedule-arn": arn,
            "aws.scheduler.scheduled-time": event_time(moment),
            "aws.scheduler.execution-id": str(uuid.uuid4()),
            "aws.scheduler.attempt-number": "1",
        }
        payload = filled(str(target.get("Input") or "{}"), values)
        event = None
        if kind_of(str(target["Arn"])) == "events":
            event = _put(target, payload, region, account, moment)
        sender = Sender(SERVICE, arn, str(target.get("RoleArn") or ""))
        self._attempts.begin(Delivery(str(target["Arn"]), payload, sender, target, event), f"schedule {one.name}")
        if one.action_after_completion == "DELETE" and self._due[arn].due is None:
            for backend in self._moto.every_backend("scheduler", account):
                for group in backend.schedule_groups.values():
                    if group.schedules.get(one.name) is one:
                        group.delete_schedule(one.name)


def _within(one: Any, moment: datetime) -> bool:  # noqa: ANN401  (moto's own class)
    """Whether a moment is between the start and the end of a schedule, where it has these."""
    start, end = _moment(getattr(one, "start_date", None)), _moment(getattr(one, "end_date", None))
    return (start is None or moment >= start) and (end is None or moment <= end)


def _moment(value: Any) -> datetime | None:  # noqa: ANN401  (what moto keeps)
    if value is None or value == "":
        return None
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    found = datetime.fromisoformat(str(value))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _put(target: Mapping[str, Any], payload: str, region: str, account: str, moment: datetime) -> dict[str, Any]:
    """The event that a schedule puts on a bus."""
    parameters = target.get("EventBridgeParameters") or {}
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": parameters.get("DetailType", ""),
        "source": parameters.get("Source", ""),
        "account": account,
        "time": event_time(moment),
        "region": region,
        "resources": [],
        "detail": json.loads(payload),
    }
