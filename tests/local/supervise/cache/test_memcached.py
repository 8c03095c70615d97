"""A Memcached cluster that runs: auto discovery, a lost node, a reboot."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace

import psutil
import pytest
from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheUnknownCommandError

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.cache.memcached import MemcachedActor
from cachetwin_local.supervise.cache.operations import CacheOperations
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import CacheNode, Endpoint, Identity, MemcachedCluster

DEADLINE_S = 60


@pytest.fixture
def cluster(address: str) -> MemcachedCluster:
    """Three nodes; every endpoint has a port of its own."""
    arn = "arn:aws:elasticache:us-east-1:000000000000:cluster:pages"

    def endpoint(number: int, label: str) -> Endpoint:
        return Endpoint(address, 11211 + number, 11211, "off", (f"pages.abc123.{label}.use1.cache.amazonaws.com",))

    nodes = tuple(
        CacheNode(
            f"pages-{n:04}", "primary", "us-east-1a", "cache.t4g.micro", 300 << 20, endpoint(n, f"{n:04}"), f"{n:04}"
        )
        for n in (1, 2, 3)
    )
    return MemcachedCluster(
        identity=Identity("Shop", "Pages", "AWS::ElastiCache::CacheCluster", "Shop/Pages", "pages", arn),
        engine_version="1.6.22",
        profile="memcached-1.6",
        configuration_endpoint=endpoint(0, "cfg"),
        nodes=nodes,
        options=("-m", "64", "-c", "1000", "-o", "no_modern"),
        security_groups=(),
        spare_endpoints=(endpoint(4, "0004"), endpoint(5, "0005")),
    )


def config_of(reply: bytes) -> tuple[int, list[str]]:
    """The version and the shards of a reply to ``config get cluster``."""
    lines = reply.splitlines()
    return int(lines[1]), [node.decode().split(".")[2] for node in lines[2].split(b" ")]


async def config(endpoint: Endpoint) -> tuple[int, list[str]]:
    return config_of(await ask(endpoint, b"config get cluster\r\n", b"END\r\n"))


@asynccontextmanager
async def running(run_context: RunContext, cluster: MemcachedCluster) -> AsyncIterator[MemcachedActor]:
    actor = MemcachedActor(run_context, cluster)
    try:
        actor.open()
        await actor.prepare()
        await actor.start()
        yield actor
    finally:
        await actor.stop()


async def ask(endpoint: Endpoint, request: bytes, end: bytes) -> bytes:
    """The reply to a request; tried again while nobody answers."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                reader, writer = await asyncio.open_connection(endpoint.address, endpoint.port)
                writer.write(request)
                reply = await reader.readuntil(end)
                writer.close()
            except (OSError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.05)
            else:
                return reply


def test_any_node_tells_of_all_nodes_at_the_configuration_endpoint(
    run_context: RunContext, cluster: MemcachedCluster
) -> None:
    async def main() -> None:
        async with running(run_context, cluster) as actor:
            assert actor.detail == "memcached-1.6, 3 nodes"
            reply = await ask(cluster.endpoint, b"config get cluster\r\n", b"END\r\n")
            nodes = reply.splitlines()[2].split(b" ")
            expected = [
                f"{node.endpoint.names[0]}|{node.endpoint.address}|{node.endpoint.port}" for node in cluster.nodes
            ]
            assert [node.decode() for node in nodes] == expected
            assert [row["state"] for row in actor.rows()] == ["ready"] * 3
            settings = await ask(cluster.nodes[0].endpoint, b"stats settings\r\n", b"END\r\n")
            assert b"STAT maxbytes 67108864\r\n" in settings
            assert b"STAT lru_segmented no\r\n" in settings
            assert await ask(cluster.endpoint, b"lru mode flat\r\n", b"\r\n") == b"ERROR\r\n"
        assert not run_context.children

    asyncio.run(main())


