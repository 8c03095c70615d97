"""Asynchronous invocations: a queue in memory, retries, and the functions that hear of the end.

The service waits one minute before the first retry and two before the second; here it is one second and two. Events that
are throttled are tried again until they are too old.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cachetwin_local.topology.functions import AsyncInvocation

from .invocation import Invocation, Result, Throttled

__all__ = ["AsyncQueue", "Outcome"]

_RETRY_S: Final = 1.0
_THROTTLED_S: Final = 1.0
_EVENTS_MAX: Final = 10_000
_Run = Callable[[Invocation], Awaitable[Result]]
_Send = Callable[[str, bytes, Mapping[str, str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an asynchronous invocation ended: `condition` is the service's word."""

    condition: str
    attempts: int
    result: Result | None


class AsyncQueue:
    """Takes events, and runs each until it succeeds or is given up.

    `run` invokes the function once, `send` delivers a record to an ARN, with attributes where that is a queue, and
    `write` gets lines for the log.
    """

    def __init__(self, settings: AsyncInvocation, run: _Run, send: _Send, write: Callable[[str], None]) -> None:
        self._settings = settings
        self._run = run
        self._send = send
        self._write = write
        self._tasks: set[asyncio.Task[None]] = set()

    def put(self, invocation: Invocation) -> bool:
        """Take an event. Returns False when too many wait."""
        if len(self._tasks) >= _EVENTS_MAX:
            return False
        task = asyncio.get_running_loop().create_task(self._work(invocation))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def close(self) -> None:
        """Give up what still waits or runs."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self, invocation: Invocation) -> None:
        outcome = await self._attempt(invocation, time.time())
        succeeded = outcome.condition == "Success"
        destination = self._settings.on_success if succeeded else self._settings.on_failure
        if destination is not None:
            record = json.dumps(_record(invocation, outcome, datetime.now(UTC))).encode()
            await self._tell(invocation, destination, record, {})
        if not succeeded and self._settings.dead_letters is not None:
            await self._tell(
                invocation, self._settings.dead_letters, invocation.payload, _attributes(invocation, outcome)
            )

    async def _tell(self, invocation: Invocation, arn: str, content: bytes, attributes: Mapping[str, str]) -> None:
        try:
            await self._send(arn, content, attributes)
        except Exception as error:  # noqa: BLE001  (whatever it is, the event has ended and the log says what is lost)
            self._write(f"[cachetwin] {invocation.request_id}: {arn} was not told of its end: {error}")

    async def _attempt(self, invocation: Invocation, began_s: float) -> Outcome:
        attempts = 0
        while True:
            result: Result | None = None
            try:
                result = await self._run(invocation)
                attempts += 1
                if not result.failed:
                    return Outcome("Success", attempts, result)
                if attempts > self._settings.retries_max:
                    return Outcome("RetriesExhausted", attempts, result)
                await asyncio.sleep(_RETRY_S * attempts)
            except Throttled:
                await asyncio.sleep(_THROTTLED_S)
            if time.time() - began_s > self._settings.age_max_s:
                return Outcome("EventAgeExceeded", attempts, result)


def _attributes(invocation: Invocation, outcome: Outcome) -> dict[str, str]:
    """What a dead letter says of the invocation."""
    said = outcome.result.payload.decode("utf-8", "replace") if outcome.result is not None else outcome.condition
    message = _json_or_text(outcome.result.payload) if outcome.result is not None else None
    if isinstance(message, dict) and "errorMessage" in message:
        said = str(message["errorMessage"])
    return {"RequestID": invocation.request_id, "ErrorCode": "200", "ErrorMessage": said[:1024]}


def _record(invocation: Invocation, outcome: Outcome, now: datetime) -> dict[str, object]:
    """What a destination receives."""
    result = outcome.result
    context: dict[str, object] = {"statusCode": 200, "executedVersion": "$LATEST"}
    if result is not None and result.failed:
        context["functionError"] = "Unhandled"
    return {
        "version": "1.0",
        "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": invocation.request_id,
            "functionArn": _qualified(invocation.function_arn),
            "condition": outcome.condition,
            "approximateInvokeCount": outcome.attempts,
        },
        "requestPayload": _json_or_text(invocation.payload),
        "responseContext": context,
        "responsePayload": _json_or_text(result.payload) if result is not None else None,
    }


def _qualified(arn: str) -> str:
    return arn if arn.count(":") > 6 else f"{arn}:$LATEST"


def _json_or_text(payload: bytes) -> object:
    with contextlib.suppress(ValueError):
        return json.loads(payload or b"null")
    return payload.decode("utf-8", "replace")
