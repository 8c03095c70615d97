"""Orders as the services see them: a hash each, a job to do it, and an event for whoever listens.

Placing an order writes it, hands in its job and tells of it in one transaction. Doing one may happen twice, since jobs
are done at least once: only the first time changes the order and tells of it.
"""

import json
import secrets
import time
from typing import Any, Final

from valkey.asyncio import Valkey

from .job_queue import Job
from .runner import Rejected

ORDER_TTL_S: Final = 7 * 24 * 3600
QUANTITY_MAX: Final = 1_000


class OrderBook:
    """Place, look up and do orders. Raises valkey's errors when the cache is away."""

    def __init__(self, client: Valkey) -> None:
        self._client: Any = client  # valkey-py's types say too little about transactions

    async def place(self, item: str, quantity: int, *, stream: str) -> str:
        """A new order's id; its job is in ``stream``."""
        order_id = secrets.token_hex(8)
        order = {"item": item, "quantity": quantity, "state": "placed", "placed_s": int(time.time())}
        async with self._client.pipeline(transaction=True) as transaction:
            transaction.hset(_key(order_id), mapping=order)
            transaction.expire(_key(order_id), ORDER_TTL_S)
            transaction.xadd(stream, {"order": order_id})
            transaction.publish("orders.placed", json.dumps({"order": order_id, "item": item, "quantity": quantity}))
            await transaction.execute()
        return order_id

    async def find(self, order_id: str) -> dict[str, str] | None:
        """The order as it stands."""
        found: dict[str, str] = await self._client.hgetall(_key(order_id))
        return found or None

    async def do(self, job: Job) -> None:
        """Do the order of a job. Raises Rejected for one that can never be done."""
        order_id = job.fields.get("order", "")
        order = await self.find(order_id)
        if order is None:
            raise Rejected(f"there is no order {order_id!r}")
        if order["state"] != "placed":
            return  # done before, by a worker that died before it could say so
        if int(order["quantity"]) > QUANTITY_MAX:
            await self._close(order_id, "failed", f"more than {QUANTITY_MAX} pieces")
            raise Rejected(f"order {order_id} asks for more than {QUANTITY_MAX} pieces")
        await self._close(order_id, "done", "")

    async def _close(self, order_id: str, state: str, reason: str) -> None:
        """Set the order's last state and tell of it, both or neither."""
        async with self._client.pipeline(transaction=True) as transaction:
            transaction.hset(_key(order_id), mapping={"state": state, "reason": reason, "closed_s": int(time.time())})
            transaction.publish(f"orders.{state}", json.dumps({"order": order_id, "reason": reason}))
            await transaction.execute()


def _key(order_id: str) -> str:
    return f"order:{order_id}"