def test_a_lost_node_loses_its_keys_and_nothing_else(run_context: RunContext, cluster: MemcachedCluster) -> None:
    first, second = cluster.nodes[0].endpoint, cluster.nodes[1].endpoint

    async def main() -> None:
        async with running(run_context, cluster):
            for endpoint in (first, second):
                assert await ask(endpoint, b"set k 0 0 1\r\nv\r\n", b"\r\n") == b"STORED\r\n"
            version = (await ask(cluster.endpoint, b"config get cluster\r\n", b"END\r\n")).splitlines()[1]
            pid = run_context.children["Shop/Pages/pages-0001"].pid
            psutil.Process(pid).kill()
            async with asyncio.timeout(DEADLINE_S):
                while await ask(first, b"get k\r\n", b"END\r\n") != b"END\r\n":
                    await asyncio.sleep(0.05)
            assert run_context.children["Shop/Pages/pages-0001"].pid != pid
            assert await ask(second, b"get k\r\n", b"END\r\n") == b"VALUE k 0 1\r\nv\r\nEND\r\n"
            after = (await ask(first, b"config get cluster\r\n", b"END\r\n")).splitlines()[1]
            assert after == version

    asyncio.run(main())


def test_a_reboot_empties_one_node(run_context: RunContext, cluster: MemcachedCluster) -> None:
    third = cluster.nodes[2].endpoint

    async def main() -> None:
        async with running(run_context, cluster) as actor:
            operations = CacheOperations(list, lambda: [actor])
            await ask(third, b"set k 0 0 1\r\nv\r\n", b"\r\n")
            done = await operations.perform({"op": "reboot", "node": "pages-0003"})
            assert done == {"done": "pages-0003 has restarted, without its keys"}
            assert await ask(third, b"get k\r\n", b"END\r\n") == b"END\r\n"
            wrong = await operations.perform({"op": "reboot", "node": "none"})
            assert wrong == {"error": "node must be one of pages-0001, pages-0002, pages-0003, got none"}

    asyncio.run(main())


def test_nodes_are_added_and_removed_while_the_others_keep_their_keys(
    run_context: RunContext, cluster: MemcachedCluster
) -> None:
    first = cluster.nodes[0].endpoint
    fourth = cluster.spare_endpoints[0]

    async def main() -> None:
        async with running(run_context, cluster) as actor:
            operations = CacheOperations(list, lambda: [actor])
            await ask(first, b"set k 0 0 1\r\nv\r\n", b"\r\n")
            version, shards = await config(cluster.endpoint)
            assert shards == ["0001", "0002", "0003"]
            done = await operations.perform({"op": "scale", "cache": "pages", "nodes": 5})
            assert done == {"done": "Shop/Pages has 5 nodes now"}
            assert await config(fourth) == (version + 1, ["0001", "0002", "0003", "0004", "0005"])
            assert await config(first) == await config(fourth)
            assert [row["node"] for row in actor.rows()][3:] == ["pages-0004", "pages-0005"]
            await operations.perform({"op": "scale", "cache": "Pages", "nodes": 2})
            assert await config(first) == (version + 2, ["0001", "0002"])
            assert await ask(first, b"get k\r\n", b"END\r\n") == b"VALUE k 0 1\r\nv\r\nEND\r\n"
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(fourth.address, fourth.port)
            await operations.perform({"op": "scale", "cache": "Pages", "nodes": 2})
            assert (await config(first))[0] == version + 2  # nothing changed
            refused = await operations.perform({"op": "scale", "cache": "Pages", "nodes": 6})
            assert refused == {"error": "nodes must be between 1 and 5, got 6"}
            assert actor.member_ids == ["pages-0001", "pages-0002"]
            assert len(run_context.children) == 2
            messages = [event.message for event in run_context.service_events.recent(10)]
            assert messages == [
                "Added cache node 0004 in availability zone us-east-1a",
                "Added cache node 0005 in availability zone us-east-1a",
                "Removed cache node 0003",
                "Removed cache node 0004",
                "Removed cache node 0005",
            ]

    asyncio.run(main())


def test_a_cluster_is_scaled_by_its_nodes_and_never_fails_over(
    run_context: RunContext, cluster: MemcachedCluster
) -> None:
    async def main() -> None:
        operations = CacheOperations(list, lambda: [MemcachedActor(run_context, cluster)])
        wrong = await operations.perform({"op": "scale", "cache": "pages", "replicas": 2})
        assert wrong == {"error": "Shop/Pages is scaled by its nodes, got replicas"}
        wrong = await operations.perform({"op": "scale", "cache": "pages", "node_type": "cache.t4g.small"})
        assert wrong == {"error": "Shop/Pages is scaled by its nodes, got node type"}
        for op in ("failover", "snapshot", "restore", "set-parameter"):
            wrong = await operations.perform({"op": op, "cache": "pages"})
            reason = f"scale it or reboot its nodes, got {op}"
            assert wrong == {"error": f"Shop/Pages is a Memcached cluster: {reason}"}
        wrong = await operations.perform({"op": "scale", "cache": "other", "nodes": 2})
        assert wrong == {"error": "other is no cache that runs: it must be one of Shop/Pages"}

    asyncio.run(main())


