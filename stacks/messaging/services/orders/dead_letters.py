"""The jobs that were given up: to be looked at, and to be sent again, with another quantity where that was wrong."""

import re
from dataclasses import dataclass
from typing import Any, Final

from valkey.asyncio import Valkey
from valkey.exceptions import WatchError

from .history import record

SHOWN_MAX: Final = 50
_ID: Final = re.compile(r"\d{1,19}-\d{1,19}")  # of 64 bits


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that was given up, and the order that it was for."""

    letter_id: str
    order: str
    item: str
    quantity: int
    attempts: int
    reason: str


class DeadLetters:
    """Reads and empties one queue's dead letters. Raises valkey's errors when the cache is away."""

    def __init__(self, client: Valkey, *, stream: str, dead_letters: str) -> None:
        self._client: Any = client  # valkey-py's types say too little about streams
        self._stream = stream
        self._dead_letters = dead_letters

    async def count(self) -> int:
        """How many there are."""
        return int(await self._client.xlen(self._dead_letters))

    async def newest(self) -> list[DeadLetter]:
        """The newest ``SHOWN_MAX``, the newest first."""
        entries = await self._client.xrevrange(self._dead_letters, count=SHOWN_MAX)
        async with self._client.pipeline(transaction=False) as pipeline:
            for _, fields in entries:
                pipeline.hmget(_key(fields.get("order", "")), "item", "quantity")
            orders = await pipeline.execute()
        return [
            DeadLetter(
                letter_id,
                fields.get("order", ""),
                item or "",
                int(quantity or 0),
                int(fields.get("attempts", 0)),
                fields.get("reason", ""),
            )
            for (letter_id, fields), (item, quantity) in zip(entries, orders, strict=True)
        ]

    async def send_again(self, letter_id: str, quantity: int | None) -> str | None:
        """Hand the job in again, once whoever asks; the order's id, or None when the letter or its order is gone.

        A letter whose order has expired is removed.
        """
        if not _ID.fullmatch(letter_id):
            return None
        async with self._client.pipeline(transaction=True) as transaction:
            await transaction.watch(self._dead_letters)
            entries = await transaction.xrange(self._dead_letters, letter_id, letter_id)
            if not entries:
                return None
            order_id: str = entries[0][1].get("order", "")
            if not await transaction.exists(_key(order_id)):
                await self._client.xdel(self._dead_letters, letter_id)
                return None
            transaction.multi()
            change: dict[str, str | int] = {"state": "placed", "reason": ""}
            if quantity is not None:
                change["quantity"] = quantity
            transaction.hset(_key(order_id), mapping=change)
            transaction.xadd(self._stream, {"order": order_id})
            transaction.xdel(self._dead_letters, letter_id)
            record(transaction, "resent", order_id)
            try:
                await transaction.execute()
            except WatchError:
                return await self.send_again(letter_id, quantity)  # another letter came in, or somebody was faster
        return order_id


def _key(order_id: str) -> str:
    return f"order:{order_id}"
