"""What the patterns need of a cache of any kind: a user in its group, its endpoints, settings for a client."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct, IDependable

from cachetwin_cdk.access.access_string import AccessString
from cachetwin_cdk.access.users import IUser
from cachetwin_cdk.checks._validate import refuse
from cachetwin_cdk.engine.engine_version import Engine
from cachetwin_cdk.network._placement import warn_of_other_vpc
from cachetwin_cdk.network.endpoint import Endpoint
from cachetwin_cdk.replication_group._base import IReplicationGroup
from cachetwin_cdk.serverless._base import IServerlessCache

Cache = IReplicationGroup | IServerlessCache


@dataclass(frozen=True)
class UserPlace:
    """Where the user of a pattern is defined.

    A group lists the ids of its users, so the stack of a group needs its users: a user of an existing group is defined in
    the stack of the group, and the stack of the pattern depends on that one only.
    """

    scope: Construct
    prefix: str

    @classmethod
    def of(cls, pattern: Construct, cache: Cache | None) -> "UserPlace":
        """Within ``pattern``, or beside the group of the existing ``cache`` in another stack."""
        group = cache.user_group if cache is not None else None
        if group is None or cdk.Stack.of(group) is cdk.Stack.of(pattern):
            return cls(pattern, "")
        return cls(group, cdk.Names.unique_resource_name(pattern, max_length=100))

    @property
    def is_elsewhere(self) -> bool:
        """Whether this is another stack than the pattern's."""
        return self.prefix != ""

    def construct_id(self, name: str) -> str:
        """The id of a construct there."""
        return f"{self.prefix}{name}"

    def key(self, data_key: kms.IKey | None) -> kms.IKey | None:
        """The key for the secrets of users there: that of the pattern, or one like it in the stack of the group."""
        if data_key is None or not self.is_elsewhere:
            return data_key
        construct_id = self.construct_id("SecretKey")
        key = kms.Key(
            self.scope,
            construct_id,
            description=f"Encrypts the secrets of {self.prefix}",
            enable_key_rotation=True,
        )
        _allow_readers_of_secrets(key)
        # As an imported key: a grant would name roles of the pattern's stack in the policy, which closes the circle.
        return kms.Key.from_key_arn(self.scope, f"{construct_id}Arn", key.key_arn)


def _allow_readers_of_secrets(key: kms.Key) -> None:
    """Let principals of the account use the key through Secrets Manager, as AWS's own key for secrets does."""
    stack = cdk.Stack.of(key)
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.AnyPrincipal()],
            actions=["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            resources=["*"],
            conditions={
                "StringEquals": {
                    "kms:CallerAccount": stack.account,
                    "kms:ViaService": f"secretsmanager.{stack.region}.amazonaws.com",
                }
            },
        )
    )


def require_usable(
    scope: Construct, cache: Cache | None, vpc: ec2.IVpc | None, access: AccessString | None = None
) -> None:
    """Raise ValidationError for a cache on the internet, to which a pattern opens no way, and for a user that is off.

    A cache in another VPC is warned of.
    """
    if isinstance(cache, IServerlessCache) and cache.is_public:
        refuse(
            "cache",
            "be in a VPC",
            f"{cache.node.path} with a public endpoint",
            "make it with connection_type VPC, or leave it out",
        )
    require_switched_on("cache_access", access)
    if cache is not None and vpc is not None:
        warn_of_other_vpc(scope, vpc, cache._vpc)


def require_switched_on(name: str, access: AccessString | None) -> None:
    """Raise ValidationError for the rules of a user that cannot log in."""
    if access is not None and access.switch == "off":
        refuse(name, "be of a user that is on", access, "begin it with on")


def add_user_to(cache: Cache, user: IUser) -> IDependable | None:
    """Add ``user`` to the user group of an existing cache; returns what has to be deployed before it can log in.

    Raises ValidationError when this app neither defines the group nor may change it.
    """
    group = cache.user_group
    if group is None:
        refuse(
            "cache",
            "have a user group",
            "none",
            "pass a cache with users, import it with its user_group, or let the pattern make the cache",
        )
    return group.add_user(user)


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
