"""A history check over a cache: no stale read from the primary after a write that a replica had acknowledged.

    python -m benchmarks.faults.history [--faults N] [--seed S] [--shards N] [--replicas N] [--clients N] [--keys N]

Clients read and write a few registers through TLS while the faults of `benchmarks.faults.failover` happen, reshardings
among them where there are shards. Every write is followed by WAIT on the same connection and is protected when a replica
has it; the others may be lost, as asynchronous replication has it, and reads of them say nothing. At the end the history of
each register must be linearizable (`linearizability`). The exit code is 1 when one is not.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import redis
import redis.asyncio
import uvloop
from benchmarks.caches.run_contexts import new_run_context
from benchmarks.faults.failover import RECOVERY_S_MAX, RETRY_S, Faults, group_of, recovered
from benchmarks.faults.fault_clients import ERRORS, client_of
from benchmarks.faults.linearizability import Operation, linearizable, protected_history
from tests.local.supervise.cache.caches import running

from cachetwin_local.topology.values import ReplicationGroup

PAUSE_S = 0.003
WAIT_MS = 500
NOTICED_S = 2.0  # until the supervisor has seen that a node is stopped


class Client:
    """One client with its part of the histories."""

    def __init__(
        self,
        name: str,
        client: Any,  # noqa: ANN401  (of a cluster, or of one endpoint)
        keys: list[str],
        choice: random.Random,
        connect: Callable[[str, int], Any],
    ) -> None:
        self.operations: dict[str, list[Operation]] = defaultdict(list)
        self.errors: Counter[str] = Counter()
        self.stopped = False
        self.client = client
        self._name = name
        self._keys = keys
        self._choice = choice
        self._connect = connect
        self._direct: dict[tuple[str, int], Any] = {}

    async def run(self) -> None:
        """Read and write until `stopped` is set."""
        number = 0
        while not self.stopped:
            number += 1
            await asyncio.sleep(PAUSE_S)
            key = self._choice.choice(self._keys)
            try:
                if self._choice.random() < 0.4:
                    await self._write(key, f"{self._name}-{number}")
                else:
                    began = time.monotonic()
                    found = await self.client.get(key)
                    value = None if found is None else found.decode()
                    self.operations[key].append(Operation("read", value, began, time.monotonic()))
            except ERRORS as error:
                self.errors[type(error).__name__] += 1
                await asyncio.sleep(RETRY_S)

    async def _write(self, key: str, value: str) -> None:
        connection = self._owner(key)
        began = time.monotonic()
        async with connection.pipeline(transaction=False) as pipeline:
            pipeline.set(key, value)
            pipeline.wait(1, WAIT_MS)
            written, replicas = await pipeline.execute(raise_on_error=False)
        if isinstance(written, Exception):
            if connection is not self.client:
                await self.client.get(key)  # which learns where the key is now
            raise written
        protected = isinstance(replicas, int) and replicas >= 1
        self.operations[key].append(Operation("write", value, began, time.monotonic(), protected))

    def _owner(self, key: str) -> Any:  # noqa: ANN401  (redis-py's client is untyped)
        """A client of the node that has `key`: a cluster client sends WAIT wherever it likes."""
        if not isinstance(self.client, redis.asyncio.RedisCluster):
            return self.client
        node = self.client.get_node_from_key(key)
        if node is None:
            raise redis.ConnectionError("no node has the key")
        place = str(node.host), int(node.port)
        if place not in self._direct:
            self._direct[place] = self._connect(*place)
        return self._direct[place]

    async def close(self) -> None:
        """Close every connection."""
        for client in (self.client, *self._direct.values()):
            with suppress(*ERRORS):
                await client.aclose()


async def check(arguments: argparse.Namespace, folder: Path) -> int:
    """The whole run. Returns the exit code."""
    run_context = new_run_context(folder / ".cachetwin", folder)
    group = group_of(arguments.address, arguments.shards, arguments.replicas)
    choice = random.Random(arguments.seed)  # noqa: S311  (the same faults at every run)
    keys = [f"app:{{{number}}}" for number in range(arguments.keys)]
    async with running(run_context, group) as actor:
        clients = [
            Client(
                f"c{at}",
                client_of(run_context, group),
                keys,
                random.Random(arguments.seed * 100 + at),  # noqa: S311
                lambda host, port: client_of(run_context, one_node(group, host, port)),
            )
            for at in range(arguments.clients)
        ]
        tasks = [asyncio.create_task(client.run()) for client in clients]
        kinds = Faults(actor, run_context, choice, arguments.replicas).kinds()
        names = sorted(kinds)
        for at in range(arguments.faults):
            await asyncio.sleep(choice.uniform(0.3, 0.8))
            kind = names[at % len(names)] if arguments.faults >= len(names) else choice.choice(names)
            await asyncio.wait_for(kinds[kind](), RECOVERY_S_MAX)
            await asyncio.sleep(NOTICED_S)
            await recovered(actor)
            sys.stderr.write(f"{kind}\n")
        await asyncio.sleep(0.5)
        for client in clients:
            client.stopped = True
        await asyncio.gather(*tasks)
        for client in clients:
            await client.close()
    run_context.logs.close()
    return report(clients, keys)


def one_node(group: ReplicationGroup, host: str, port: int) -> ReplicationGroup:
    """The group as if this node were its only endpoint."""
    endpoint = replace(group.endpoint, address=host, port=port)
    return replace(group, cluster_mode="disabled", primary_endpoint=None, configuration_endpoint=endpoint)


def report(clients: list[Client], keys: list[str]) -> int:
    """Print what was found. Returns the exit code."""
    errors = sum((client.errors for client in clients), Counter[str]())
    wrong = []
    count = checked = 0
    for key in keys:
        operations = [one for client in clients for one in client.operations[key]]
        history = protected_history(operations)
        count += len(operations)
        checked += len(history)
        if not linearizable(history):
            wrong.append(key)
    print(f"{count} operations on {len(keys)} registers, {checked} of them protected writes and reads of these")
    print("errors that clients saw: " + (", ".join(f"{name} {errors[name]}" for name in sorted(errors)) or "none"))
    print(f"not linearizable: {', '.join(wrong) or 'none'}")
    return 1 if wrong else 0


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Whether reads of a cache are stale after faults.")
    parser.add_argument("--faults", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--keys", type=int, default=8)
    parser.add_argument("--address", default="127.99.0.5", help="The loopback address of every endpoint.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(check(arguments, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
