"""What the patterns need of a cache of any kind: a user in its group, its endpoints, settings for a client."""

from cachetwin_cdk.access.user_group import UserGroup
from cachetwin_cdk.access.users import IUser
from cachetwin_cdk.checks._validate import refuse
from cachetwin_cdk.engine.engine_version import Engine
from cachetwin_cdk.network.endpoint import Endpoint
from cachetwin_cdk.replication_group._base import IReplicationGroup
from cachetwin_cdk.serverless._base import IServerlessCache

Cache = IReplicationGroup | IServerlessCache


def add_user_to(cache: Cache, user: IUser) -> None:
    """Add ``user`` to the user group of an existing cache.

    Raises ValidationError when this app does not define the group, and so cannot add to it.
    """
    group = cache.user_group
    if not isinstance(group, UserGroup):
        refuse(
            "cache",
            "have a user group that this app makes",
            "one that is imported" if group is not None else "none",
            "pass the cache's own construct, with a UserGroup, or let the pattern make the cache",
        )
    group.add_user(user)


def endpoints(cache: Cache) -> tuple[Endpoint, Endpoint]:
    """The endpoint for writes and the one for reads from replicas.

    They are the same for a cluster, and for an imported cache without a known reader endpoint.
    """
    if isinstance(cache, IServerlessCache):
        return cache.endpoint, cache._reader_endpoint or cache.endpoint
    if is_clustered(cache):
        return cache.configuration_endpoint, cache.configuration_endpoint
    return cache.primary_endpoint, cache._reader_endpoint or cache.primary_endpoint


def is_clustered(cache: Cache) -> bool:
    """Whether clients need the cluster protocol, because keys are spread over shards."""
    return isinstance(cache, IReplicationGroup) and cache._primary_endpoint is None


def engine_of(cache: Cache | None) -> Engine:
    """The engine for a new user of the cache: a Redis user group accepts Redis users only."""
    return cache.user_group.engine if cache is not None and cache.user_group is not None else Engine.VALKEY


def connection_commands(engine: Engine) -> tuple[str, ...]:
    """Commands that clients send when they connect, and to keep the connection open; Redis 7.1 has no CLIENT SETINFO."""
    return ("ping", "client|setname") if engine is Engine.REDIS else ("ping", "client|setinfo", "client|setname")


def name_of(cache: Cache) -> str:
    """The name that an IAM token for this cache is signed for."""
    return cache.serverless_cache_name if isinstance(cache, IServerlessCache) else cache.replication_group_id


def iam_environment(cache: Cache, user: IUser) -> dict[str, str]:
    """The environment variables with which a client logs in with IAM.

    ``CACHE_HOST``, ``CACHE_PORT``, ``CACHE_TLS``, ``CACHE_USER``, ``CACHE_NAME`` (which the token is signed for) and
    ``CACHE_KIND``: ``serverless``, ``replication-group`` or ``cluster``. Tokens for a serverless cache are signed
    differently; a cluster needs a client that supports the cluster protocol.
    """
    endpoint, _ = endpoints(cache)
    kind = "serverless" if isinstance(cache, IServerlessCache) else "replication-group"
    return {
        "CACHE_HOST": endpoint.hostname,
        "CACHE_PORT": endpoint.port_text,
        "CACHE_TLS": "true",
        "CACHE_USER": user.user_name,
        "CACHE_NAME": name_of(cache),
        "CACHE_KIND": "cluster" if is_clustered(cache) else kind,
    }
