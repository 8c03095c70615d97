"""A queue as an event source: its messages are received in batches, given to the function, and deleted when it succeeds.

What fails comes back when its visibility timeout has passed, and goes to the queue's dead letters in the end, as the
queue says. Source: "Using Lambda with Amazon SQS", Lambda developer guide.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cachetwin_local.supervise.aws_api.functions import Functions
from cachetwin_local.supervise.aws_api.moto_backend import CallFailed, MotoBackend
from cachetwin_local.supervise.aws_api.protocol.services import SERVICES

from .invocation import invoke_with
from .mapping import BATCH_BYTES_MAX, SourceMapping, failed_items, passes

__all__ = ["QueueSource", "record_of"]

_LOOK_S: Final = 0.1
_RECEIVED_MAX: Final = 10  # of one ReceiveMessage
_CONCURRENCY: Final = 10  # as many environments as a function has here at most
_SQS: Final = SERVICES["sqs"]


class QueueSource:
    """One mapping of a queue. `write` gets lines for the log."""

    def __init__(self, mapping: SourceMapping, moto: MotoBackend, functions: Functions, write: Any) -> None:  # noqa: ANN401
        self._mapping = mapping
        self._moto = moto
        self._functions = functions
        self._write = write
        _, _, _, self._region, self._account, self._name = mapping.source.split(":", 5)
        self._batches: set[asyncio.Task[None]] = set()
        self._finishing = asyncio.Event()

    def change(self, mapping: SourceMapping) -> None:
        """Go on with another mapping of the same queue and function."""
        self._mapping = mapping

    def finish(self) -> None:
        """Receive no more; `run` returns when the batches that run have ended."""
        self._finishing.set()

    async def run(self) -> None:
        """Read the queue until it is to finish. Batches go on when this fails or is cancelled, until `close`."""
        while not self._finishing.is_set():
            if len(self._batches) >= (self._mapping.concurrency_max or _CONCURRENCY):
                await asyncio.wait(self._batches, return_when=asyncio.FIRST_COMPLETED)
                continue
            batch = await self._next_batch()
            if batch:
                task = asyncio.create_task(self._work(batch))
                self._batches.add(task)
                task.add_done_callback(self._batches.discard)
        if self._batches:
            await asyncio.wait(self._batches)

    async def close(self) -> None:
        """Give up batches that run; their messages come back."""
        batches = list(self._batches)
        for task in batches:
            task.cancel()
        await asyncio.gather(*batches, return_exceptions=True)

    async def _next_batch(self) -> list[dict[str, Any]]:
        """Messages for one invocation: as soon as there is one, or when the window has passed since the first.

        When it is to finish: what it has.
        """
        mapping = self._mapping
        batch: list[dict[str, Any]] = []
        size, end_s = 0, 0.0
        while not self._finishing.is_set():
            if not batch:
                mapping = self._mapping
            if self._waits():
                wanted = min(_RECEIVED_MAX, mapping.batch_size - len(batch))
                try:
                    received = await self._receive(wanted)
                except CallFailed:
                    if batch:
                        return batch
                    raise
                if received and not batch:
                    end_s = time.monotonic() + mapping.window_s
                batch += received
                size += sum(len(one["Body"]) for one in received)
                full = len(batch) >= mapping.batch_size or size > BATCH_BYTES_MAX - 262_144 * _RECEIVED_MAX
                if batch and (full or (time.monotonic() >= end_s and len(received) < wanted)):
                    return batch
                if received:
                    continue
            if batch and time.monotonic() >= end_s:
                return batch
            await asyncio.sleep(_LOOK_S if not batch else min(_LOOK_S, max(0.0, end_s - time.monotonic())))
        return batch

    def _waits(self) -> bool:
        """Whether the queue has a message that can be received; cheap, without a call."""
        queue = self._moto.backend("sqs", self._region, self._account).queues.get(self._name)
        return queue is not None and any(one.visible and not one.delayed for one in list(queue._messages))

    async def _receive(self, count: int) -> list[dict[str, Any]]:
        answer = await self._call(
            "ReceiveMessage",
            MaxNumberOfMessages=count,
            WaitTimeSeconds=0,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))

    async def _work(self, batch: list[dict[str, Any]]) -> None:
        try:
            records = [record_of(message, self._mapping.source) for message in batch]
            handles = {record["messageId"]: record["receiptHandle"] for record in records}
            wanted = [record for record in records if passes(self._mapping.filters, record)]
            done = handles.keys() - {record["messageId"] for record in wanted}
            if wanted:
                done |= await self._handled(wanted)
            await self._delete([handles[one] for one in handles if one in done])
        except CallFailed as error:
            self._write(f"[cachetwin] {self._mapping.key}: {error}")

    async def _handled(self, records: list[dict[str, Any]]) -> set[str]:
        """Invoke the function; the ids of the messages that it has handled."""
        mapping, ids = self._mapping, {record["messageId"] for record in records}
        result = await invoke_with(self._functions, mapping.function, records, self._visibility_s() / 2)
        if result.failed:
            reason = result.payload.decode(errors="replace")[:300]
            self._write(
                f"[cachetwin] {mapping.key}: {len(ids)} messages of {self._name} come back after their visibility "
                f"timeout: {reason}"
            )
            return set()
        if not mapping.reports_failures:
            return ids
        failed = failed_items(result.payload)
        if failed is None:
            self._write(f"[cachetwin] {mapping.key}: no valid report of failed items, so that the whole batch failed")
            return set()
        if failed & ids:
            self._write(f"[cachetwin] {mapping.key}: {len(failed & ids)} of {len(ids)} messages failed")
        return ids - failed

    def _visibility_s(self) -> float:
        queue = self._moto.backend("sqs", self._region, self._account).queues.get(self._name)
        return float(queue.visibility_timeout) if queue is not None else 0.0

    async def _delete(self, handles: Sequence[str]) -> None:
        for at in range(0, len(handles), _RECEIVED_MAX):
            entries = [
                {"Id": str(number), "ReceiptHandle": handle}
                for number, handle in enumerate(handles[at : at + _RECEIVED_MAX])
            ]
            await self._call("DeleteMessageBatch", Entries=entries)

    async def _call(self, operation: str, **parameters: Any) -> Any:  # noqa: ANN401  (a service's JSON)
        given = {"QueueUrl": f"http://localhost/{self._account}/{self._name}", **parameters}
        return await asyncio.to_thread(self._moto.call, _SQS, operation, given, self._region, self._account)


def record_of(message: Mapping[str, Any], source: str) -> dict[str, Any]:
    """A message of ReceiveMessage as functions get it."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes") or {}),
        "messageAttributes": {
            name: _attribute(value) for name, value in (message.get("MessageAttributes") or {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": source,
        "awsRegion": source.split(":")[3],
    } | ({"md5OfMessageAttributes": message["MD5OfMessageAttributes"]} if "MD5OfMessageAttributes" in message else {})


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value.get("DataType", "String"),
    }
    for name, theirs in (("stringValue", "StringValue"), ("binaryValue", "BinaryValue")):
        if value.get(theirs) is not None:
            found[name] = value[theirs]
    return found
