"""A cache in cluster mode: clients discover it by themselves, and go on when a shard's primary fails."""

import asyncio
import os
import signal
from dataclasses import replace

import pytest
import redis
import redis.asyncio
from tests.local.supervise.cache.caches import KEY, client, cluster, cluster_client, replication_group, running, until

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import Endpoint, NodeGroup, ReplicationGroup


def test_a_cluster_client_finds_every_shard_through_the_configuration_endpoint(
    run_context: RunContext, address: str
) -> None:
    group = cluster(address, 3, 1)

    async def main() -> None:
        async with running(run_context, group), cluster_client(run_context, group) as app:
            for number in range(100):
                await app.set(f"key:{number}", number)
            assert [await app.get(f"key:{number}") for number in range(100)] == [str(n) for n in range(100)]
            sizes = []
            for node in group.nodes:
                async with client(run_context, node.endpoint, group) as one:
                    info = await one.info("replication")
                    assert info["role"] == ("master" if node.role == "primary" else "slave")
                    sizes.append(await one.dbsize())
                    state = await one.cluster("info")
                    assert state["cluster_state"] == "ok"
                    assert (state["cluster_known_nodes"], state["cluster_size"]) == ("6", "3")
            assert sum(sizes[::2]) == 100
            assert min(sizes) > 0
            assert len(app.get_primaries()) == 3
            assert len(app.get_replicas()) == 3

    asyncio.run(main())


def test_a_shard_fails_over_and_the_client_goes_on(run_context: RunContext, address: str) -> None:
    group = cluster(address, 2, 1)

    async def main() -> None:
        async with running(run_context, group) as actor, cluster_client(run_context, group) as app:
            for number in range(50):
                await app.set(f"key:{number}", number)
            async with client(run_context, group.nodes[0].endpoint, group) as primary:
                await primary.wait(1, 5000)
            os.kill(run_context.children[f"{KEY}/cache-0001-001"].pid, signal.SIGKILL)
            await until(lambda: actor.shards[0].primary.node.member_id == "cache-0001-002")
            async with asyncio.timeout(30):
                for number in range(50):
                    while True:
                        try:
                            assert await app.get(f"key:{number}") == str(number)
                            await app.set(f"key:{number}", number)
                            break
                        except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.ClusterError):
                            await asyncio.sleep(0.05)
            await until(lambda: all(row["state"] == "ready" for row in actor.nodes()))
            assert actor.shards[1].primary.node.member_id == "cache-0002-001"
            async with client(run_context, group.nodes[0].endpoint, group) as replaced:
                assert (await replaced.info("replication"))["role"] == "slave"

    asyncio.run(main())


def test_the_configuration_endpoint_answers_with_the_topology_after_each_failover(
    run_context: RunContext, address: str
) -> None:
    group = cluster(address, 1, 1)

    async def main() -> None:
        async with running(run_context, group) as actor:
            for primary in ("cache-0001-002", "cache-0001-001"):
                assert await actor.fail_over("1", planned=True) == f"{primary} is the primary of node group 0001 now"
                port = next(node.endpoint.port for node in group.nodes if node.member_id == primary)
                async with cluster_client(run_context, group) as app:
                    await app.initialize()
                    assert [node.port for node in app.get_primaries()] == [port]

    asyncio.run(main())


def serverless(address: str) -> ReplicationGroup:
    base = replication_group(address, 2)
    endpoint = Endpoint(address, 6379, 6379, "required")
    reader = Endpoint(address, 6380, 6380, "required")
    return replace(
        base,
        primary_endpoint=endpoint,
        reader_endpoint=reader,
        nodes=(replace(base.nodes[0], endpoint=endpoint), replace(base.nodes[1], endpoint=reader)),
        ecpu_per_second_max=1000,
        users=(replace(base.users[0], access_string="on ~* &* +@all"), base.users[1]),
        cluster_mode="serverless",
        node_groups=(NodeGroup("0001", ((0, 16383),)),),
    )


def test_a_serverless_cache_shows_a_node_for_writes_and_one_for_reads_whichever_fails(
    run_context: RunContext, address: str
) -> None:
    group = serverless(address)

    async def main() -> None:
        async with running(run_context, group) as actor:
            async with cluster_client(run_context, group) as app:
                await app.set("key", "value")
                assert [node.port for node in app.get_primaries()] == [6379]
            async with client(run_context, group.reader_endpoint, group) as reader:
                await reader.readonly()
                assert await reader.get("key") == "value"
                with pytest.raises(redis.ResponseError, match="unknown command"):
                    await reader.keys("*")
                with pytest.raises(redis.ResponseError, match="unknown subcommand"):
                    await reader.client_list()

                async def is_throttled() -> bool:
                    async with reader.pipeline(transaction=False) as pipeline:
                        for _ in range(1200):
                            pipeline.get("key")
                        answers = await pipeline.execute(raise_on_error=False)
                    return any("request throttled" in str(answer) for answer in answers)

                async def is_served() -> bool:
                    try:
                        return await reader.get("key") == "value"
                    except redis.ResponseError:
                        return False

                async with asyncio.timeout(30):
                    while not await is_throttled():
                        pass
                    while not await is_served():  # the limit is one of each second
                        await asyncio.sleep(0.1)
            await until(lambda: "'ThrottledCmds'" in str(actor.nodes()[1]) and _metric(actor.nodes()[1]) > 0)
            os.kill(run_context.children[f"{KEY}/cache-001"].pid, signal.SIGKILL)
            await until(lambda: actor.shards[0].primary.node.member_id == "cache-002")
            await until(lambda: all(row["state"] == "ready" for row in actor.nodes()))
            async with cluster_client(run_context, group) as app:
                assert await app.get("key") == "value"
                await app.set("key", "again")
                assert [node.port for node in app.get_primaries()] == [6379]
            assert run_context.service_events.recent(10) == []
            with pytest.raises(UserError, match="is serverless: the service has no TestFailover for it"):
                await actor.fail_over(None, planned=False)

    asyncio.run(main())


def _metric(row: dict[str, object]) -> int:
    metrics = row["metrics"]
    assert isinstance(metrics, dict)
    counted = metrics["ElastiCacheProcessingUnits"] > 0 and metrics["BytesUsedForCache"] > 0
    return int(metrics["ThrottledCmds"]) if counted else 0
