"""A fault run over a cache: acknowledged and lost writes, and the time without service, by kind of fault.

    python -m benchmarks.faults.failover [--faults N] [--seed S] [--shards N] [--replicas N] [--clients N]

A replication group runs as under `cachetwin up`, with TLS, a password user and an IAM user (in cluster mode where there is
more than one shard). Clients of redis-py, valkey-py and valkey-glide (`fault_clients`), in turn, append numbers to a list
each; every other write is followed by WAIT, and is *protected* once a replica has it. Meanwhile nodes are killed, stopped
(SIGSTOP), failed over with and without a plan, rebooted, replicas are removed and added, and shards added and removed, also
while a primary is killed: one fault at a time, drawn from the seed; the next one comes when every node serves again. At the
end the lists are compared with what was acknowledged: no protected write may be missing. Others may be: replication is
asynchronous.

The time without service is that from the fault to the moment when every client has had a write acknowledged that it began
after the fault. Clients, supervisor and nodes share the machine's cores. The exit code is 1 when a protected write is lost.
"""

import argparse
import asyncio
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import uvloop
from benchmarks.caches.run_contexts import new_run_context
from benchmarks.faults.fault_clients import ERRORS, IAM_USER, KINDS, GlideClient, PipelineClient, connect
from tests.local.supervise.cache.caches import KEY, cache_node, cluster, replication_group, running

from cachetwin_local.identity.credentials import Credentials
from cachetwin_local.identity.directory import Principal
from cachetwin_local.identity.policies import read_policy
from cachetwin_local.supervise.cache.cache import CacheActor
from cachetwin_local.supervise.cache.shard.shard import Shard
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import CacheUser, NodeGroup, ReplicationGroup

PAUSE_S = 0.002  # between two writes of a client
RETRY_S = 0.005
RECOVERY_S_MAX = 60.0


@dataclass(slots=True)
class Writer:
    """A client that appends numbers to its list."""

    kind: str
    key: str
    client: PipelineClient | GlideClient
    acknowledged: set[int] = field(default_factory=set)
    protected: set[int] = field(default_factory=set)
    errors: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    stopped: bool = False
    last_began: float = 0.0
    """When the last acknowledged write was begun."""

    async def run(self) -> None:
        """Write until `stopped` is set: a client may take a cancellation for an error of its own."""
        number = 0
        while not self.stopped:
            number += 1
            await asyncio.sleep(PAUSE_S)
            began = time.monotonic()
            try:
                await self.write(number, protect=number % 2 == 0)
            except ERRORS as error:
                self.errors[type(error).__name__] += 1
                await asyncio.sleep(RETRY_S)
            else:
                self.last_began = began

    async def write(self, number: int, *, protect: bool) -> None:
        """One write: acknowledged when it is answered, protected when WAIT on the same connection finds a replica."""
        if not protect:
            await self.client.append(self.key, number)
            self.acknowledged.add(number)
            return
        is_protected = await self.client.append_protected(self.key, number)
        self.acknowledged.add(number)
        if is_protected:
            self.protected.add(number)

    async def found(self) -> set[int]:
        """What the list holds now."""
        return await self.client.entries(self.key)


@dataclass(slots=True)
class Faults:
    """What can go wrong with a cache that runs."""

    actor: CacheActor
    run_context: RunContext
    choice: random.Random
    replicas: int

    def kinds(self) -> dict[str, Callable[[], Awaitable[object]]]:
        """The faults by name."""
        resharding = {"shard added and removed": self.reshard, "the same, a primary killed": self.reshard_and_kill}
        return {
            **(resharding if len(self.actor.shards) > 1 else {}),
            "primary killed": lambda: self.signal_primary(signal.SIGKILL),
            "primary stopped": lambda: self.signal_primary(signal.SIGSTOP),
            "replica killed": self.kill_replica,
            "test failover": lambda: self.actor.fail_over(self.shard().id, planned=False),
            "planned failover": lambda: self.actor.fail_over(self.shard().id, planned=True),
            "replica rebooted": lambda: self.actor.reboot(self.replica()),
            "replica removed and added": self.scale,
        }

    def shard(self) -> Shard:
        """A shard by chance."""
        return self.choice.choice(self.actor.shards)

    def replica(self) -> str:
        """The id of a replica by chance."""
        shard = self.shard()
        return self.choice.choice([m for m in shard.members if m is not shard.primary]).node.member_id

    async def signal_primary(self, number: signal.Signals) -> None:
        """Send a signal to the process of a primary."""
        os.kill(self.run_context.children[f"{KEY}/{self.shard().primary.node.member_id}"].pid, number)

    async def kill_replica(self) -> None:
        """Kill the process of a replica."""
        os.kill(self.run_context.children[f"{KEY}/{self.replica()}"].pid, signal.SIGKILL)

    async def scale(self) -> None:
        """One replica more or less, and back."""
        others = self.replicas - 1 if self.replicas > 1 else self.replicas + 1
        await self.actor.set_replicas(others)
        await self.actor.set_replicas(self.replicas)

    async def reshard(self) -> None:
        """One shard more, and back."""
        count = len(self.actor.shards)
        await self.actor.set_shards(count + 1, lambda _line: None)
        await self.actor.set_shards(count, lambda _line: None)

    async def reshard_and_kill(self) -> None:
        """The same, while the primary of a shard that gives slots away, or gets some, is killed."""
        count, killed = len(self.actor.shards), False

        def kill(line: str) -> None:
            nonlocal killed
            if "slots moved" in line and not killed:
                killed = True
                os.kill(self.run_context.children[f"{KEY}/{self.shard().primary.node.member_id}"].pid, signal.SIGKILL)

        await self.actor.set_shards(count + 1, kill)
        await recovered(self.actor)
        await self.actor.set_shards(count, lambda _line: None)


