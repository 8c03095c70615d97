"""Global datastores: a region follows another one, read-only, until it is promoted."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest
import redis
import redis.asyncio
from tests.local.supervise.cache.caches import client, cluster, cluster_client, replication_group, secret, until

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.cache.cache import CacheActor
from cachetwin_local.supervise.cache.global_datastores import GlobalDatastores
from cachetwin_local.supervise.cache.operations import CacheOperations
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import Endpoint, GlobalDatastore, GlobalMember, Identity, ReplicationGroup

READ_ONLY = "You can't write against a read only replica."
WEST, EAST = "West/Cache", "East/Cache"


def in_region(group: ReplicationGroup, stack: str, address: str, follows: str = "") -> ReplicationGroup:
    """The group as a member of another stack, at an address of its own."""

    def moved(endpoint: Endpoint | None) -> Endpoint | None:
        return replace(endpoint, address=address) if endpoint is not None else None

    name = f"cache-{stack.lower()}"
    return replace(
        group,
        identity=replace(group.identity, stack=stack, path=f"{stack}/Cache", physical_name=name),
        nodes=tuple(
            replace(
                node,
                endpoint=replace(node.endpoint, address=address),
                member_id=node.member_id.replace("cache", name),
            )
            for node in group.nodes
        ),
        primary_endpoint=moved(group.primary_endpoint),
        reader_endpoint=moved(group.reader_endpoint),
        configuration_endpoint=moved(group.configuration_endpoint),
        follows=follows,
    )


def datastore() -> GlobalDatastore:
    arn = "arn:aws:elasticache::000000000000:globalreplicationgroup:dsdfu-catalogue"
    kind = "AWS::ElastiCache::GlobalReplicationGroup"
    identity = Identity("West", "Global", kind, "West/Global", "dsdfu-catalogue", arn)
    return GlobalDatastore(identity, (GlobalMember(WEST, "us-west-1"), GlobalMember(EAST, "us-east-1")))


@asynccontextmanager
async def both(
    run_context: RunContext, west: ReplicationGroup, east: ReplicationGroup, known: Sequence[GlobalDatastore] = ()
) -> AsyncIterator[tuple[CacheActor, CacheActor, GlobalDatastores]]:
    """Both members, from their start to their end. `known` are the global datastores, which a test may change."""
    run_context.secrets.provision([secret()])
    actors: list[CacheActor] = []
    regions = GlobalDatastores(run_context, lambda: actors, lambda: known or [datastore()])
    actors += [CacheActor(run_context, group, upstream=regions.upstream(group.identity.key)) for group in (west, east)]
    try:
        for actor in actors:
            actor.open()
            await actor.prepare()
            await actor.start()
        yield actors[0], actors[1], regions
    finally:
        await asyncio.gather(*(actor.stop() for actor in actors))


async def read(app: redis.asyncio.Redis | redis.asyncio.RedisCluster, key: str, value: str) -> None:
    """Return when a key has a value; connections may break meanwhile."""
    async with asyncio.timeout(30):
        while True:
            with suppress(redis.ConnectionError, redis.TimeoutError):
                if await app.get(key) == value:
                    return
            await asyncio.sleep(0.02)


async def written(app: redis.asyncio.Redis, key: str, value: str) -> None:
    """Return when a write was taken; the primary may be another node meanwhile."""
    async with asyncio.timeout(30):
        while True:
            try:
                await app.set(key, value)
            except (redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError):
                await asyncio.sleep(0.02)
            else:
                return


async def refused(app: redis.asyncio.Redis | redis.asyncio.RedisCluster, key: str) -> None:
    """Return when a write was refused as on a replica; fail when it was taken."""
    async with asyncio.timeout(30):
        while True:
            try:
                await app.set(key, "refused")
            except redis.ReadOnlyError as error:
                text = str(error)
                break
            except (redis.ConnectionError, redis.TimeoutError):
                await asyncio.sleep(0.02)
            else:
                pytest.fail(f"the write of {key} was taken")
    assert READ_ONLY in text


def linked(regions: GlobalDatastores) -> bool:
    return [row["link"] for row in regions.rows() if row["role"] == "secondary"] == ["connected"]


def test_a_region_follows_another_one_until_it_is_promoted_or_removed(
    run_context: RunContext, addresses: tuple[str, str]
) -> None:
    west = in_region(replication_group("", 2), "West", addresses[0])
    east = in_region(replication_group("", 2), "East", addresses[1], WEST)

    async def main() -> None:
        known = [datastore()]
        async with (
            both(run_context, west, east, known) as (first, second, regions),
            client(run_context, west.primary_endpoint, west) as there,
            client(run_context, east.primary_endpoint, east) as here,
            client(run_context, east.reader_endpoint, east) as reader,
        ):
            assert second.depends_on == {WEST}
            await there.set("app:1", "one")
            await read(here, "app:1", "one")
            await read(reader, "app:1", "one")
            await refused(here, "app:2")

            # the link follows the primaries of both regions
            await first.fail_over(None, planned=False)
            await written(there, "app:1", "after a failover there")
            await read(here, "app:1", "after a failover there")
            os.kill(second.shards[0].primary.process.pid, signal.SIGKILL)
            await until(lambda: all(row["state"] == "ready" for row in second.nodes()))
            await written(there, "app:1", "after a failover here")
            await read(here, "app:1", "after a failover here")
            await read(reader, "app:1", "after a failover here")
            await refused(here, "app:2")
            await until(lambda: linked(regions))
            assert {row["resource"]: (row["region"], row["role"]) for row in regions.rows()} == {
                WEST: ("us-west-1", "primary"),
                EAST: ("us-east-1", "secondary"),
            }

            operations = CacheOperations(lambda: [first, second], tuple, regions)
            answer = await operations.perform({"op": "failover", "cache": "catalogue", "region": "us-east-1"})
            assert answer == {"done": f"{EAST} in us-east-1 is the primary of catalogue now"}
            await written(here, "app:3", "three")
            await read(there, "app:3", "three")
            await refused(there, "app:4")
            await read(here, "app:1", "after a failover here")
            told = [event.message for event in run_context.service_events.recent(1000)]
            assert f"Failover of global datastore from {WEST} in us-west-1 to {EAST} in us-east-1 completed" in told

            # and back
            await regions.fail_over("dsdfu-catalogue", "us-west-1")
            await written(there, "app:5", "five")
            await read(here, "app:5", "five")

            # a template without the promoted member: the other one takes writes again
            await regions.fail_over("dsdfu-catalogue", "us-east-1")
            await refused(there, "app:6")
            known[:] = [replace(datastore(), members=datastore().members[:1])]
            await written(there, "app:6", "six")

    asyncio.run(main())


def test_the_shards_of_a_cluster_follow_those_of_another_region(
    run_context: RunContext, addresses: tuple[str, str]
) -> None:
    west = in_region(cluster("", 2, 0), "West", addresses[0])
    east = in_region(cluster("", 2, 0), "East", addresses[1], WEST)

    async def main() -> None:
        async with (
            both(run_context, west, east) as (first, second, regions),
            cluster_client(run_context, west) as there,
            cluster_client(run_context, east) as here,
        ):
            values = {f"key:{number}": str(number) for number in range(40)}
            for key, value in values.items():
                await there.set(key, value)
            for key, value in values.items():
                await read(here, key, value)
            await refused(here, "key:1")
            operations = CacheOperations(lambda: [first, second], tuple, regions)
            answer = await operations.perform({"op": "scale", "cache": EAST, "shards": 3})
            assert "is not possible for one region alone" in str(answer["error"])
            await regions.fail_over("catalogue", "us-east-1")
            for key in values:
                await here.set(key, "promoted")
            for key in values:
                await read(there, key, "promoted")

    asyncio.run(main())


def test_a_region_that_is_none_is_refused(run_context: RunContext) -> None:
    regions = GlobalDatastores(run_context, tuple, lambda: [datastore()])
    with pytest.raises(UserError, match="region must be that of a member"):
        asyncio.run(regions.fail_over("catalogue", "eu-west-1"))
    with pytest.raises(UserError, match="is the primary of catalogue already"):
        asyncio.run(regions.fail_over("catalogue", "us-west-1"))
    with pytest.raises(UserError, match="must be one of dsdfu-catalogue, got Cache"):
        asyncio.run(regions.fail_over("Cache", "us-west-1"))
