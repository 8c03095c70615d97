"""The clients of a fault run: four libraries' ways to reach a cache, each with the same few methods.

Password users with redis-py, IAM users with redis-py, valkey-py and valkey-glide. The tokens of the first two come from
botocore, as in AWS's examples; glide signs its own.
"""

import time
from typing import Any, Final

import glide
import redis
import redis.asyncio
import valkey
import valkey.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from tests.engine.tokens import presigned
from valkey.asyncio.retry import Retry as ValkeyRetry
from valkey.backoff import NoBackoff as ValkeyNoBackoff

from cachetwin_local.identity.credentials import Credentials
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import ReplicationGroup

__all__ = ["ERRORS", "IAM_USER", "KINDS", "GlideClient", "PipelineClient", "client_of", "connect"]

IAM_USER: Final = "sessions"
ERRORS: Final = (
    redis.RedisError,
    redis.exceptions.RedisClusterException,
    valkey.ValkeyError,
    valkey.exceptions.ValkeyClusterException,
    glide.GlideError,
    OSError,
    AttributeError,  # redis-py 8 and valkey-py count commands of a node that they have forgotten
)
KINDS: Final = ("redis-py, password", "redis-py, IAM", "valkey-py, IAM", "valkey-glide, IAM")


class Tokens(redis.CredentialProvider, valkey.CredentialProvider):
    """A new token for each connection."""

    def __init__(self, credentials: Credentials, cache: str) -> None:
        self._keys = (credentials.access_key_id, credentials.secret_access_key, credentials.session_token)
        self._cache = cache

    def get_credentials(self) -> tuple[str, str]:
        """User and token."""
        now_ms = int(time.time() * 1000)
        return IAM_USER, presigned(self._cache, IAM_USER, now_ms=now_ms, credentials=self._keys)

    async def get_credentials_async(self) -> tuple[str, str]:
        """The same for clients of asyncio."""
        return self.get_credentials()


class PipelineClient:
    """A client of redis-py or valkey-py."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401  (of two libraries, with and without cluster)
        self._client = client

    async def append(self, key: str, number: int) -> None:
        """Append to a list."""
        await self._client.rpush(key, number)

    async def append_protected(self, key: str, number: int) -> bool:
        """Append and WAIT on the same connection; whether a replica has it."""
        async with self._client.pipeline(transaction=False) as pipeline:
            pipeline.rpush(key, number)
            pipeline.wait(1, 1000)
            pushed, replicas = await pipeline.execute(raise_on_error=False)
        if isinstance(pushed, Exception):
            raise pushed
        return isinstance(replicas, int) and replicas >= 1

    async def entries(self, key: str) -> set[int]:
        """What a list holds."""
        return {int(entry) for entry in await self._client.lrange(key, 0, -1)}

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()


class GlideClient:
    """A client of valkey-glide. It multiplexes one connection, so WAIT follows the write in a batch."""

    def __init__(self, client: Any, *, is_cluster: bool) -> None:  # noqa: ANN401  (two kinds of clients)
        self._client = client
        self._is_cluster = is_cluster

    async def append(self, key: str, number: int) -> None:
        """Append to a list."""
        await self._client.rpush(key, [str(number)])

    async def append_protected(self, key: str, number: int) -> bool:
        """Append and WAIT on the same connection; whether a replica has it."""
        batch: Any = glide.ClusterBatch(is_atomic=False) if self._is_cluster else glide.Batch(is_atomic=False)
        batch.rpush(key, [str(number)])
        if self._is_cluster:  # the route of a batch's WAIT is not that of its write
            await self._client.exec(batch, raise_on_error=True)
            return False
        batch.wait(1, 1000)
        _pushed, replicas = await self._client.exec(batch, raise_on_error=True)
        return isinstance(replicas, int) and replicas >= 1

    async def entries(self, key: str) -> set[int]:
        """What a list holds."""
        return {int(entry) for entry in await self._client.lrange(key, 0, -1)}

    async def close(self) -> None:
        """Hang up."""
        await self._client.close()


async def connect(
    kind: str, run_context: RunContext, group: ReplicationGroup, credentials: Credentials
) -> PipelineClient | GlideClient:
    """A client of `kind`, with TLS and the certificate checked."""
    is_cluster = group.cluster_mode == "enabled"
    if kind == "valkey-glide, IAM":
        return await _glide(run_context, group, credentials, is_cluster=is_cluster)
    if kind == "redis-py, password":
        return PipelineClient(client_of(run_context, group))
    options = {
        **_options(run_context, group),
        "credential_provider": Tokens(credentials, group.identity.physical_name),
    }
    if kind == "valkey-py, IAM":
        if is_cluster:
            return PipelineClient(valkey.asyncio.ValkeyCluster(**options))
        return PipelineClient(valkey.asyncio.Valkey(**options, retry=ValkeyRetry(ValkeyNoBackoff(), 0)))
    return PipelineClient(_redis_py(group, options))


def client_of(run_context: RunContext, group: ReplicationGroup) -> Any:  # noqa: ANN401  (two kinds of clients)
    """A client of redis-py with the group's password: of its cluster, or of its primary endpoint."""
    password = run_context.secrets.text(group.users[0].passwords[0])
    return _redis_py(group, {**_options(run_context, group), "username": "app", "password": password})


def _redis_py(group: ReplicationGroup, options: dict[str, Any]) -> Any:  # noqa: ANN401  (two kinds of clients)
    if group.cluster_mode == "enabled":
        return redis.asyncio.RedisCluster(**options)
    return redis.asyncio.Redis(**options, retry=Retry(NoBackoff(), 0))


def _options(run_context: RunContext, group: ReplicationGroup) -> dict[str, Any]:
    return {
        "host": group.endpoint.address,
        "port": group.endpoint.port,
        "ssl": True,
        "ssl_ca_certs": str(run_context.local_ca.certificate_file),
        "socket_timeout": 5,
    }


async def _glide(
    run_context: RunContext, group: ReplicationGroup, credentials: Credentials, *, is_cluster: bool
) -> GlideClient:
    glide.Logger.set_logger_config(glide.LogLevel.OFF)  # each fault breaks connections, which it would tell
    keys = glide.AwsCredentials(
        credentials.access_key_id, credentials.secret_access_key, session_token=credentials.session_token
    )
    iam = glide.IamAuthConfig(
        group.identity.physical_name,
        glide.ServiceType.ELASTICACHE,
        group.identity.region,
        credential_provider=lambda: keys,
    )
    tls = glide.TlsAdvancedConfiguration(root_pem_cacerts=run_context.local_ca.certificate_file.read_bytes())
    options: dict[str, Any] = {
        "addresses": [glide.NodeAddress(group.endpoint.address, group.endpoint.port)],
        "use_tls": True,
        "credentials": glide.ServerCredentials(username=IAM_USER, iam_config=iam),
        "request_timeout": 2000,
    }
    if is_cluster:
        advanced = glide.AdvancedGlideClusterClientConfiguration(tls_config=tls)
        cluster = await glide.GlideClusterClient.create(
            glide.GlideClusterClientConfiguration(**options, advanced_config=advanced)
        )
        return GlideClient(cluster, is_cluster=True)
    single = await glide.GlideClient.create(
        glide.GlideClientConfiguration(
            **options, advanced_config=glide.AdvancedGlideClientConfiguration(tls_config=tls)
        )
    )
    return GlideClient(single, is_cluster=False)
