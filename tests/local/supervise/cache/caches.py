"""Replication groups that run in a test, and clients of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from cachetwin_local.supervise.cache.cache import CacheActor
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import (
    CacheNode,
    CacheUser,
    Endpoint,
    GenerateSecretString,
    Identity,
    NodeGroup,
    ReplicationGroup,
    Secret,
    SecretRef,
    ShardPattern,
)

PASSWORD = GenerateSecretString(password_length=40, exclude_punctuation=True)
KEY = "Shop/Cache"


def replication_group(address: str, nodes: int, *, automatic_failover: bool = True) -> ReplicationGroup:
    """A group with TLS and a password user; every endpoint has a port of its own."""
    arn = "arn:aws:elasticache:us-east-1:000000000000:replicationgroup:cache"
    names = ("master.cache.abc123.use1.cache.amazonaws.com",)
    return ReplicationGroup(
        identity=Identity("Shop", "Cache", "AWS::ElastiCache::ReplicationGroup", "Shop/Cache", "cache", arn),
        engine="valkey",
        engine_version="8.1",
        profile="valkey-8.1",
        primary_endpoint=Endpoint(address, 6379, 6379, "required", names),
        reader_endpoint=Endpoint(address, 6380, 6380, "required"),
        nodes=tuple(cache_node(address, number) for number in range(1, nodes + 1)),
        parameters={"maxmemory-policy": "allkeys-lru"},
        users=(
            CacheUser("app", "app", "on ~app:* +@all", "password", ((SecretRef(secret().identity.arn),),)),
            CacheUser("default", "default", "off ~* +@all", "password"),
        ),
        user_group_ids=("group",),
        auth_token=None,
        log_delivery=(),
        security_groups=(),
        automatic_failover=automatic_failover,
        multi_az=automatic_failover,
    )


def cache_node(address: str, number: int) -> CacheNode:
    """The node of this number, counted from 1."""
    return CacheNode(
        f"cache-{number:03}",
        "primary" if number == 1 else "replica",
        f"us-east-1{'abc'[(number - 1) % 3]}",
        "cache.t4g.micro",
        400_000_000,
        Endpoint(address, 6380 + number, 6380 + number, "required"),
    )


def cluster(address: str, shards: int, replicas: int) -> ReplicationGroup:
    """A group in cluster mode, with the same users and slots in equal parts."""
    base = replication_group(address, 1)
    nodes, groups, size = [], [], 16384 // shards
    for at in range(shards):
        shard = f"{at + 1:04}"
        last = 16383 if at == shards - 1 else (at + 1) * size - 1
        groups.append(NodeGroup(shard, ((at * size, last),)))
        for number in range(1, replicas + 2):
            node = cache_node(address, at * (replicas + 1) + number)
            member_id = f"cache-{shard}-{number:03}"
            nodes.append(replace(node, member_id=member_id, shard=shard, role="primary" if number == 1 else "replica"))
    return replace(
        base,
        primary_endpoint=None,
        reader_endpoint=None,
        configuration_endpoint=Endpoint(address, 6379, 6379, "required"),
        nodes=tuple(nodes),
        node_groups=tuple(groups),
        cluster_mode="enabled",
        shard_pattern=ShardPattern(address, KEY, "per-endpoint", "{member}.cache.abc123.use1.cache.amazonaws.com"),
        users=(replace(base.users[0], access_string="on ~* &* +@all"), base.users[1]),
    )


def secret() -> Secret:
    """The secret of the group's user."""
    identity = Identity(
        "Shop", "Password", "AWS::SecretsManager::Secret", "Shop/Password", "password", "arn:aws:test:::Password"
    )
    return Secret(identity, "password", PASSWORD, None)


@asynccontextmanager
async def running(run_context: RunContext, group: ReplicationGroup, *program: str) -> AsyncIterator[CacheActor]:
    """The group, from its start to its end."""
    run_context.secrets.provision([secret()])
    actor = CacheActor(run_context, group, program or None)
    try:
        actor.open()
        await actor.prepare()
        await actor.start()
        yield actor
    finally:
        await actor.stop()


def client(run_context: RunContext, endpoint: Endpoint | None, group: ReplicationGroup) -> redis.asyncio.Redis:
    """A client of an endpoint: redis-py, as the group's user, with the certificate checked."""
    assert endpoint is not None
    return redis.asyncio.Redis(
        host=endpoint.address,
        port=endpoint.port,
        username="app",
        password=run_context.secrets.text(group.users[0].passwords[0]),
        ssl=True,
        ssl_ca_certs=str(run_context.local_ca.certificate_file),
        decode_responses=True,
        socket_timeout=5,
        retry=Retry(NoBackoff(), 0),
    )


def cluster_client(run_context: RunContext, group: ReplicationGroup) -> redis.asyncio.RedisCluster:
    """A cluster client that knows the configuration endpoint alone, with TLS verified."""
    return redis.asyncio.RedisCluster(
        host=group.endpoint.address,
        port=group.endpoint.port,
        username="app",
        password=run_context.secrets.text(group.users[0].passwords[0]),
        ssl=True,
        ssl_ca_certs=str(run_context.local_ca.certificate_file),
        decode_responses=True,
        socket_timeout=5,
    )


async def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Return when `condition` holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)
