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
    """One schedule that counts: what it was read from, its first and last moment, since when, and when it is due next."""

    read_from: tuple[str, ...]
    schedule: Schedule
    start: datetime | None
    end: datetime | None
    began: datetime
    due: datetime | None

    def take(self, now: datetime) -> datetime | None:
        """Move on behind `now`. Returns the last moment that passed, where it is not before the start or after the end."""
        last = None
        while self.due is not None and self.due <= now:
            last, self.due = self.due, self.schedule.next_after(self.began, self.due)
        if last is None or (self.start is not None and last < self.start) or (self.end is not None and last > self.end):
            return None
        return last


class Schedules:
    """`account` is the one whose schedules count. `write` gets lines for the log."""

    def __init__(self, moto: MotoBackend, attempts: Attempts, buses: Buses, write: Callable[[str], None]) -> None:
        self._moto = moto
        self._attempts = attempts
        self._buses = buses
        self._write = write
        self._due: dict[str, _Due] = {}
        self._unread: dict[str, tuple[str, ...]] = {}

    def run_due(self, account: str, now: datetime) -> None:
        """Look which schedules there are, and send what is due. One that fails has a line in the log."""
        found = dict(self._all(account))
        self._due = {arn: due for arn, due in self._due.items() if arn in found}
        self._unread = {arn: read_from for arn, read_from in self._unread.items() if arn in found}
        ready: list[tuple[datetime, str]] = []
        for arn, (expression, one) in found.items():
            due = self._known(arn, expression, one, now)
            moment = None if due is None else due.take(now)
            if moment is not None:
                ready.append((moment, arn))
        for moment, arn in sorted(ready):
            try:
                self._send(arn, found[arn][1], moment)
            except Exception as error:  # noqa: BLE001  (what calls made may be anything, and one schedule stops no other)
                self._write(f"[cachetwin] {arn} was due and could not be sent: {type(error).__name__}: {error}")

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

    def _known(self, arn: str, expression: tuple[str, str], one: Any, now: datetime) -> _Due | None:  # noqa: ANN401
        start, end = getattr(one, "start_date", None), getattr(one, "end_date", None)
        read_from = (*expression, str(start), str(end))
        known = self._due.get(arn)
        if known is not None and known.read_from == read_from:
            return known
        self._due.pop(arn, None)
        try:
            schedule = read_schedule(expression[0], zone_of(expression[1]))
            due = _Due(read_from, schedule, _moment(start), _moment(end), now, schedule.next_after(now, now))
        except (ValueError, OverflowError, OSError) as error:
            if self._unread.get(arn) != read_from:
                self._unread[arn] = read_from
                self._write(f"[cachetwin] {arn} is never due: {error}")
            return None
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


def _moment(value: Any) -> datetime | None:  # noqa: ANN401  (what moto keeps)
    if value is None or value == "":
        return None
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    found = datetime.fromisoformat(str(value))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _put(target: Mapping[str, Any], payload: str, region: str, account: str, moment: datetime) -> dict[str, Any]:
    """The event that a schedule puts on a bus. Its detail is text where the input is no JSON."""
    parameters = target.get("EventBridgeParameters") or {}
    try:
        detail = json.loads(payload)
    except ValueError:
        detail = payload
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": parameters.get("DetailType", ""),
        "source": parameters.get("Source", ""),
        "account": account,
        "time": event_time(moment),
        "region": region,
        "resources": [],
        "detail": detail,
    }
