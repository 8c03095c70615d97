"""Shards are added to and removed from a running cache: no acknowledged write is lost, whatever fails meanwhile."""

import asyncio
import functools
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import pytest
import redis
import redis.asyncio
from tests.local.supervise.cache.caches import KEY, client, cluster, cluster_client, replication_group, running, until

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.cache.cache import CacheActor
from cachetwin_local.supervise.cache.cluster.shard_count import ShardCount
from cachetwin_local.supervise.cache.node import NodeProcess
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import ReplicationGroup

ERRORS = (
    redis.ConnectionError,
    redis.TimeoutError,
    redis.exceptions.ClusterError,
    redis.ResponseError,
    OSError,
    AttributeError,  # redis-py 8 counts a command of a node that it does not know any more
)


@dataclass
class Writer:
    """Increments counters and knows what was acknowledged."""

    values: dict[str, int] = field(default_factory=dict)
    rounds: int = 0
    stopped: bool = False
    errors: list[str] = field(default_factory=list)


async def write(app: redis.asyncio.RedisCluster, writer: Writer) -> None:
    """INCR alone: without a replica there is nothing that could protect it."""
    while not writer.stopped:
        for number in range(100):
            key = f"counter:{number}"
            try:
                value = await app.incr(key)
                assert value > writer.values.get(key, 0), f"{key} went back from {writer.values[key]} to {value}"
                writer.values[key] = value
            except ERRORS as error:
                writer.errors.append(repr(error))
                await asyncio.sleep(0.02)
        writer.rounds += 1


@asynccontextmanager
async def writing(app: redis.asyncio.RedisCluster) -> AsyncIterator[Writer]:
    writer = Writer()
    task = asyncio.create_task(write(app, writer))
    try:
        await until(lambda: writer.rounds > 0 or task.done())
        yield writer
    finally:
        writer.stopped = True
        await asyncio.wait_for(task, 30)


async def counted(app: redis.asyncio.RedisCluster, key: str) -> int:
    async with asyncio.timeout(30):
        while True:
            with suppress(*ERRORS):
                return int(await app.get(key) or 0)
            await asyncio.sleep(0.02)


def messages(run_context: RunContext) -> list[str]:
    return [event.message for event in run_context.service_events.recent(1000)]


