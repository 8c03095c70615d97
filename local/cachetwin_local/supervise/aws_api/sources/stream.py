"""The stream of a DynamoDB table as an event source: its records go to the function in their order, batch by batch.

A batch that fails is tried again, and holds up what comes after it, until it succeeds, is too old or was tried often
enough. Source: "Process DynamoDB records with Lambda", Lambda developer guide.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from cachetwin_local.supervise.aws_api.events.targets import NotDelivered
from cachetwin_local.supervise.aws_api.functions import Functions
from cachetwin_local.supervise.aws_api.moto_backend import MotoBackend

from .invocation import BatchResult, invoke_with
from .mapping import SourceMapping, failed_items, passes

__all__ = ["Position", "StreamSource"]

_LOOK_S: Final = 0.1
_RETRY_FIRST_S: Final = 0.2
_RETRY_MAX_S: Final = 30.0
_PATIENCE_S: Final = 60.0
Tell = Callable[[str, str], Awaitable[None]]
Record = dict[str, Any]


@dataclass(slots=True)
class Position:
    """How many records of a stream are done; None before it is first read."""

    count: int | None = None


class StreamSource:
    """One mapping of a table's stream. `tell` delivers text to an ARN, `write` gets lines for the log."""

    def __init__(  # noqa: PLR0917
        self,
        mapping: SourceMapping,
        position: Position,
        moto: MotoBackend,
        functions: Functions,
        tell: Tell,
        write: Callable[[str], None],
    ) -> None:
        self._mapping = mapping
        self._position = position
        self._moto = moto
        self._functions = functions
        self._tell = tell
        self._write = write
        self._table = mapping.source.split("/")[1]
        self._finishing = asyncio.Event()
        if position.count is None:
            position.count = 0 if mapping.from_start else len(self._items())

    def change(self, mapping: SourceMapping) -> None:
        """Go on with another mapping of the same stream and function."""
        self._mapping = mapping

    def finish(self) -> None:
        """Read no more; `run` returns when the invocation that runs has ended."""
        self._finishing.set()

    async def run(self) -> None:
        """Read the stream until it is to finish."""
        while not self._finishing.is_set():
            start, batch = await self._next_batch()
            records = [self._record(item) for item in batch]
            left = await self._process([record for record in records if passes(self._mapping.filters, record)])
            self._position.count = start + (records.index(left[0]) if left else len(batch))

    async def close(self) -> None:
        """Nothing runs beside `run`."""

    def _items(self) -> list[Any]:
        """The records of the stream, as moto has them."""
        _, _, _, region, account, _rest = self._mapping.source.split(":", 5)
        table = self._moto.backend("dynamodb", region, account).tables.get(self._table)
        shard = None if table is None else table.stream_shard
        return [] if shard is None else shard.items

    async def _next_batch(self) -> tuple[int, list[Any]]:
        """Where the next batch begins, and its records; none of them when it is to finish."""
        start, since_s = self._position.count or 0, 0.0
        while not self._finishing.is_set():
            items = self._items()
            if len(items) < start:
                start = 0  # another table of this name
            waiting = items[start : start + self._mapping.batch_size]
            if waiting:
                since_s = since_s or time.monotonic()
                if len(waiting) == self._mapping.batch_size or time.monotonic() >= since_s + self._mapping.window_s:
                    return start, waiting
            await asyncio.sleep(_LOOK_S)
        return start, []

    def _record(self, item: Any) -> Record:  # noqa: ANN401  (moto's own class)
        record: Record = json.loads(json.dumps(item.to_json(), default=_plain))
        return record | {"awsRegion": self._mapping.source.split(":")[3], "eventSourceARN": self._mapping.source}

    async def _process(self, records: list[Record]) -> list[Record]:
        """Give the records to the function until they are done or given up. Returns those left when it is to finish."""
        attempts, delay_s = 0, _RETRY_FIRST_S
        while records:
            result = await invoke_with(self._functions, self._mapping.function, records, _PATIENCE_S)
            attempts += 1
            left = self._left(records, result)
            if not left:
                return []
            if len(left) < len(records):
                records, attempts, delay_s = left, 0, _RETRY_FIRST_S
                if self._finishing.is_set():
                    return records
                continue
            if self._given_up(records, attempts):
                await self._discard(records, attempts, result)
                return []
            if self._finishing.is_set():
                return records
            if self._mapping.bisects and len(records) > 1:
                middle = len(records) // 2
                undone = await self._process(records[:middle])
                if undone or self._finishing.is_set():
                    return undone + records[middle:]
                records, attempts = records[middle:], 0
                continue
            self._write(
                f"[cachetwin] {self._mapping.key}: {len(records)} records of {self._table} are tried again: "
                f"{result.payload.decode(errors='replace')[:300]}"
            )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._finishing.wait(), delay_s)
                return records
            delay_s = min(2 * delay_s, _RETRY_MAX_S)
        return []

    def _left(self, records: list[Record], result: BatchResult) -> list[Record]:
        """The records from the first one that failed."""
        if result.failed:
            return records
        if not self._mapping.reports_failures:
            return []
        failed = failed_items(result.payload)
        if failed is None:
            return records
        numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
        first = min((numbers.index(one) for one in failed if one in numbers), default=len(records))
        return records[first:]

    def _given_up(self, records: list[Record], attempts: int) -> bool:
        mapping = self._mapping
        age_s = time.time() - float(records[0]["dynamodb"]["ApproximateCreationDateTime"])
        return (0 <= mapping.retries_max < attempts) or (0 <= mapping.age_max_s < age_s)

    async def _discard(self, records: list[Record], attempts: int, result: BatchResult) -> None:
        self._write(
            f"[cachetwin] {self._mapping.key}: {len(records)} records of {self._table} are given up after "
            f"{attempts} tries"
        )
        if not self._mapping.on_failure:
            return
        first, last = records[0]["dynamodb"], records[-1]["dynamodb"]
        document = {
            "requestContext": {
                "functionArn": self._mapping.function,
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": attempts,
            },
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "version": "1.0",
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "DDBStreamBatchInfo": {
                "shardId": "shardId-00000001541626099285-f35f62ef",
                "startSequenceNumber": first["SequenceNumber"],
                "endSequenceNumber": last["SequenceNumber"],
                "approximateArrivalOfFirstRecord": _moment(first),
                "approximateArrivalOfLastRecord": _moment(last),
                "batchSize": len(records),
                "streamArn": self._mapping.source,
            },
        }
        try:
            await self._tell(self._mapping.on_failure, json.dumps(document))
        except NotDelivered as error:
            self._write(f"[cachetwin] {self._mapping.key}: {error}")


def _moment(part: Record) -> str:
    created = datetime.fromtimestamp(float(part["ApproximateCreationDateTime"]), UTC)
    return created.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: Any) -> Any:  # noqa: ANN401  (what moto keeps)
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.timestamp()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)
