"""A Memcached cluster that runs: auto discovery, a lost node, a reboot."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
import pytest

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
    )


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
