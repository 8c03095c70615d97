"""What happened to orders: a stream, a count of each kind, and a message on a channel, written in one transaction.

Pub/sub reaches those who listen at that moment, so a message is a reason to look and no more. What there is to see is in
the stream, which keeps the last entries for whoever was away.
"""

import json
from typing import Any, Final

HISTORY: Final = "orders:history"
COUNTS: Final = "orders:counts"
HISTORY_LENGTH: Final = 20_000
KINDS: Final = ("placed", "taken", "done", "failed", "resent")


def record(transaction: Any, kind: str, order_id: str, **details: str) -> None:  # noqa: ANN401  (valkey-py's pipeline)
    """Add to ``transaction`` what happened to an order. ``kind`` is one of ``KINDS``."""
    transaction.xadd(HISTORY, {"kind": kind, "order": order_id, **details}, maxlen=HISTORY_LENGTH, approximate=True)
    transaction.hincrby(COUNTS, kind, 1)
    transaction.publish(f"orders.{kind}", json.dumps({"order": order_id, **details}))
