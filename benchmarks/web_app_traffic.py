"""Clients of the web app that notice what it must never do: show a value older than a write, or lose one.

Readers ask for a fixed set of products and count hits. Each writer owns a product, changes it and reads it back at once,
with the cookie of its write. Observers read those products without cookies; they may see the older value for as long
as a replica may lag.
"""

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

READ_IDS = range(100, 130)
WRITTEN_IDS = (1, 2, 3)
READERS = 6
LAG_S = 1.0
WINDOW_S = 1.0
TIMEOUT_S = 15.0
WELL_AGAIN_S_MAX = 30.0


@dataclass(frozen=True)
class Write:
    """The last write of a product that was answered."""

    version: int
    at_s: float


@dataclass
class Witness:
    """What the clients saw."""

    written: dict[int, Write] = field(default_factory=dict)
    write_count: int = 0
    stale: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    _reads: deque[tuple[float, bool]] = field(default_factory=deque)

    def record_read(self, *, hit: bool) -> None:
        """Count a read of a reader."""
        now_s = time.monotonic()
        self._reads.append((now_s, hit))
        while self._reads[0][0] < now_s - WINDOW_S:
            self._reads.popleft()

    def hit_rate(self) -> float:
        """Of the last second; 0 while nothing is answered."""
        now_s = time.monotonic()
        recent = [hit for at_s, hit in self._reads if at_s >= now_s - WINDOW_S]
        return sum(recent) / len(recent) if len(recent) > READERS else 0.0

    def wrote_since(self, moment_s: float) -> bool:
        """Whether every product was written after ``moment_s``."""
        return all(number in self.written and self.written[number].at_s > moment_s for number in WRITTEN_IDS)


class Clients:
    """All clients of one app, which answers at ``urls``."""

    def __init__(self, urls: list[str], seed: int) -> None:
        self.witness = Witness()
        self._urls = urls
        self._over = False
        self._choice = random.Random(seed)  # noqa: S311  (the same requests at every run)

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[Witness]:
        """All of them at work while the block runs; at its end, that no write was lost is looked at."""
        tasks = [asyncio.ensure_future(self._read()) for _ in range(READERS)]
        tasks += [
            asyncio.ensure_future(work(number)) for number in WRITTEN_IDS for work in (self._write, self._observe)
        ]
        try:
            yield self.witness
        finally:
            self._over = True  # not cancelled: a request under way would leave its connection open
            await asyncio.gather(*tasks)

    async def lost_writes(self) -> list[str]:
        """Which answered writes the database does not have, once all is well again."""
        lost = []
        async with self._client() as client:
            for number, write in self.witness.written.items():
                url, end_s = f"{self._urls[0]}/api/products/{number}", time.monotonic() + WELL_AGAIN_S_MAX
                answer = await client.patch(url, json={"stock": 0})
                while answer.status_code == 503 and time.monotonic() < end_s:  # a task has not looked again yet
                    await asyncio.sleep(0.2)
                    answer = await client.patch(url, json={"stock": 0})
                answer.raise_for_status()
                version = answer.json()["data"]["version"]
                if version <= write.version:
                    lost.append(f"product {number}: version {write.version} was answered, {version - 1} is there")
        return lost

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=TIMEOUT_S)

    async def _ask(
        self, client: httpx.AsyncClient, method: str, number: int, **options: object
    ) -> httpx.Response | None:
        url = f"{self._choice.choice(self._urls)}/api/products/{number}"
        try:
            answer = await client.request(method, url, **options)  # type: ignore[arg-type]  # httpx names each option
        except httpx.TransportError as error:
            self.witness.statuses[type(error).__name__] += 1
            await asyncio.sleep(0.1)
            return None
        self.witness.statuses[str(answer.status_code)] += 1
        if answer.status_code != 200:
            await asyncio.sleep(0.1)
            return None
        return answer

    async def _read(self) -> None:
        async with self._client() as client:
            while not self._over:
                answer = await self._ask(client, "GET", self._choice.choice(READ_IDS))
                self.witness.record_read(hit=answer is not None and answer.headers["x-cache"] == "hit")
                await asyncio.sleep(self._choice.uniform(0.01, 0.05))

    async def _write(self, number: int) -> None:
        async with self._client() as client:
            while not self._over:
                answer = await self._ask(client, "PATCH", number, json={"stock": self._choice.randrange(1000)})
                if answer is not None:
                    version = answer.json()["data"]["version"]
                    self.witness.written[number] = Write(version, time.monotonic())
                    self.witness.write_count += 1
                    for _ in range(3):
                        self._compare(number, version, await self._ask(client, "GET", number), "by who wrote it")
                await asyncio.sleep(self._choice.uniform(0.05, 0.3))

    async def _observe(self, number: int) -> None:
        async with self._client() as client:
            while not self._over:
                began_s, write = time.monotonic(), self.witness.written.get(number)
                answer = await self._ask(client, "GET", number)
                if write is not None and write.at_s < began_s - LAG_S:
                    self._compare(number, write.version, answer, f"{began_s - write.at_s:.1f} s after its write")
                await asyncio.sleep(self._choice.uniform(0.02, 0.1))

    def _compare(self, number: int, version: int, answer: httpx.Response | None, who: str) -> None:
        if answer is None:
            return
        seen = answer.json()
        if seen["data"]["version"] < version:
            at = time.strftime("%H:%M:%S")
            self.witness.stale.append(
                f"{at} product {number} had version {version}, {seen['data']['version']} was read {who}"
                f" ({seen['cache']}, from the {seen['source']})"
            )
