"""Deliveries that are tried until they succeed, and what becomes of those that do not.

The service waits longer and longer for up to 24 hours; so it is here, from a fifth of a second on.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, Final

from cachetwin_local.identity.deliveries import kind_of

from .targets import Delivery, NotDelivered, Targets

__all__ = ["Attempts"]

_FIRST_S: Final = 0.2
_MAX_S: Final = 60.0
_RETRIES_MAX: Final = 185
_AGE_MAX_S: Final = 86_400
_PENDING_MAX: Final = 10_000
"""How many deliveries of one sender wait at once."""
_LETTERS_WITHOUT_ROLE: Final = "events.amazonaws.com"
"""The service whose dead letters the policy of the queue must allow, also where a target has a role."""
_HOPS_MAX: Final = 5
"""How many buses an event comes over: rules that send to each other's buses would never end."""


class Attempts:
    """Delivers in the background. `write` gets a line about each delivery that is given up."""

    def __init__(self, targets: Targets, write: Callable[[str], None]) -> None:
        self._targets = targets
        self._write = write
        self._tasks: set[asyncio.Task[None]] = set()
        self._pending: dict[str, int] = {}
        self._dropped: dict[str, int] = {}
        self._circles: set[str] = set()
        self._lines: dict[tuple[str, ...], deque[tuple[Delivery, str]]] = {}

    def begin(self, delivery: Delivery, named: str, line: tuple[str, ...] = ()) -> None:
        """Deliver, with the retries and to the dead letters that `delivery.options` have. `named` is for the log.

        Those with the same `line` are delivered one after another, in the order in which they began.
        """
        sender = delivery.sender.source_arn
        if kind_of(delivery.arn) == "events" and delivery.hops > _HOPS_MAX:
            if sender not in self._circles:
                self._circles.add(sender)
                self._write(f"[cachetwin] {named}: an event that came over {_HOPS_MAX} buses goes to no other")
            return
        if self._pending.get(sender, 0) >= _PENDING_MAX:
            if sender not in self._dropped:
                self._write(f"[cachetwin] {named}: {_PENDING_MAX} deliveries wait already: more are dropped")
            self._dropped[sender] = self._dropped.get(sender, 0) + 1
            return
        self._pending[sender] = self._pending.get(sender, 0) + 1
        if not line:
            self._start(self._deliver(delivery, named))
        elif line in self._lines:
            self._lines[line].append((delivery, named))
        else:
            self._lines[line] = deque([(delivery, named)])
            self._start(self._deliver_in_order(line))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give up what waits."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _deliver_in_order(self, line: tuple[str, ...]) -> None:
        waiting = self._lines[line]
        while waiting:
            await self._deliver(*waiting.popleft())
        del self._lines[line]

    async def _deliver(self, delivery: Delivery, named: str) -> None:
        try:
            await self._try(delivery, named)
        except Exception as error:  # noqa: BLE001  (what calls made may be anything: it is told, and ends as any other)
            failure = NotDelivered("INTERNAL_ERROR", f"{delivery.arn}: {type(error).__name__}: {error}", final=True)
            await self._give_up(delivery, named, failure, 0, "")
        finally:
            self._ended(delivery.sender.source_arn, named)

    def _ended(self, sender: str, named: str) -> None:
        """One place is free again. The drops of a sender are over when half of its places are."""
        left = self._pending.pop(sender) - 1
        if left:
            self._pending[sender] = left
        if sender in self._dropped and left <= _PENDING_MAX // 2:
            self._write(f"[cachetwin] {named}: {self._dropped.pop(sender)} deliveries were dropped; it delivers again")

    async def _try(self, delivery: Delivery, named: str) -> None:
        policy = delivery.options.get("RetryPolicy") or {}
        retries_max = int(policy.get("MaximumRetryAttempts", _RETRIES_MAX))
        end_s = time.monotonic() + float(policy.get("MaximumEventAgeInSeconds", _AGE_MAX_S))
        attempt, delay_s = 0, _FIRST_S
        while True:
            try:
                await self._targets.send(delivery)
            except NotDelivered as error:
                aged = time.monotonic() + delay_s > end_s
                if error.final or attempt >= retries_max or aged:
                    reason = "MaximumEventAgeInSeconds" if aged else "MaximumRetryAttempts"
                    await self._give_up(delivery, named, error, attempt, "" if error.final else reason)
                    return
            else:
                return
            attempt += 1
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, _MAX_S)

    async def _give_up(self, delivery: Delivery, named: str, error: NotDelivered, retries: int, reason: str) -> None:
        tries = f" after {retries + 1} tries" if retries else ""
        self._write(f"[cachetwin] {named} could not deliver{tries}: {error}")
        config = delivery.options.get("DeadLetterConfig")
        dead_letters = config.get("Arn") if isinstance(config, Mapping) else None
        if not dead_letters:
            return
        said = {
            "ERROR_CODE": error.code,
            "ERROR_MESSAGE": str(error),
            "RETRY_ATTEMPTS": str(retries),
            "TARGET_ARN": delivery.arn,
            "RULE_ARN": delivery.sender.source_arn,
            "EXHAUSTED_RETRY_CONDITION": reason,
        }
        attributes: Mapping[str, Any] = {
            name: {"DataType": "String", "StringValue": value} for name, value in said.items() if value
        }
        sender = delivery.sender
        if sender.service == _LETTERS_WITHOUT_ROLE:
            sender = replace(sender, role_arn="")
        letter = replace(delivery, arn=str(dead_letters), sender=sender, options={}, attributes=attributes)
        try:
            await self._targets.send(letter)
        except Exception as failure:  # noqa: BLE001  (as above)
            self._write(f"[cachetwin] {named}: its dead letters could not be told either: {failure}")
