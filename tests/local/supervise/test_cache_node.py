"""The cache twin: the engine as a process, told everything over its control channel."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import redis
import redis.asyncio

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.cache.node import CacheActor
from cachetwin_local.supervise.events import Event, ResourceState
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import (
    CacheNode,
    CacheUser,
    Endpoint,
    GenerateSecretString,
    Identity,
    ReplicationGroup,
    Secret,
    SecretRef,
)

PASSWORD = GenerateSecretString(password_length=40, exclude_punctuation=True)


@pytest.fixture
def group(
    run_context: RunContext, address: str, identity: Callable[..., Identity], secret: Callable[..., Secret]
) -> ReplicationGroup:
    password = secret("Password", generate=PASSWORD)
    run_context.secrets.provision([password])
    names = ("master.shop.abc123.use1.cache.amazonaws.com",)
    return ReplicationGroup(
        identity=identity("Cache", "AWS::ElastiCache::ReplicationGroup"),
        engine="valkey",
        engine_version="8.1",
        profile="valkey-8.1",
        primary_endpoint=Endpoint(address, 6379, 6379, "required", names),
        reader_endpoint=Endpoint(address, 6380, 6380, "required"),
        nodes=(CacheNode("cache-001", "primary", "us-east-1a", "cache.t4g.micro", 400_000_000, runs_here=True),),
        parameters={"maxmemory-policy": "allkeys-lru"},
        users=(
            CacheUser("app", "app", "on ~app:* +@all", "password", ((SecretRef(password.identity.arn),),)),
            CacheUser("default", "default", "off ~* +@all", "password"),
        ),
        user_group_ids=("group",),
        auth_token=None,
        log_delivery=(),
        security_groups=(),
    )


@asynccontextmanager
async def running(run_context: RunContext, group: ReplicationGroup, *program: str) -> AsyncIterator[CacheActor]:
    actor = CacheActor(run_context, group, program or None)
    try:
        actor.open()
        await actor.prepare()
        await actor.start()
        yield actor
    finally:
        await actor.stop()


def client(run_context: RunContext, endpoint: Endpoint, group: ReplicationGroup) -> redis.asyncio.Redis:
    return redis.asyncio.Redis(
        host=endpoint.address,
        port=endpoint.port,
        username="app",
        password=run_context.secrets.text(group.users[0].passwords[0]),
        ssl=True,
        ssl_ca_certs=str(run_context.local_ca.certificate_file),
        decode_responses=True,
    )


def test_the_users_of_the_group_reach_both_endpoints_over_tls(run_context: RunContext, group: ReplicationGroup) -> None:
    async def main() -> None:
        async with running(run_context, group) as actor:
            for endpoint in (group.primary_endpoint, group.reader_endpoint):
                async with client(run_context, endpoint, group) as app:
                    await app.set("app:1", "one")
                    assert await app.get("app:1") == "one"
                    with pytest.raises(redis.exceptions.NoPermissionError):
                        await app.get("other:1")
            info = await actor.info()
            assert "maxmemory:400000000" in info
            assert "maxmemory_policy:allkeys-lru" in info
            child = run_context.children["Shop/Cache/cache-001"]
            password = run_context.secrets.text(group.users[0].passwords[0])
            process = psutil.Process(child.pid)
            assert password not in " ".join(process.cmdline())
            assert password not in process.environ().values()
        assert not run_context.children

    asyncio.run(main())


def test_a_node_that_dies_comes_back_at_the_same_endpoints(run_context: RunContext, group: ReplicationGroup) -> None:
    async def main() -> None:
        async with running(run_context, group):
            first = run_context.children["Shop/Cache/cache-001"]
            psutil.Process(first.pid).kill()
            async with asyncio.timeout(30):
                while True:
                    try:
                        async with client(run_context, group.primary_endpoint, group) as app:
                            assert await app.set("app:1", "again")
                        break
                    except (redis.ConnectionError, redis.TimeoutError):
                        await asyncio.sleep(0.05)
            assert run_context.children["Shop/Cache/cache-001"].pid != first.pid

    asyncio.run(main())


def test_a_request_the_node_refuses_is_the_users_to_solve(run_context: RunContext, group: ReplicationGroup) -> None:
    wrong = replace(group, users=(replace(group.users[0], access_string="on ~* +no-such-command"),))

    async def main() -> None:
        async with running(run_context, wrong):
            pass

    with pytest.raises(UserError, match=r"refused the request users: .*no-such-command"):
        asyncio.run(main())
    assert not run_context.children


def test_a_node_that_exits_at_its_start_shows_its_last_lines(
    run_context: RunContext, group: ReplicationGroup, tmp_path: Path
) -> None:
    script = tmp_path / "broken.py"
    script.write_text("import sys; print('no such profile'); sys.exit(2)")

    async def main() -> None:
        async with running(run_context, group, sys.executable, str(script)):
            pass

    with pytest.raises(UserError, match=r"exited with code 2 while starting; its last lines:\n  \| no such profile"):
        asyncio.run(main())


def test_a_node_that_hangs_is_unhealthy_until_it_answers_again(
    run_context: RunContext, group: ReplicationGroup, events: list[Event]
) -> None:
    async def main() -> None:
        async with running(run_context, group):
            pid = run_context.children["Shop/Cache/cache-001"].pid
            os.kill(pid, signal.SIGSTOP)
            try:
                await until(
                    lambda: ResourceState("Shop/Cache", "cache", "unhealthy", "does not answer within 2 s") in events
                )
            finally:
                os.kill(pid, signal.SIGCONT)
            await until(lambda: events[-1] == ResourceState("Shop/Cache", "cache", "ready", "answers again"))

    asyncio.run(main())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.05)
