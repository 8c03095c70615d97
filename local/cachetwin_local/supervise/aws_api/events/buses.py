"""Event buses: the rules that moto has, those of the template and those that calls make, and what they send.

moto keeps buses and rules and answers calls; what a rule sends is sent here, and by nothing else.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from cachetwin_local.identity.deliveries import Sender, kind_of
from cachetwin_local.supervise.aws_api.moto_backend import MotoBackend

from .attempts import Attempts
from .inputs import input_of
from .patterns import is_match
from .targets import Delivery

__all__ = ["SERVICE", "Buses", "event_time"]

SERVICE: Final = "events.amazonaws.com"
_WITH_ROLE: Final = frozenset({"ecs", "events"})
"""The kinds of targets that a rule reaches with a role; for the others the policy of the target decides."""


class Buses:
    """Sends events to the targets of the rules that match. `now` gives the time of the app."""

    def __init__(self, moto: MotoBackend, attempts: Attempts, now: Callable[[], datetime]) -> None:
        self._moto = moto
        self._attempts = attempts
        self._now = now

    def put(self, bus: str, event: Mapping[str, Any], hops: int = 0) -> None:
        """Let the rules of a bus (an ARN, or the name of one of the event's account and region) match an event.

        The event has come over `hops` buses before.
        """
        region, account = str(event["region"]), str(event["account"])
        name = bus
        if bus.startswith("arn:"):
            _, _, _, region, account, rest = bus.split(":", 5)
            name = rest.rpartition("/")[2]
        found = self._moto.backend("events", region, account).event_buses.get(name)
        for rule in [] if found is None else list(found.rules.values()):
            self.send(rule, event, hops)

    def send(self, rule: Any, event: Mapping[str, Any], hops: int = 0) -> None:  # noqa: ANN401  (moto's own class)
        """Send an event to the targets of a rule, if the rule is enabled and its pattern matches."""
        pattern = rule.event_pattern.get_pattern()
        if pattern and rule.state != "DISABLED" and is_match(pattern, event):
            self.send_to_targets(rule, event, hops)

    def send_to_targets(self, rule: Any, event: Mapping[str, Any], hops: int = 0) -> None:  # noqa: ANN401  (moto's own class)
        """Send an event to the targets of a rule."""
        ingested = event_time(self._now())
        for target in list(rule.targets):
            arn = str(target["Arn"])
            role = str(target.get("RoleArn") or rule.role_arn or "") if kind_of(arn) in _WITH_ROLE else ""
            payload = input_of(target, event, rule.arn, ingested)
            delivery = Delivery(arn, payload, Sender(SERVICE, rule.arn, role), target, event, hops=hops + 1)
            self._attempts.begin(delivery, f"rule {rule.name}")

    def scheduled(self, rule: Any, moment: datetime) -> None:  # noqa: ANN401  (moto's own class)
        """Send the event of a rule's schedule."""
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": rule.account_id,
            "time": event_time(moment),
            "region": rule.region_name,
            "resources": [rule.arn],
            "detail": {},
        }
        self.send_to_targets(rule, event)

    def received(self, rule: Any, event: Mapping[str, Any]) -> None:  # noqa: ANN401  (moto's own class)
        """An event of PutEvents, as moto has it for one rule."""
        given = {name: value for name, value in event.items() if name != "ingestion-time"}
        moment = given.get("time")
        if isinstance(moment, int | float):
            moment = event_time(datetime.fromtimestamp(moment, UTC))
        detail = given.get("detail")
        given["time"] = str(moment)
        given["detail"] = json.loads(detail) if isinstance(detail, str) else detail
        self.send(rule, given)


def event_time(moment: datetime) -> str:
    """A time as events have it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
