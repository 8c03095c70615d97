"""Orders as the services see them: a hash each, a job to do it, and a record of what happened to it.

Placing an order writes it, hands in its job and records it in one transaction. Doing one may happen twice, since jobs
are done at least once: only the first time changes the order and is recorded.
"""

import time
from typing import Any, Final

from valkey.asyncio import Valkey
from valkey.exceptions import WatchError

from .history import record
from .job_queue import Job
from .leaderboard import count_order
from .runner import Rejected

ORDER_TTL_S: Final = 7 * 24 * 3600
QUANTITY_MAX: Final = 1_000
CHANGE_ATTEMPTS_MAX: Final = 5


class OrderBook:
    """Place, look up and do orders. Raises valkey's errors when the cache is away."""

    def __init__(self, client: Valkey) -> None:
        self._client: Any = client  # valkey-py's types say too little about transactions

    async def place(self, order_id: str, item: str, quantity: int, *, stream: str) -> bool:
        """Write the order and hand its job in to ``stream``; False when there is an order of this id already."""
        order = {"item": item, "quantity": quantity, "state": "placed", "placed_s": int(time.time())}
        async with self._client.pipeline(transaction=True) as transaction:
            await transaction.watch(_key(order_id))
            if await transaction.exists(_key(order_id)):
                return False
            transaction.multi()
            transaction.hset(_key(order_id), mapping=order)
            transaction.expire(_key(order_id), ORDER_TTL_S)
            transaction.xadd(stream, {"order": order_id})
            record(transaction, "placed", order_id, item=item, quantity=str(quantity))
            try:
                await transaction.execute()
            except WatchError:
                return False
        return True

    async def is_safe(self, order_id: str, *, replicas: int, patience_ms: int) -> bool:
        """Whether the cache has the order, and so have as many ``replicas``; they may take ``patience_ms``.

        WAIT counts from the last write of its own connection, so this makes one, which also finds the order or not.
        """
        async with self._client.pipeline(transaction=False) as pipeline:
            pipeline.expire(_key(order_id), ORDER_TTL_S)
            if replicas:
                pipeline.wait(replicas, patience_ms)
            found, *acknowledged = await pipeline.execute()
        return bool(found) and all(count >= replicas for count in acknowledged)

    async def find(self, order_id: str) -> dict[str, str] | None:
        """The order as it stands."""
        found: dict[str, str] = await self._client.hgetall(_key(order_id))
        return found or None

    async def begin(self, job: Job, worker: str) -> bool:
        """Record that ``worker`` has the order of a job; False for one that is done. Raises Rejected where it cannot be."""
        order_id = job.fields.get("order", "")
        order = await self.find(order_id)
        if order is None:
            raise Rejected(f"there is no order {order_id!r}")
        if order["state"] == "failed":
            raise Rejected(order.get("reason", ""))  # by a worker that died before it could give the job up
        if order["state"] != "placed":
            return False  # done before, by a worker that died before it could say so
        if int(order["quantity"]) > QUANTITY_MAX:
            raise Rejected(f"order {order_id} asks for more than {QUANTITY_MAX} pieces")
        async with self._client.pipeline(transaction=True) as transaction:
            record(transaction, "taken", order_id, worker=worker, attempt=str(job.attempt))
            await transaction.execute()
        return True

    async def finish(self, job: Job, worker: str) -> None:
        """Set the order of a job to done, and count it for ``worker``."""
        await self._close(job.fields["order"], "done", worker, "")

    async def fail(self, job: Job, worker: str, reason: str) -> None:
        """Set the order of a job that is given up to failed, where there is one that is not closed."""
        await self._close(job.fields.get("order", ""), "failed", worker, reason)

    async def _close(self, order_id: str, state: str, worker: str, reason: str) -> None:
        """Set the order's last state and record it, both or neither, and once."""
        for _ in range(CHANGE_ATTEMPTS_MAX):
            async with self._client.pipeline(transaction=True) as transaction:
                await transaction.watch(_key(order_id))
                if await transaction.hget(_key(order_id), "state") != "placed":
                    return
                transaction.multi()
                change = {"state": state, "reason": reason, "worker": worker, "closed_s": int(time.time())}
                transaction.hset(_key(order_id), mapping=change)
                record(transaction, state, order_id, worker=worker, reason=reason)
                if state == "done":
                    count_order(transaction, worker)
                try:
                    await transaction.execute()
                except WatchError:
                    continue
                return
        raise WatchError(f"order {order_id} was changed {CHANGE_ATTEMPTS_MAX} times meanwhile")


def _key(order_id: str) -> str:
    return f"order:{order_id}"
