"""Delivers to what events can go to: functions, queues, topics, log groups and buses."""

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cachetwin_local.identity.deliveries import ACTIONS, DeliveryPermissions, Sender, kind_of
from cachetwin_local.supervise.aws_api.functions import Functions
from cachetwin_local.supervise.aws_api.moto_backend import CallFailed, MotoBackend
from cachetwin_local.supervise.aws_api.protocol.services import SERVICES
from cachetwin_local.supervise.aws_api.task_runner import TaskNotStarted, TaskRunner
from cachetwin_local.supervise.http.message import ProtocolError

__all__ = ["Delivery", "NotDelivered", "Targets"]

PutEvent = Callable[[str, Mapping[str, Any], int], None]


class NotDelivered(Exception):
    """A delivery that failed; with `final` no further try can succeed. `code` is the service's word."""

    def __init__(self, code: str, message: str, *, final: bool) -> None:
        super().__init__(message)
        self.code = code
        self.final = final


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something for a target. `options` are the target's of the rule or schedule; `event` is what a bus gets.

    `attributes` are message attributes for a queue, as its API takes them. `hops` counts the buses that the event has
    come over.
    """

    arn: str
    payload: str
    sender: Sender
    options: Mapping[str, Any] = field(default_factory=dict)
    event: Mapping[str, Any] | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    hops: int = 0


class Targets:
    """Sends deliveries. `put_event` takes an event for another bus, with the number of buses it has come over."""

    def __init__(
        self, moto: MotoBackend, functions: Functions, tasks: TaskRunner, permissions: DeliveryPermissions
    ) -> None:
        self._moto = moto
        self._functions = functions
        self._tasks = tasks
        self.permissions = permissions
        self.put_event: PutEvent = lambda _bus, _event, _hops: None

    async def send(self, delivery: Delivery) -> None:
        """Deliver once. Raises NotDelivered."""
        kind = kind_of(delivery.arn)
        if kind not in ACTIONS:
            raise NotDelivered("NOT_SUPPORTED", f"{delivery.arn}: targets of this kind do not run here", final=True)
        refused = self.permissions.refusal_of(delivery.sender, delivery.arn, _task_definition(delivery))
        if refused is not None:
            raise NotDelivered("NO_PERMISSIONS", refused, final=True)
        try:
            await self._send(kind, delivery)
        except CallFailed as error:
            missing = "NotFound" in error.code or "NonExistent" in error.code or "DoesNotExist" in error.code
            raise NotDelivered(error.code, f"{delivery.arn}: {error}", final=missing) from error
        except (OSError, EOFError, ProtocolError, TimeoutError) as error:
            raise NotDelivered("SDK_CLIENT_ERROR", f"{delivery.arn}: {error or 'no answer'}", final=False) from error

    async def _send(self, kind: str, delivery: Delivery) -> None:
        match kind:
            case "lambda":
                await self._invoke(delivery.arn, delivery.payload.encode())
            case "sqs":
                await self._to_queue(delivery)
            case "sns":
                await self._to_topic(delivery)
            case "ecs":
                await self._run_task(delivery)
            case "logs":
                await self._to_log_group(delivery)
            case _:
                event = delivery.event if delivery.event is not None else json.loads(delivery.payload)
                self.put_event(delivery.arn, event, delivery.hops)

    async def _invoke(self, name: str, payload: bytes) -> None:
        region = name.split(":")[3]
        arn, socket_path = self._functions.find(name, region)
        if socket_path is None:
            raise NotDelivered("RESOURCE_NOT_FOUND", f"{arn} does not run here", final=True)
        reply = await self._functions.invoke(arn, socket_path, {"X-Amz-Invocation-Type": "Event"}, payload)
        if reply.status >= 300:
            code = reply.header("x-amzn-errortype") or "ServiceException"
            raise NotDelivered(
                code, f"{arn}: {reply.body.decode(errors='replace')}", final=reply.status in {400, 404, 413}
            )

    async def _run_task(self, delivery: Delivery) -> None:
        """Start the tasks of a target; its input says what is other than in the task definition."""
        given = delivery.options.get("EcsParameters") or {}
        try:
            overrides = json.loads(delivery.payload)
        except ValueError:
            overrides = {}
        sender = delivery.sender
        request = {
            "taskDefinition": _task_definition(delivery),
            "cluster": delivery.arn,
            "count": given.get("TaskCount") or 1,
            "startedBy": f"{sender.service.partition('.')[0]}-rule/{sender.source_arn.rpartition('/')[2]}",
            "overrides": overrides,
        }
        try:
            await self._tasks.run(request)
        except TaskNotStarted as error:
            raise NotDelivered("InvalidParameterException", f"{delivery.arn}: {error}", final=True) from error

    async def _to_queue(self, delivery: Delivery) -> None:
        _, _, _, region, account, name = delivery.arn.split(":", 5)
        parameters: dict[str, Any] = {
            "QueueUrl": f"http://localhost/{account}/{name}",
            "MessageBody": delivery.payload,
        }
        if delivery.attributes:
            parameters["MessageAttributes"] = delivery.attributes
        group = (delivery.options.get("SqsParameters") or {}).get("MessageGroupId")
        if group:
            parameters["MessageGroupId"] = group
            if delivery.options.get("MessageDeduplicationId"):
                parameters["MessageDeduplicationId"] = delivery.options["MessageDeduplicationId"]
        await self._call("sqs", "SendMessage", parameters, region, account)

    async def _to_topic(self, delivery: Delivery) -> None:
        _, _, _, region, account, _name = delivery.arn.split(":", 5)

        def publish() -> None:
            try:
                self._moto.backend("sns", region, account).publish(delivery.payload, arn=delivery.arn)
            except Exception as error:  # moto's errors are of many classes
                raise CallFailed(type(error).__name__, str(error)) from error

        await self._moto.run(publish)

    async def _to_log_group(self, delivery: Delivery) -> None:
        _, _, _, region, account, rest = delivery.arn.split(":", 5)
        group = rest.removeprefix("log-group:").removesuffix(":*")
        stream = str(uuid.uuid4())
        await self._call("logs", "CreateLogStream", {"logGroupName": group, "logStreamName": stream}, region, account)
        lines = [{"timestamp": int(1000 * time.time()), "message": delivery.payload}]
        parameters = {"logGroupName": group, "logStreamName": stream, "logEvents": lines}
        await self._call("logs", "PutLogEvents", parameters, region, account)

    async def _call(
        self, service: str, operation: str, parameters: Mapping[str, Any], region: str, account: str
    ) -> Any:  # noqa: ANN401  (a service's JSON)
        await self._moto.loaded()
        return await asyncio.to_thread(self._moto.call, SERVICES[service], operation, parameters, region, account)


def _task_definition(delivery: Delivery) -> str:
    return str((delivery.options.get("EcsParameters") or {}).get("TaskDefinitionArn", ""))
