"""A replication group with replicas: who answers which endpoint, and what happens when a node fails."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
import redis
from tests.local.supervise.cache.caches import KEY, cache_node, client, replication_group, running, until

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.cache.cache import CacheActor
from cachetwin_local.supervise.cache.operations import CacheOperations
from cachetwin_local.supervise.events import Event, ResourceState
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import Endpoint, NodeGroup, ReplicationGroup

DISCONNECTED = (redis.ConnectionError, redis.TimeoutError)


async def role_at(run_context: RunContext, group: ReplicationGroup, endpoint: Endpoint | None) -> str:
    async with client(run_context, endpoint, group) as app:
        return str((await app.info("replication"))["role"])


async def answered(run_context: RunContext, group: ReplicationGroup, key: str) -> float:
    """Seconds until the primary endpoint takes a write again."""
    began = time.monotonic()
    async with asyncio.timeout(30):
        while True:
            try:
                async with client(run_context, group.primary_endpoint, group) as app:
                    await app.set(key, "written")
            except (*DISCONNECTED, redis.ReadOnlyError):
                await asyncio.sleep(0.01)
            else:
                return time.monotonic() - began


async def reader_is(run_context: RunContext, group: ReplicationGroup, *roles: str) -> None:
    """Return when the reader endpoint is answered in one of these roles; connections may break meanwhile."""
    async with asyncio.timeout(30):
        while True:
            with suppress(*DISCONNECTED):
                if await role_at(run_context, group, group.reader_endpoint) in roles:
                    return
            await asyncio.sleep(0.02)


def messages(run_context: RunContext) -> list[tuple[str, str]]:
    """The events after those of the creation."""
    events = run_context.service_events.recent(100)
    created = ("Cache cluster created", "Added cache node")
    return [(event.source_identifier, event.message) for event in events if not event.message.startswith(created)]


def all_ready(actor: CacheActor) -> bool:
    return all(row["state"] == "ready" for row in actor.nodes())


def test_replicas_follow_and_share_the_reader_endpoint(run_context: RunContext, address: str) -> None:
    group = replication_group(address, 3)

    async def main() -> None:
        async with running(run_context, group) as actor:
            assert await role_at(run_context, group, group.primary_endpoint) == "master"
            seen = set()
            for _ in range(40):
                async with client(run_context, group.reader_endpoint, group) as app:
                    info = await app.info("replication")
                    assert info["role"] == "slave"
                    assert (info["master_host"], info["master_port"]) == (address, 6381)
                    seen.add((await app.info("server"))["run_id"])
            assert len(seen) == 2
            async with client(run_context, group.primary_endpoint, group) as app:
                await app.set("app:1", "one")
                assert await app.wait(2, 5000) == 2
                info = await app.info("replication")
                assert {info[f"slave{n}"]["port"] for n in range(2)} == {6382, 6383}
            for node in group.nodes:
                async with client(run_context, node.endpoint, group) as app:
                    assert await app.get("app:1") == "one"
            async with client(run_context, group.reader_endpoint, group) as app:
                with pytest.raises(redis.ReadOnlyError):
                    await app.set("app:2", "two")
            rows = [(row["node"], row["role"], row["availability_zone"], row["state"]) for row in actor.nodes()]
            assert rows == [
                ("cache-001", "primary", "us-east-1a", "ready"),
                ("cache-002", "replica", "us-east-1b", "ready"),
                ("cache-003", "replica", "us-east-1c", "ready"),
            ]

    asyncio.run(main())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_replica_takes_the_place_of_a_primary_that_fails(
    run_context: RunContext, address: str, events: list[Event], number: signal.Signals
) -> None:
    group = replication_group(address, 3)

    async def main() -> None:
        async with running(run_context, group) as actor:
            async with client(run_context, group.primary_endpoint, group) as app:
                await app.set("app:kept", "yes")
                await app.wait(2, 5000)
            os.kill(run_context.children[f"{KEY}/cache-001"].pid, number)
            await until(lambda: actor.shards[0].primary.node.member_id != "cache-001", 10)
            await answered(run_context, group, "app:after")
            await until(lambda: all_ready(actor))
            promoted = actor.shards[0].primary.node.member_id
            roles = {row["node"]: row["role"] for row in actor.nodes()}
            assert roles == {"cache-001": "replica", "cache-002": "replica", "cache-003": "replica"} | {
                promoted: "primary"
            }
            for node in group.nodes:
                async with client(run_context, node.endpoint, group) as app:
                    assert await app.get("app:kept") == "yes"
            failover = f"Failover from primary node cache-001 to replica node {promoted} completed"
            await until(lambda: len(messages(run_context)) == 4)
            assert messages(run_context) == [
                ("cache-001", failover),
                ("cache", failover),
                ("cache-001", "Recovering cache nodes 0001"),
                ("cache-001", "Finished recovery for cache nodes 0001"),
            ]
            states = [event.state for event in events if isinstance(event, ResourceState)]
            assert "restarting" in states
            assert states[-1] == "ready"

    asyncio.run(main())


def test_without_automatic_failover_the_primary_is_replaced_and_takes_the_data_of_a_replica(
    run_context: RunContext, address: str
) -> None:
    group = replication_group(address, 2, automatic_failover=False)

    async def main() -> None:
        async with running(run_context, group) as actor:
            async with client(run_context, group.primary_endpoint, group) as app:
                await app.set("app:kept", "yes")
                await app.wait(1, 5000)
            with pytest.raises(UserError, match="no automatic failover"):
                await actor.shards[0].fail_over()
            os.kill(run_context.children[f"{KEY}/cache-001"].pid, signal.SIGKILL)
            await until(lambda: not all_ready(actor))
            await answered(run_context, group, "app:after")
            await until(lambda: all_ready(actor))
            assert actor.shards[0].primary.node.member_id == "cache-001"
            async with client(run_context, group.primary_endpoint, group) as app:
                assert await app.get("app:kept") == "yes"
                assert await app.wait(1, 5000) == 1
            assert messages(run_context) == [
                ("cache-001", "Recovering cache nodes 0001"),
                ("cache-001", "Finished recovery for cache nodes 0001"),
            ]

    asyncio.run(main())


def test_a_replica_that_dies_leaves_the_reader_endpoint(run_context: RunContext, address: str) -> None:
    group = replication_group(address, 2)

    async def main() -> None:
        async with running(run_context, group) as actor:
            first = run_context.children[f"{KEY}/cache-002"]
            async with client(run_context, group.reader_endpoint, group) as app:
                await app.ping()
                os.kill(first.pid, signal.SIGKILL)
                await until(lambda: not all_ready(actor))
                with pytest.raises(DISCONNECTED):
                    await app.ping()
            # until it is back, the primary answers
            await reader_is(run_context, group, "master", "slave")
            await until(lambda: all_ready(actor))
            await reader_is(run_context, group, "slave")
            assert run_context.children[f"{KEY}/cache-002"].pid != first.pid

    asyncio.run(main())


def test_a_planned_failover_loses_nothing_and_leaves_the_old_primary_a_replica(
    run_context: RunContext, address: str
) -> None:
    group = replication_group(address, 2)

    async def main() -> None:
        async with running(run_context, group) as actor, client(run_context, group.primary_endpoint, group) as app:
            acknowledged = 0

            async def write() -> None:
                nonlocal acknowledged
                while True:
                    await app.incr("app:count")
                    acknowledged += 1

            writer = asyncio.create_task(write())
            async with client(run_context, group.primary_endpoint, group) as other:
                blocked: asyncio.Future[Any] = asyncio.ensure_future(other.blpop(["app:list"], timeout=30))
                await until(lambda: acknowledged > 50)
                pids = {name: child.pid for name, child in run_context.children.items()}
                await actor.shards[0].hand_over()
                with pytest.raises(redis.ResponseError, match="UNBLOCKED"):
                    await blocked
                with pytest.raises((redis.ReadOnlyError, *DISCONNECTED)):
                    await writer
            assert {name: child.pid for name, child in run_context.children.items()} == pids
            assert actor.shards[0].primary.node.member_id == "cache-002"
            async with client(run_context, group.primary_endpoint, group) as again:
                assert await again.get("app:count") == str(acknowledged)
                assert await again.wait(1, 5000) == 1

    asyncio.run(main())


def test_a_test_of_the_failover_writes_the_services_events_in_order(run_context: RunContext, address: str) -> None:
    group = replication_group(address, 2)

    async def main() -> None:
        async with running(run_context, group) as actor:
            await actor.shards[0].fail_over()
            await until(lambda: len(messages(run_context)) == 5)
            failover = "Failover from primary node cache-001 to replica node cache-002 completed"
            assert messages(run_context) == [
                ("cache", "Test Failover API called for node group 0001"),
                ("cache-001", failover),
                ("cache", failover),
                ("cache-001", "Recovering cache nodes 0001"),
                ("cache-001", "Finished recovery for cache nodes 0001"),
            ]

    asyncio.run(main())


def test_a_reboot_of_a_replica_brings_it_back_in_step(run_context: RunContext, address: str) -> None:
    group = replication_group(address, 2)

    async def main() -> None:
        async with running(run_context, group) as actor:
            async with client(run_context, group.primary_endpoint, group) as app:
                await app.set("app:kept", "yes")
            await actor.shards[0].reboot(actor.member("cache-002"))
            async with client(run_context, group.reader_endpoint, group) as app:
                assert (await app.info("replication"))["role"] == "slave"
                assert await app.get("app:kept") == "yes"
            assert messages(run_context) == [
                ("cache-002", "Cache node 0001 shutdown"),
                ("cache-002", "Cache node 0001 restarted"),
            ]

    asyncio.run(main())


def test_replicas_are_added_and_removed_while_it_runs(run_context: RunContext, address: str) -> None:
    spare = NodeGroup("0001", (), (cache_node(address, 3).endpoint,))
    group = replace(replication_group(address, 2), node_groups=(spare,))

    async def main() -> None:
        async with running(run_context, group) as actor:
            async with client(run_context, group.primary_endpoint, group) as app:
                await app.set("app:kept", "yes")
            assert await actor.set_replicas(2) == "node group 0001 of Shop/Cache has 2 replicas now"
            assert [(row["node"], row["role"], row["state"]) for row in actor.nodes()] == [
                ("cache-001", "primary", "ready"),
                ("cache-002", "replica", "ready"),
                ("cache-003", "replica", "ready"),
            ]
            async with client(run_context, cache_node(address, 3).endpoint, group) as app:
                assert await app.get("app:kept") == "yes"
            with pytest.raises(UserError, match="no endpoint left"):
                await actor.set_replicas(3)
            await actor.set_replicas(1)
            assert [row["node"] for row in actor.nodes()] == ["cache-001", "cache-002"]
            assert f"{KEY}/cache-003" not in run_context.children
            with pytest.raises(UserError, match="replicas must be between 1 and 5, got 0"):
                await actor.set_replicas(0)

    asyncio.run(main())


def test_operations_name_what_they_do_not_find(run_context: RunContext, address: str) -> None:
    group = replication_group(address, 2)
    group = replace(group, identity=replace(group.identity, path="Shop/Web/Cache/Resource"))
    operations = CacheOperations(lambda: [CacheActor(run_context, group)])

    async def main() -> None:
        for name in ("Web/Cache", "shop/web/cache"):
            assert await operations.perform({"op": "failover", "cache": name, "shard": "2"}) == {
                "error": "shard must be 0001, got 2"
            }
        assert await operations.perform({"op": "failover", "cache": "other"}) == {
            "error": "other is no cache that runs: it must be one of Shop/Cache"
        }
        assert await operations.perform({"op": "reboot", "node": "cache-009"}) == {
            "error": "node must be one of cache-001, cache-002, got cache-009"
        }
        assert await operations.perform({"op": "failover", "cache": "CACHE", "shard": "2"}) == {
            "error": "shard must be 0001, got 2"
        }

    asyncio.run(main())
