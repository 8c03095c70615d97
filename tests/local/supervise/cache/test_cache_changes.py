"""A cache that changes while clients use it: node types, parameters, another template."""

import asyncio
import os
import signal
from dataclasses import replace

import pytest
import redis
from tests.local.supervise.cache.caches import KEY, client, cluster, cluster_client, replication_group, running, until

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import NodeGroup


def messages(run_context: RunContext) -> list[str]:
    return [event.message for event in run_context.service_events.recent(1000)]


def test_every_node_is_replaced_by_one_of_another_type_and_no_write_is_lost(
    run_context: RunContext, address: str
) -> None:
    group = replication_group(address, 2)

    async def main() -> None:
        async with running(run_context, group) as actor:
            acknowledged, stopped, errors = [], False, 0

            async def write() -> None:
                nonlocal errors
                app = client(run_context, group.primary_endpoint, group)
                number = 0
                while not stopped:
                    number += 1
                    try:
                        await app.rpush("app:list", number)
                        acknowledged.append(number)
                    except (redis.RedisError, OSError):
                        errors += 1
                        await asyncio.sleep(0.01)
                await app.aclose()

            writing = asyncio.create_task(write())
            await until(lambda: len(acknowledged) > 50)
            before = {child.pid for child in run_context.children.values()}
            said = await actor.set_node_type("cache.r7g.large")
            assert said == f"{KEY} has nodes of the type cache.r7g.large now"
            begun = len(acknowledged)
            await until(lambda: len(acknowledged) > begun + 50)
            stopped = True
            await asyncio.wait_for(writing, 30)
            assert errors > 0  # the connections broke
            assert not before & {child.pid for child in run_context.children.values()}
            assert sorted(run_context.children) == [f"{KEY}/cache-001", f"{KEY}/cache-002"]
            for endpoint in (group.primary_endpoint, group.reader_endpoint):
                async with client(run_context, endpoint, group) as app:
                    await until(lambda: all(row["lag_bytes"] == 0 for row in actor.nodes()))
                    assert set(acknowledged) <= {int(one) for one in await app.lrange("app:list", 0, -1)}
                    assert (await app.info("memory"))["maxmemory"] > 5_000_000_000
            assert {row["node_type"] for row in actor.nodes()} == {"cache.r7g.large"}
            assert messages(run_context)[-1] == "Succeeded applying modification to cache node type to cache.r7g.large."
            os.kill(run_context.children[f"{KEY}/cache-001"].pid, signal.SIGKILL)  # the new nodes are watched
            await until(lambda: actor.shards[0].primary.node.member_id == "cache-002")
            with pytest.raises(UserError, match=r"got cache\.none"):
                await actor.set_node_type("cache.none")

    asyncio.run(main())


def test_a_parameter_is_set_at_once_on_every_node_and_on_those_that_come(run_context: RunContext, address: str) -> None:
    group = replication_group(address, 2)

    async def main() -> None:
        async with running(run_context, group) as actor:
            assert (
                await actor.set_parameter("maxmemory-policy", "noeviction")
                == f"{KEY} has maxmemory-policy noeviction now"
            )
            assert messages(run_context)[-1] == "Updated parameter maxmemory-policy to noeviction"
            await actor.reboot("cache-002")
            for endpoint in (group.nodes[0].endpoint, group.nodes[1].endpoint):
                async with client(run_context, endpoint, group) as app:
                    assert (await app.info("memory"))["maxmemory_policy"] == "noeviction"
            for name, value, reason in (
                ("maxmemory-policy", "none", "maxmemory-policy"),
                ("no-such", "1", "unknown parameter"),
                ("maxmemory", "1", "cannot be modified"),
                ("reserved-memory-percent", "100", "between 0 and 99"),
            ):
                with pytest.raises(UserError, match=reason):
                    await actor.set_parameter(name, value)
            assert await actor.set_parameter("reserved-memory-percent", "50")
            async with client(run_context, group.primary_endpoint, group) as app:
                assert (await app.info("memory"))["maxmemory"] == 536870912 // 2

    asyncio.run(main())


def test_a_cache_becomes_what_a_changed_template_asks_for(run_context: RunContext, address: str) -> None:
    spare = replication_group(address, 3).nodes[2].endpoint
    group = replace(replication_group(address, 2), node_groups=(NodeGroup("0001", (), (spare,)),))
    new = replace(
        replication_group(address, 3),
        node_groups=(NodeGroup("0001", ()),),
        parameters={"maxmemory-policy": "noeviction"},
    )

    async def main() -> None:
        async with running(run_context, group) as actor:
            pid = run_context.children[f"{KEY}/cache-001"].pid
            async with client(run_context, group.primary_endpoint, group) as app:
                await app.set("app:a", "1")
                assert await actor.become(new)
                assert len(actor.members()) == 3
                assert await app.get("app:a") == "1"
                assert (await app.info("memory"))["maxmemory_policy"] == "noeviction"
            assert run_context.children[f"{KEY}/cache-001"].pid == pid
            newer = replace(new, engine_version="9.0", profile="valkey-9.0")
            assert await actor.become(newer)
            async with client(run_context, group.primary_endpoint, group) as app:
                assert await app.get("app:a") == "1"
                assert (await app.info("server"))["valkey_version"].startswith("9.0")
            assert not await actor.become(replace(newer, cluster_mode="compatible"))

    asyncio.run(main())


def test_shards_follow_a_template_that_reshards_online(run_context: RunContext, address: str) -> None:
    group = cluster(address, 1, 0)

    async def main() -> None:
        async with running(run_context, group) as actor, cluster_client(run_context, group) as app:
            for number in range(50):
                await app.set(f"key:{number}", number)
            assert await actor.become(replace(cluster(address, 2, 0), online_resharding=True))
            assert len(actor.shards) == 2
            assert [await app.get(f"key:{number}") for number in range(50)] == [str(n) for n in range(50)]

    asyncio.run(main())
