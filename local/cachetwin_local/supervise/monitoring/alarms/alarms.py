"""All alarms of a run: each round of measuring judges them, sets their states in CloudWatch and does what they say."""

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from cachetwin_local.supervise.aws_api.client import AwsClient
from cachetwin_local.supervise.aws_api.moto_backend import CallFailed
from cachetwin_local.supervise.function.sockets import function_socket
from cachetwin_local.supervise.http.client import HttpClient
from cachetwin_local.supervise.http.message import ProtocolError
from cachetwin_local.supervise.monitoring.metrics.expressions import ExpressionError
from cachetwin_local.supervise.monitoring.metrics.store import MetricStore
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import Topology

from .actions import event_of, function_payload, subject_of, topic_message
from .composite import RuleError, holds
from .definition import INITIAL, Alarm, read_alarm, values_of
from .evaluation import Judgement, State, judge

__all__ = ["Alarms", "Policies"]

_INVOKE_S: Final = 10.0
_NESTED_MAX: Final = 10
_LOG: Final = "alarms"


class Policies(Protocol):
    """What follows scaling policies."""

    def forget_low(self, alarms: Iterable[Alarm]) -> None:
        """These alarms are off."""

    async def follow(self, policy_arn: str, alarm: Alarm, value: float | None) -> None:
        """Follow a policy that an alarm names as its action; `value` is the last one of its metric."""