def test_another_template_changes_the_number_of_nodes_while_the_others_run_on(
    run_context: RunContext, cluster: MemcachedCluster
) -> None:
    first = cluster.nodes[0].endpoint
    smaller = replace(
        cluster,
        nodes=cluster.nodes[:2],
        spare_endpoints=(cluster.nodes[2].endpoint, *cluster.spare_endpoints),
    )

    async def main() -> None:
        async with running(run_context, cluster) as actor:
            await ask(first, b"set k 0 0 1\r\nv\r\n", b"\r\n")
            assert await actor.become(smaller)
            assert (await config(first))[1] == ["0001", "0002"]
            assert await actor.become(cluster)
            assert (await config(cluster.endpoint))[1] == ["0001", "0002", "0003"]
            assert await ask(first, b"get k\r\n", b"END\r\n") == b"VALUE k 0 1\r\nv\r\nEND\r\n"
            assert not await actor.become(replace(cluster, options=("-m", "32")))

    asyncio.run(main())


def test_the_metrics_have_the_names_of_cloudwatch(run_context: RunContext, cluster: MemcachedCluster) -> None:
    first = cluster.nodes[0].endpoint

    async def main() -> None:
        async with running(run_context, cluster) as actor:
            await ask(first, b"set k 0 0 1\r\nv\r\nget k\r\nget none\r\n", b"END\r\nEND\r\n")
            async with asyncio.timeout(DEADLINE_S):
                while not (metrics := actor.nodes[0].metrics).get("GetMisses"):
                    await asyncio.sleep(0.05)
            assert (metrics["GetHits"], metrics["GetMisses"], metrics["CurrItems"]) == (1, 1, 1)
            assert metrics["UnusedMemory"] == 67108864 - metrics["BytesUsedForCacheItems"]
            assert actor.rows()[0]["metrics"] == metrics

    asyncio.run(main())


def test_a_serverless_cache_is_one_address_with_two_ports_over_tls(
    run_context: RunContext, cluster: MemcachedCluster, address: str
) -> None:
    names = ("pages-abc123.serverless.use1.cache.amazonaws.com",)
    endpoint = Endpoint(address, 11311, 11211, "required", names)
    reader = Endpoint(address, 11312, 11212, "required", names)
    node = replace(cluster.nodes[0], endpoint=endpoint)
    serverless = replace(
        cluster, configuration_endpoint=endpoint, nodes=(node,), reader_endpoint=reader, spare_endpoints=(),
        options=("--serverless", "yes", "-m", "1024"),
    )  # fmt: skip

    def speak() -> None:
        context = ssl.create_default_context(cafile=str(run_context.local_ca.certificate_file))
        with closing(Client((endpoint.address, endpoint.port), tls_context=context, timeout=10)) as writer:
            assert writer.set("k", "v", noreply=False)
            with pytest.raises(MemcacheUnknownCommandError):
                writer.stats("items")
        with closing(Client((reader.address, reader.port), tls_context=context, timeout=10)) as client:
            assert client.get("k") == b"v"

    async def main() -> None:
        async with running(run_context, serverless) as actor:
            await asyncio.to_thread(speak)
            with pytest.raises(UserError, match="is serverless: the service has no ModifyCacheCluster for it"):
                await actor.set_nodes(2)
            assert actor.detail == "memcached-1.6, serverless"

    asyncio.run(main())


def test_options_that_the_engine_refuses_are_the_users_to_solve(
    run_context: RunContext, cluster: MemcachedCluster
) -> None:
    wrong = MemcachedCluster(
        cluster.identity, "1.6.22", cluster.profile, cluster.endpoint, cluster.nodes, ("-I", "5"), ()
    )

    async def main() -> None:
        async with running(run_context, wrong):
            pass

    with pytest.raises(UserError, match="Item max size cannot be less than 1024 bytes"):
        asyncio.run(main())
