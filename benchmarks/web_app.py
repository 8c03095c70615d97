"""The web app under load: 200 clients with an empty cache, through the load balancer.

    python -m benchmarks.web_app                     brings the app up in a copy of its own, and down again
    python -m benchmarks.web_app --url http://127.0.0.1:8080 --clients 50 --seconds 10

Each client has one connection and asks again as soon as it has its answer: products, pages and searches, at random
from a seed. Prints requests a second, the latencies, and how many answers there were of each status. Exits with 1 for an
answer other than 200, or for a p99 past ``--p99-ms``.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from .running_web_app import running_web_app

CLIENTS = 200
SECONDS = 30.0
P99_MS = 1000.0
WORDS = (
    "oak",
    "linen",
    "steel",
    "cork",
    "wool",
    "copper",
    "bamboo",
    "glass",
    "kettle",
    "lamp",
    "bench",
    "kite",
    "clock",
)
CATEGORIES = ("", "Kitchen", "Lighting", "Desk", "Travel", "Garden", "Bath", "Play", "Sound", "Living")
SORTS = ("rating", "name", "price", "-price")


@dataclass
class Outcome:
    """What all clients saw."""

    latencies_ms: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)

    def percentile(self, share: float) -> float:
        """The latency that ``share`` of the answers did not exceed."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def random_path(choice: random.Random) -> str:
    """What one request asks for."""
    kind = choice.random()
    if kind < 0.6:
        return f"/api/products/{choice.randint(1, 480)}"
    page = choice.randint(1, 2)
    if kind < 0.85:
        return f"/api/products?category={choice.choice(CATEGORIES)}&sort={choice.choice(SORTS)}&page={page}"
    return f"/api/search?page={page}&q={quote(' '.join(choice.sample(WORDS, 2)))}"


async def client(address: tuple[str, int], choice: random.Random, end_s: float, outcome: Outcome) -> None:
    """Ask one request after the other on one connection until ``end_s``; a lost connection is opened again."""
    while time.monotonic() < end_s:
        try:
            reader, writer = await asyncio.open_connection(*address)
            while time.monotonic() < end_s:
                await _ask(reader, writer, f"{address[0]}:{address[1]}", random_path(choice), outcome)
            writer.close()
        except (OSError, asyncio.IncompleteReadError) as error:
            outcome.statuses[type(error).__name__] += 1
            await asyncio.sleep(0.1)


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, path: str, outcome: Outcome
) -> None:
    started_s = time.perf_counter()
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    names = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
    await reader.readexactly(int(names["content-length"]))
    outcome.latencies_ms.append((time.perf_counter() - started_s) * 1000)
    outcome.statuses[head.split(" ", 2)[1]] += 1
    outcome.sources[names.get("x-cache", "none")] += 1


async def load(url: str, clients: int, seconds: float, seed: int) -> Outcome:
    """``clients`` at once for ``seconds``."""
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or 80)
    outcome, end_s = Outcome(), time.monotonic() + seconds
    await asyncio.gather(
        *(client(address, random.Random(seed * 10_000 + number), end_s, outcome) for number in range(clients))  # noqa: S311  (the same requests at every run)
    )
    return outcome


def report(outcome: Outcome, seconds: float) -> str:
    """The result, as one line of JSON."""
    return json.dumps(
        {
            "requests_per_second": round(len(outcome.latencies_ms) / seconds),
            "p50_ms": round(outcome.percentile(0.5), 1),
            "p99_ms": round(outcome.percentile(0.99), 1),
            "max_ms": round(max(outcome.latencies_ms), 1),
            "statuses": dict(outcome.statuses),
            "cache": dict(outcome.sources),
        }
    )


def main() -> int:
    """Run and print; the exit status."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--url", help="an app that runs already; its cache should be empty")
    options.add_argument("--clients", type=int, default=CLIENTS)
    options.add_argument("--seconds", type=float, default=SECONDS)
    options.add_argument("--p99-ms", type=float, default=P99_MS)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    if given.url:
        outcome = asyncio.run(load(given.url, given.clients, given.seconds, given.seed))
    else:
        with running_web_app() as app:
            outcome = asyncio.run(load(app.url, given.clients, given.seconds, given.seed))
    print(report(outcome, given.seconds))
    return 0 if set(outcome.statuses) == {"200"} and outcome.percentile(0.99) <= given.p99_ms else 1


if __name__ == "__main__":
    sys.exit(main())