class Alarms:
    """The alarms that CloudWatch has here: those of the templates and those that apps have made."""

    def __init__(
        self, run_context: RunContext, client: AwsClient, topology: Callable[[], Topology], policies: Policies
    ) -> None:
        self._run_context = run_context
        self._client = client
        self._topology = topology
        self._policies = policies
        self._states: dict[str, State] = {}
        self._since: dict[str, str] = {}
        self._alarms: list[Alarm] = []
        self._told: set[str] = set()

    def rows(self) -> list[dict[str, object]]:
        """The alarms as `cachetwin status` shows them."""
        return [
            {
                "alarm": alarm.name,
                "region": alarm.region,
                "state": self._states.get(alarm.arn, alarm.state),
                "since": self._since.get(alarm.arn, ""),
                "reason": "" if alarm.reason == INITIAL else alarm.reason,
            }
            for alarm in sorted(self._alarms, key=lambda alarm: alarm.name)
        ]

    async def judge(self, documents: Iterable[Mapping[str, Any]], store: MetricStore, end_ms: int) -> None:
        """Judge the alarms of these documents by what was measured before `end_ms`. Raises CallFailed and OSError."""
        self._alarms = [read_alarm(document) for document in documents]
        known = {alarm.arn for alarm in self._alarms}
        self._states = {arn: state for arn, state in self._states.items() if arn in known}
        for alarm in self._alarms:
            await self._notice(alarm)
        values: dict[str, float | None] = {}
        for alarm in self._alarms:
            judgement = self._judge(alarm, store, end_ms)
            if judgement is not None:
                values[alarm.arn] = judgement.value
                await self._become(alarm, judgement.state, judgement.reason)
        await self._judge_composite([alarm for alarm in self._alarms if alarm.rule])
        self._policies.forget_low(alarm for alarm in self._alarms if self._states[alarm.arn] != "ALARM")
        for alarm in self._alarms:
            for action in alarm.actions[self._states[alarm.arn]] if alarm.enabled else ():
                if _is_policy(action):
                    await self._policies.follow(action, alarm, values.get(alarm.arn))

    async def _notice(self, alarm: Alarm) -> None:
        """A state that somebody else has set counts as a change of its own."""
        before = self._states.get(alarm.arn)
        if before is not None and alarm.reason == INITIAL:
            return  # it was put anew, with other settings
        self._states[alarm.arn] = alarm.state
        if before is not None and before != alarm.state:
            await self._tell(alarm, before, alarm.state, alarm.reason)

    def _judge(self, alarm: Alarm, store: MetricStore, end_ms: int) -> Judgement | None:
        how = alarm.evaluation
        if how is None or not alarm.queries:
            return None
        try:
            series = values_of(alarm.queries, store, alarm.period_s, end_ms, how.looked_at)
        except ExpressionError as error:
            self._say_once(f"{alarm.name} is not evaluated here: {error}")
            return None
        return judge(how, series, self._states[alarm.arn])

    async def _judge_composite(self, composite: Sequence[Alarm]) -> None:
        """Judge alarms over alarms, until none of them changes any more."""
        by_name = {alarm.name: alarm.arn for alarm in self._alarms}

        def state_of(name: str) -> State:
            return self._states.get(by_name.get(name, name), "INSUFFICIENT_DATA")

        for _ in range(_NESTED_MAX):
            changed = False
            for alarm in composite:
                try:
                    state: State = "ALARM" if holds(alarm.rule, state_of) else "OK"
                except RuleError as error:
                    self._say_once(f"{alarm.name} is not evaluated here: {error}")
                    continue
                reason = f"{alarm.arn} transitioned to {state}: {alarm.rule}"
                changed |= await self._become(alarm, state, reason)
            if not changed:
                return

    async def _become(self, alarm: Alarm, state: State, reason: str) -> bool:
        """Set the state of an alarm where it is another. Returns whether it is."""
        before = self._states[alarm.arn]
        if state == before and alarm.reason != INITIAL:
            return False
        await self._client.call(
            "monitoring",
            "SetAlarmState",
            {"AlarmName": alarm.name, "StateValue": state, "StateReason": reason, "StateReasonData": "{}"},
            region=alarm.region,
        )
        self._states[alarm.arn] = state
        if state != before:
            await self._tell(alarm, before, state, reason)
        return state != before

    async def _tell(self, alarm: Alarm, before: State, state: State, reason: str) -> None:
        """Write down that a state has changed, and do what the alarm says."""
        at = self._run_context.clock.now()
        self._since[alarm.arn] = at.isoformat(timespec="seconds")
        self._run_context.service_events.write("alarm", alarm.name, f"{before} -> {state}: {reason}", "")
        self._run_context.logs.write(_LOG, f"{alarm.name} is {state} now, it was {before}: {reason}")
        await self._send_event(event_of(alarm, state, reason, at), alarm.region)
        for action in alarm.actions[state] if alarm.enabled else ():
            with suppress(OSError):  # it is written down
                await self._do(action, alarm, state, reason, at)

    async def _do(self, action: str, alarm: Alarm, state: State, reason: str, at: dt.datetime) -> None:
        service = action.split(":")[2] if action.count(":") > 4 else ""
        if _is_policy(action):
            return  # which is followed in every round
        if service == "sns":
            try:
                await self._client.publish(action, subject_of(alarm, state), topic_message(alarm, state, reason, at))
            except CallFailed as error:
                self._run_context.logs.write(_LOG, f"{alarm.name}: {action} was not told: {error}")
        elif service == "lambda":
            await self._invoke(action, alarm, function_payload(alarm, state, reason, at))
        else:
            self._say_once(f"{alarm.name}: {action} is not done here: topics, functions and scaling policies are")

    async def _invoke(self, arn: str, alarm: Alarm, payload: Mapping[str, Any]) -> None:
        plain = ":".join(arn.split(":")[:7])
        function = next((one for one in self._topology().functions if one.identity.arn == plain), None)
        if function is None:
            self._say_once(f"{alarm.name}: {arn} is no function that runs here")
            return
        http = HttpClient(str(function_socket(self._run_context.directory, function.identity.key)))
        target = f"/2015-03-31/functions/{function.identity.physical_name}/invocations"
        try:
            await http.post(target, {"X-Amz-Invocation-Type": "Event"}, json.dumps(payload).encode(), _INVOKE_S)
        except (OSError, EOFError, ProtocolError, TimeoutError) as error:
            self._run_context.logs.write(_LOG, f"{alarm.name}: {arn} was not called: {error}")
        finally:
            await http.close()

    async def _send_event(self, event: Mapping[str, Any], region: str) -> None:
        entry = {
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Resources": event["resources"],
            "Detail": json.dumps(event["detail"]),
        }
        with suppress(CallFailed, OSError):  # an event without a rule is lost on AWS as well
            await self._client.call("events", "PutEvents", {"Entries": [entry]}, region=region)

    def _say_once(self, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            self._run_context.logs.write(_LOG, line)


def _is_policy(action: str) -> bool:
    return ":scalingPolicy:" in action
