"""The cache of a pattern, whatever its kind: who may join it, and what a client has to be told."""

from cachetwin_cdk.access.user_group import UserGroup
from cachetwin_cdk.access.users import IUser
from cachetwin_cdk.checks._validate import refuse
from cachetwin_cdk.engine.engine_version import Engine
from cachetwin_cdk.network.endpoint import Endpoint
from cachetwin_cdk.replication_group._base import IReplicationGroup
from cachetwin_cdk.serverless._base import IServerlessCache

Cache = IReplicationGroup | IServerlessCache


def admit(cache: Cache, user: IUser) -> None:
    """Let ``user`` log in to a cache that exists, through its user group.

    Raises ValidationError when the group is not made in this app: only the app that makes it can grow it.
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
    """Where to write, and where to read what may lag behind.

    A cluster has one endpoint for both. Of an imported cache, the reader's is the writer's unless it was given.
    """
    if isinstance(cache, IServerlessCache):
        return cache.endpoint, cache._reader_endpoint or cache.endpoint
    if is_clustered(cache):
        return cache.configuration_endpoint, cache.configuration_endpoint
    return cache.primary_endpoint, cache._reader_endpoint or cache.primary_endpoint


def is_clustered(cache: Cache) -> bool:
    """Whether keys live in more than one node, so that a client has to follow the slots."""
    return isinstance(cache, IReplicationGroup) and cache._primary_endpoint is None


def engine_of(cache: Cache | None) -> Engine:
    """The engine that a new user of the cache is made for: a Redis group takes Redis users only."""
    return cache.user_group.engine if cache is not None and cache.user_group is not None else Engine.VALKEY


def name_of(cache: Cache) -> str:
    """The name that an IAM token for this cache is signed for."""
    return cache.serverless_cache_name if isinstance(cache, IServerlessCache) else cache.replication_group_id


def iam_environment(cache: Cache, user: IUser) -> dict[str, str]:
    """What a client needs to log in with IAM.

    ``CACHE_HOST``, ``CACHE_PORT``, ``CACHE_TLS``, ``CACHE_USER``, ``CACHE_NAME`` and ``CACHE_KIND``, which is
    ``serverless``, ``replication-group`` or ``cluster``: the first is part of what a token signs, the last wants a
    client that follows slots.
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