def test_a_resharding_that_makes_no_progress_fails_and_can_be_taken_up_again(
    run_context: RunContext, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = cluster(address, 1, 0)
    impatient = functools.partial(ShardCount, stuck_s=0.3)
    ask = NodeProcess.ask

    async def stuck(node: NodeProcess, op: str, **fields: object) -> dict[str, object]:
        """Keys that do not leave, as far as the supervisor is told."""
        answer = await ask(node, op, **fields)  # type: ignore[arg-type]
        return {**answer, "keys": 7, "done": False} if op == "moves" else answer

    async def main() -> None:
        async with running(run_context, group) as actor, cluster_client(run_context, group) as app:
            values = {f"key:{number}": str(number) for number in range(500)}
            for start in range(0, 500, 25):
                await asyncio.gather(*(app.set(f"key:{n}", str(n)) for n in range(start, start + 25)))
            with monkeypatch.context() as patch:
                patch.setattr("cachetwin_local.supervise.cache.cache.ShardCount", impatient)
                patch.setattr(NodeProcess, "ask", stuck)
                with pytest.raises(
                    UserError, match=r"no key has left node group 0001 \(7 keys\) .* every shard is kept"
                ):
                    await actor.set_shards(2, lambda _line: None)
            assert sorted(roles(actor)) == ["0001", "0002"]
            assert messages(run_context)[-1] == "Resharding from 1 to 2 node groups failed"
            await app.set("key:1", "while slots are open")
            assert await actor.set_shards(1, lambda _line: None) == f"{KEY} has 1 shard now"
            values["key:1"] = "while slots are open"
            async with cluster_client(run_context, group) as other:
                for start in range(0, 500, 25):
                    keys = [f"key:{n}" for n in range(start, start + 25)]
                    assert await asyncio.gather(*(other.get(key) for key in keys)) == [values[key] for key in keys]

    asyncio.run(main())


def roles(actor: CacheActor) -> dict[str, list[str]]:
    return {shard.id: [member.node.member_id for member in shard.members] for shard in actor.shards}


def test_shards_are_added_and_removed_while_a_client_writes(run_context: RunContext, address: str) -> None:
    group = cluster(address, 1, 1)

    async def main() -> None:
        async with running(run_context, group) as actor, cluster_client(run_context, group) as app:
            lines: list[str] = []
            async with writing(app) as writer:
                assert await actor.set_shards(3, lines.append) == f"{KEY} has 3 shards now"
                assert roles(actor) == {
                    "0001": ["cache-0001-001", "cache-0001-002"],
                    "0002": ["cache-0002-001", "cache-0002-002"],
                    "0003": ["cache-0003-001", "cache-0003-002"],
                }
                begun = writer.rounds
                await until(lambda: writer.rounds > begun + 1)
                async with cluster_client(run_context, group) as other:
                    await other.initialize()
                    assert len(other.get_primaries()) == 3
                    sizes = [await client_size(run_context, actor, shard.id, group) for shard in actor.shards]
                    assert min(sizes) > 10
                    assert sum(sizes) == 100
                assert await actor.set_shards(2, lines.append) == f"{KEY} has 2 shards now"
                assert sorted(roles(actor)) == ["0001", "0002"]
                begun = writer.rounds
                await until(lambda: writer.rounds > begun + 1)
            for key, value in writer.values.items():
                assert await counted(app, key) >= value
            assert lines[0] == "shard 0002 runs, with 2 nodes"
            assert "10922 of 10922 slots moved" in lines
            assert lines[-1] == "shard 0003 is gone"
            told = messages(run_context)
            assert told.index("Resharding from 1 to 3 node groups started") < told.index(
                "Resharding from 1 to 3 node groups completed"
            )
            assert told[-3:] == [
                "Cache cluster deleted",
                "Cache cluster deleted",
                "Resharding from 3 to 2 node groups completed",
            ]
            assert [row["state"] for row in actor.nodes()] == ["ready"] * 4

    asyncio.run(main())


async def client_size(run_context: RunContext, actor: CacheActor, shard: str, group: ReplicationGroup) -> int:
    primary = next(one for one in actor.shards if one.id == shard).primary
    async with client(run_context, primary.node.endpoint, group) as one:
        return int(await one.dbsize())


@pytest.mark.parametrize("which", ["source", "target"])
def test_a_primary_that_is_killed_in_the_middle_loses_nothing_that_was_protected(
    run_context: RunContext, address: str, which: str
) -> None:
    group = cluster(address, 1, 2)

    async def main() -> None:
        async with running(run_context, group) as actor, cluster_client(run_context, group) as app:
            protected = {}
            for number in range(3000):
                await app.set(f"key:{number}", number)
                protected[f"key:{number}"] = number
            async with client(run_context, actor.shards[0].primary.node.endpoint, group) as primary:
                assert await primary.wait(2, 10_000) == 2
            killed = asyncio.Event()

            def kill(line: str) -> None:
                if "slots moved" in line and not killed.is_set():
                    shard = actor.shards[0 if which == "source" else 1]
                    os.kill(run_context.children[f"{KEY}/{shard.primary.node.member_id}"].pid, signal.SIGKILL)
                    killed.set()

            async with asyncio.timeout(120):
                assert await actor.set_shards(2, kill) == f"{KEY} has 2 shards now"
            assert killed.is_set()
            await until(lambda: all(row["state"] == "ready" for row in actor.nodes()))
            for key, value in protected.items():
                assert await counted(app, key) == value
            assert sum("Failover from primary node" in message for message in messages(run_context)) == 2

    asyncio.run(main())


def test_a_change_goes_on_without_the_one_who_asked_and_another_one_is_refused(
    run_context: RunContext, address: str
) -> None:
    group = cluster(address, 1, 0)

    async def main() -> None:
        async with running(run_context, group) as actor:
            asking = asyncio.create_task(actor.set_shards(2, lambda _line: None))
            await until(lambda: len(actor.shards) == 2)
            with pytest.raises(UserError, match=f"{KEY} is being modified: its number of shards changes; try again"):
                await actor.set_replicas(1)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await until(lambda: messages(run_context)[-1:] == ["Resharding from 1 to 2 node groups completed"])
            assert await actor.set_shards(1, lambda _line: None) == f"{KEY} has 1 shard now"

    asyncio.run(main())


def test_the_end_of_the_cache_ends_a_change(run_context: RunContext, address: str) -> None:
    group = cluster(address, 1, 0)

    async def main() -> None:
        async with running(run_context, group) as actor:
            asking = asyncio.create_task(actor.set_shards(4, lambda _line: None))
            await until(lambda: len(actor.shards) > 1)
        with pytest.raises((asyncio.CancelledError, OSError, UserError)):
            await asking
        assert not run_context.children

    asyncio.run(main())


def test_what_the_service_refuses_is_refused(run_context: RunContext, address: str) -> None:
    async def main() -> None:
        async with running(run_context, cluster(address, 2, 0)) as actor:
            for count in (0, 501):
                with pytest.raises(UserError, match=f"shards must be between 1 and 500, got {count}"):
                    await actor.set_shards(count, print)
            assert await actor.set_shards(2, print) == f"{KEY} has 2 shards already"
        async with running(
            run_context, replace(replication_group(address, 1), nodes=cluster(address, 1, 0).nodes)
        ) as one:
            with pytest.raises(
                UserError, match="must have cluster mode enabled for another number of shards, got disabled"
            ):
                await one.set_shards(2, print)

    asyncio.run(main())
