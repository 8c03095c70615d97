"""Server-sent events: what happens to orders, as it happens, and how things stand.

The id of an event is where both streams were read to, so a browser that comes back, to any task of this service, goes on
where it was. ``state`` events have no id: each holds the whole.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import StreamingResponse
from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from .dead_letters import DeadLetters
from .history import COUNTS, HISTORY, KINDS
from .leaderboard import Leaderboard

FEED: Final = "notice:feed"
BLOCK_MS: Final = 500
BATCH: Final = 1_000
STATE_S: Final = 1.0
PLACES: Final = 12
LISTENERS_MAX: Final = 100
RETRY_S: Final = 1.0
_POSITION = re.compile(r"(\d{1,19}-\d{1,19}),(\d{1,19}-\d{1,19})")  # of 64 bits
Position = tuple[str, str]


class Events:
    """The streams of events of this task. Use ``stop`` to end them all."""

    def __init__(self, client: Valkey, letters: DeadLetters, leaderboard: Leaderboard) -> None:
        self._client: Any = client  # valkey-py's types say too little about streams
        self._letters = letters
        self._leaderboard = leaderboard
        self._stopping = False
        self._listeners = 0

    def stop(self) -> None:
        """End every stream at its next look; browsers come back to another task."""
        self._stopping = True

    def response(self, request: Request) -> StreamingResponse | None:
        """The events from ``Last-Event-ID``, or from now; None when too many listen already."""
        if self._listeners >= LISTENERS_MAX:
            return None
        found = _POSITION.fullmatch(request.headers.get("last-event-id", ""))
        position = (found[1], found[2]) if found else None
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._lines(position), 200, headers, "text/event-stream")

    async def state(self) -> dict[str, Any]:
        """How things stand: counts of what happened, the orders that are open, the workers, the dead letters."""
        counts = await self._client.hgetall(COUNTS)
        number = {kind: int(counts.get(kind, 0)) for kind in KINDS}
        return {
            "counts": number,
            "open": number["placed"] + number["resent"] - number["done"] - number["failed"],
            "workers": await self._leaderboard.places(PLACES),
            "dead": await self._letters.count(),
            "letters": [asdict(letter) for letter in await self._letters.newest()],
        }

    async def _lines(self, position: Position | None) -> AsyncIterator[str]:
        self._listeners += 1
        try:
            yield f"retry: {int(RETRY_S * 1000)}\n\n"
            told_s = 0.0
            while not self._stopping:
                try:
                    position = position or await self._now()
                    now_s = time.monotonic()
                    if now_s - told_s >= STATE_S:
                        told_s = now_s
                        yield f"event: state\ndata: {json.dumps(await self.state())}\n\n"
                    found, position = await self._news(position)
                    if found:
                        yield f"event: orders\nid: {','.join(position)}\ndata: {json.dumps(found)}\n\n"
                except ValkeyError:
                    yield "event: away\ndata: {}\n\n"
                    await self._client.connection_pool.disconnect(inuse_connections=False)
                    await asyncio.sleep(RETRY_S)
        finally:
            self._listeners -= 1

    async def _now(self) -> Position:
        """Where both streams end."""
        ends = []
        for stream in (HISTORY, FEED):
            entries = await self._client.xrevrange(stream, count=1)
            ends.append(entries[0][0] if entries else "0-0")
        return ends[0], ends[1]

    async def _news(self, position: Position) -> tuple[list[dict[str, str]], Position]:
        """What came after a position, waiting a while for it, and the position then."""
        after = dict(zip((HISTORY, FEED), position, strict=True))
        found: list[dict[str, str]] = []
        for stream, entries in await self._client.xread(dict(after), count=BATCH, block=BLOCK_MS):
            after[stream] = entries[-1][0]
            kind = {"kind": "told"} if stream == FEED else {}
            found += [{**fields, "state": fields["kind"], **kind} for _, fields in entries]
        return found, (after[HISTORY], after[FEED])