def group_of(address: str, shards: int, replicas: int) -> ReplicationGroup:
    """The group, with room for a node more in each shard."""
    if shards == 1:
        spare = cache_node(address, replicas + 2).endpoint
        return replace(replication_group(address, replicas + 1), node_groups=(NodeGroup("0001", (), (spare,)),))
    group = cluster(address, shards, replicas)
    first = shards * (replicas + 1) + 1
    groups = [
        replace(node_group, spare_endpoints=(cache_node(address, first + at).endpoint,))
        for at, node_group in enumerate(group.node_groups)
    ]
    return replace(group, node_groups=tuple(groups))


async def time_without_service(writers: list[Writer], since: float) -> float:
    """Seconds from `since` until every writer has had a write acknowledged that it began later."""
    async with asyncio.timeout(RECOVERY_S_MAX):
        while any(writer.last_began < since for writer in writers):
            await asyncio.sleep(0.001)
    return time.monotonic() - since


async def recovered(actor: CacheActor) -> None:
    """Return when every node serves."""
    async with asyncio.timeout(RECOVERY_S_MAX):
        await asyncio.sleep(0.05)
        while not all(member.available and member.state == "ready" for member in actor.members()):
            await asyncio.sleep(0.02)


def role_of_the_clients(run_context: RunContext) -> Credentials:
    """The credentials of a service whose role may connect."""
    statement = {"Effect": "Allow", "Action": "elasticache:Connect", "Resource": "*"}
    policies = (read_policy("connect", {"Statement": statement}),)
    role = "arn:aws:iam::000000000000:role/clients"
    run_context.identities.set_principals([Principal("Shop/Clients", role, policies)])
    return run_context.identities.all()[0][1]


async def measure(arguments: argparse.Namespace, folder: Path) -> int:
    """The whole run. Returns the exit code."""
    run_context = new_run_context(folder / ".cachetwin", folder)
    group = group_of(arguments.address, arguments.shards, arguments.replicas)
    group = replace(group, users=(*group.users, CacheUser(IAM_USER, IAM_USER, "on ~app:* +@all", "iam")))
    credentials = role_of_the_clients(run_context)
    choice = random.Random(arguments.seed)  # noqa: S311  (the same faults at every run)
    gaps: dict[str, list[float]] = defaultdict(list)
    async with running(run_context, group) as actor:
        writers = []
        for number in range(arguments.clients):
            kind = KINDS[number % len(KINDS)]
            client = await connect(kind, run_context, group, credentials)
            writers.append(Writer(kind, f"app:{{{number}}}", client))
        tasks = [asyncio.create_task(writer.run()) for writer in writers]
        await time_without_service(writers, time.monotonic())
        faults = Faults(actor, run_context, choice, arguments.replicas)
        kinds = faults.kinds()
        order = [
            kind for _ in range(arguments.faults // len(kinds) + 1) for kind in choice.sample(sorted(kinds), len(kinds))
        ]
        for kind in order[: arguments.faults]:
            await asyncio.sleep(choice.uniform(0.1, 0.5))
            began = time.monotonic()
            fault = asyncio.ensure_future(kinds[kind]())
            gaps[kind].append(await time_without_service(writers, began))
            await asyncio.wait_for(fault, RECOVERY_S_MAX)
            await recovered(actor)
            whole = time.monotonic() - began
            sys.stderr.write(f"{kind}: {gaps[kind][-1]:.3f} s without service, {whole:.1f} s until every node served\n")
        for writer in writers:
            writer.stopped = True
        await asyncio.gather(*tasks)
        code = await report(writers, gaps, arguments)
        for writer in writers:
            with suppress(*ERRORS):
                await writer.client.close()
    run_context.logs.close()
    return code


async def report(writers: list[Writer], gaps: dict[str, list[float]], arguments: argparse.Namespace) -> int:
    """Print the table. Returns the exit code."""
    acknowledged = lost = protected = lost_protected = 0
    errors: dict[str, int] = defaultdict(int)
    for writer in writers:
        found = await writer.found()
        acknowledged += len(writer.acknowledged)
        protected += len(writer.protected)
        lost += len(writer.acknowledged - writer.protected - found)
        lost_protected += len(writer.protected - found)
        for name, count in writer.errors.items():
            errors[name] += count
    print(f"seed {arguments.seed}, {arguments.shards} shards of {arguments.replicas + 1} nodes, {len(writers)} clients")
    print(f"{'fault':<28}{'count':>6}{'median s':>10}{'longest s':>11}")
    for kind in sorted(gaps):
        print(f"{kind:<28}{len(gaps[kind]):>6}{statistics.median(gaps[kind]):>10.3f}{max(gaps[kind]):>11.3f}")
    together = [gap for of_kind in gaps.values() for gap in of_kind]
    print(f"{'all':<28}{len(together):>6}{statistics.median(together):>10.3f}{max(together):>11.3f}")
    print(f"acknowledged writes {acknowledged}, of them protected by WAIT {protected}")
    print(f"lost {lost} that were not protected, {lost_protected} that were")
    for kind in KINDS:
        of_kind = [writer for writer in writers if writer.kind == kind]
        writes = sum(len(writer.acknowledged) for writer in of_kind)
        print(f"{kind:<28}{len(of_kind)} clients, {writes} acknowledged writes")
    print("errors that clients saw: " + (", ".join(f"{name} {errors[name]}" for name in sorted(errors)) or "none"))
    return 1 if lost_protected else 0


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Faults over a cache that runs, and what clients see of them.")
    parser.add_argument("--faults", type=int, default=21)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--address", default="127.99.0.3", help="The loopback address of every endpoint.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure(arguments, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
