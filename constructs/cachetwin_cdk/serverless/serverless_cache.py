"""Serverless caches, whose capacity follows the load within limits."""

from collections.abc import Sequence
from enum import StrEnum

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_kms as kms
from aws_cdk.interfaces import aws_elasticache as refs
from constructs import Construct

from cachetwin_cdk.access.user_group import IUserGroup, create_user_group
from cachetwin_cdk.access.users import IUser, PasswordUser, User
from cachetwin_cdk.checks._names import generated_id, require_id
from cachetwin_cdk.checks._places import require_region, require_security_groups
from cachetwin_cdk.checks._retention import keep_with, warn_destroyed_key
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import (
    ValidationError,
    WarningId,
    known,
    known_elements,
    refuse,
    require_at_most_one,
    require_between,
    require_match,
    validate_at_synth,
    warn,
)
from cachetwin_cdk.compliance import Compliance, retain_unless_destroyed
from cachetwin_cdk.engine._offers import warn_newer_version
from cachetwin_cdk.engine.engine_version import Engine
from cachetwin_cdk.engine.serverless_engine import ServerlessEngine
from cachetwin_cdk.network._placement import chosen_subnets, closed_security_group, warn_public_subnets
from cachetwin_cdk.network.endpoint import Endpoint
from cachetwin_cdk.network.network import NetworkType, require_addresses
from cachetwin_cdk.operations._rotating import Rotating
from cachetwin_cdk.replication_group._backups import RETENTION_MAX_DAYS, warn_no_backups

from ._base import ImportedServerlessCache, IServerlessCache, ServerlessCacheBase, connections_of
from .limits import UsageLimits as UsageLimits  # noqa: PLC0414  (it is imported from here, too)

_SUBNETS_MAX = 3


class ConnectionType(StrEnum):
    """Where the endpoint of a serverless cache is."""

    VPC = "vpc"
    PUBLIC = "public"


@checked_arguments
class ServerlessCache(Rotating, ServerlessCacheBase):
    """A Valkey cache without nodes to manage: always encrypted, in several zones, for its users only.

    Defines one AWS::ElastiCache::ServerlessCache and, unless given, its security group and its user group with one
    user whose password is generated (``user``). TLS and encryption at rest cannot be turned off.

    Args:
        vpc: The VPC that the cache is in. Required, except with ``connection_type=PUBLIC``. Changing it replaces
            the cache.
        vpc_subnets: Which subnets of the VPC the endpoints are in: two or three, in different availability zones.
            By default the isolated subnets, or the private ones if there are none. Changing it replaces the cache.
        security_groups: The security groups of the cache. By default one is created that allows no connection; open
            it with ``connections``.
        engine: Engine and major version. ElastiCache chooses the minor version and upgrades it.
        users: The users that may log in. By default one PasswordUser is created that may use all data commands.
            Memcached has no users.
        user_group: An existing user group, in place of ``users``.
        usage_limits: Limits of storage and processing. By default there are none below the quotas of the service;
            set maxima where strangers can cause load.
        kms_key: The KMS key that encrypts the data at rest. By default a key that AWS owns, or a new rotating key
            with ``compliance=REGULATED``. Changing it replaces the cache.
        compliance: The rules that the cache follows. REGULATED keeps backups for 15 days, encrypts data with a new
            rotating key, creates a user that logs in with IAM, and refuses a public endpoint. The key replaces an
            existing cache.
        connection_type: Where the endpoint is: in the VPC by default, or public on the internet, which needs Valkey
            9 and IAM users. Changing it replaces the cache.
        network_type: The IP versions of the endpoint: IPv4, IPv6 or both. By default ElastiCache uses IPv4.
            Changing it replaces the cache.
        snapshot_retention_days: How many days daily snapshots are kept, 0 to 35. By default 7, or 15 with
            ``compliance=REGULATED``; 0 takes none.
        daily_snapshot_time: When the daily snapshot starts, in UTC, written ``03:00``. By default ElastiCache
            chooses a time.
        snapshot_arns_to_restore: Snapshots of ElastiCache, or RDB files in S3, to restore when the cache is
            created. By default the cache starts empty. Changing it replaces the cache.
        serverless_cache_name: The name of the cache. By default it is derived from the path of the construct.
            Changing it replaces the cache.
        description: A text for the console, of at most 255 characters. By default there is none.
        final_snapshot_name: The name of the final snapshot that ``removal_policy=SNAPSHOT`` takes. By default the
            name of the cache and ``-final``.
        removal_policy: What happens when the cache is removed from the stack or replaced. By default a final
            snapshot is taken.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        engine: ServerlessEngine = ServerlessEngine.VALKEY_8,
        users: Sequence[IUser] | None = None,
        user_group: IUserGroup | None = None,
        usage_limits: UsageLimits | None = None,
        kms_key: kms.IKey | None = None,
        compliance: Compliance = Compliance.STANDARD,
        connection_type: ConnectionType = ConnectionType.VPC,
        network_type: NetworkType | None = None,
        snapshot_retention_days: int | None = None,
        daily_snapshot_time: str | None = None,
        snapshot_arns_to_restore: Sequence[str] | None = None,
        serverless_cache_name: str | None = None,
        description: str | None = None,
        final_snapshot_name: str | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.SNAPSHOT,
    ) -> None:
        has_users = engine.engine is not Engine.MEMCACHED
        is_public = connection_type is ConnectionType.PUBLIC
        require_at_most_one(user_group=(user_group, "users", users))
        if not has_users and (users is not None or user_group is not None):
            refuse("users", "be left out for Memcached", engine, "guard it by security groups")
        _require_reach(engine, is_public=is_public, vpc=vpc, vpc_subnets=vpc_subnets, security_groups=security_groups)
        _require_texts(serverless_cache_name, description)
        _require_restore(snapshot_arns_to_restore or ())
        _require_final(final_snapshot_name, removal_policy)
        retention_days = compliance.retention_days if snapshot_retention_days is None else snapshot_retention_days
        _require_backups(retention_days, daily_snapshot_time)
        compliance.require_backups(retention_days)
        if compliance.is_regulated and is_public:
            refuse(
                "connection_type", "be VPC with compliance REGULATED", connection_type, "leave it out, and give a vpc"
            )
        limits = usage_limits or UsageLimits()
        limits.validate()
        if vpc is not None:
            require_security_groups(vpc, security_groups or ())
        require_region("vpc", scope, vpc)
        require_region("user_group", scope, user_group)
        require_region("kms_key", scope, kms_key)
        super().__init__(scope, construct_id)
        self.engine, self.compliance = engine, compliance
        self.usage_limits = limits
        if engine.is_unconfirmed:
            warn_newer_version(self, engine)
        warn_no_backups(self, retention_days)
        warn_destroyed_key(self, kms_key, removal_policy)
        self._user: PasswordUser | None = None
        self.user_group: IUserGroup | None = None
        if has_users:
            self.user_group, self._user = create_user_group(
                self, engine.newest_version, user_group, users, with_iam=compliance.is_regulated or is_public
            )
            group = self.user_group
            _require_users(engine, group, is_public=is_public)
            # Users may be added to the group later.
            validate_at_synth(self, lambda: _require_users(engine, group, is_public=is_public))
        else:
            compliance.warn_unmet(self, "users", "Memcached has none: choose Valkey for data that need them")
        data_key = compliance.data_key(self, kms_key, retain_unless_destroyed(removal_policy))
        groups = list(security_groups or ())
        if vpc is not None and not groups:
            groups = [closed_security_group(self, vpc)]
        self._connections = connections_of(engine.engine, groups)
        name = serverless_cache_name or generated_id(
            self,
            [subnet.subnet_id for subnet in chosen_subnets(vpc, vpc_subnets)] if vpc and vpc_subnets else None,
            data_key.key_arn if data_key is not None else None,
            connection_type.value if is_public else None,
            network_type.value if network_type is not None else None,
            list(snapshot_arns_to_restore) if snapshot_arns_to_restore else None,
        )
        name = name.lower() if known(name) else name
        resource = elasticache.CfnServerlessCache(
            self,
            "Resource",
            serverless_cache_name=name,
            description=description,
            engine=engine.engine.value,
            major_engine_version=engine.major_version,
            cache_usage_limits=limits.render(),
            connection_type=connection_type.value if is_public else None,
            network_type=network_type.value if network_type is not None else None,
            subnet_ids=self._subnet_ids(vpc, vpc_subnets, network_type) if vpc is not None else None,
            security_group_ids=[group.security_group_id for group in groups] or None,
            user_group_id=self.user_group.user_group_id if self.user_group is not None else None,
            kms_key_id=data_key.key_arn if data_key is not None else None,
            snapshot_retention_limit=retention_days,
            daily_snapshot_time=daily_snapshot_time,
            snapshot_arns_to_restore=list(snapshot_arns_to_restore) if snapshot_arns_to_restore else None,
            final_snapshot_name=(final_snapshot_name or f"{name}-final")
            if removal_policy is cdk.RemovalPolicy.SNAPSHOT
            else None,
        )
        keep_with(removal_policy, *groups)
        if self.user_group is not None:
            self.user_group._keep(removal_policy)
        # The service takes the last snapshot itself; CloudFormation's own Snapshot policy does not know this type.
        resource.apply_removal_policy(
            cdk.RemovalPolicy.DESTROY if removal_policy is cdk.RemovalPolicy.SNAPSHOT else removal_policy
        )
        if is_public or network_type is not None:
            cdk.Validations.of(resource).acknowledge(
                cdk.Acknowledgment(
                    id="CloudFormation-Validate::F3002",
                    reason="The schema that CDK checks against is older than ConnectionType and NetworkType, which "
                    "CfnServerlessCache has.",
                )
            )
        self.serverless_cache_name = resource.ref
        self._endpoint = Endpoint(resource.attr_endpoint_address, cdk.Token.as_number(resource.attr_endpoint_port))
        self._reader_endpoint = Endpoint(
            resource.attr_reader_endpoint_address, cdk.Token.as_number(resource.attr_reader_endpoint_port)
        )

    @property
    def user(self) -> PasswordUser:
        """The user that was made because none was given. Raises ValidationError when none was."""
        if self._user is None:
            raise ValidationError(
                "user must be asked of a cache that made one, got one with other users or without a password; use the "
                "users that you gave it, or user_group.users"
            )
        return self._user

    @classmethod
    def from_serverless_cache_attributes(
        cls,
        scope: Construct,
        construct_id: str,
        *,
        serverless_cache_name: str,
        engine: Engine = Engine.VALKEY,
        endpoint_address: str | None = None,
        reader_endpoint_address: str | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] = (),
        user_group: IUserGroup | None = None,
    ) -> IServerlessCache:
        """A serverless cache that exists already.

        Members that depend on an argument left out raise ValidationError."""
        return ImportedServerlessCache(
            scope,
            construct_id,
            serverless_cache_name=serverless_cache_name.lower()
            if known(serverless_cache_name)
            else serverless_cache_name,
            engine=engine,
            endpoint_address=endpoint_address,
            reader_endpoint_address=reader_endpoint_address,
            security_groups=security_groups,
            user_group=user_group,
        )

    @classmethod
    def from_serverless_cache_ref(
        cls,
        scope: Construct,
        construct_id: str,
        resource: refs.IServerlessCacheRef,
        *,
        engine: Engine = Engine.VALKEY,
        security_groups: Sequence[ec2.ISecurityGroup] = (),
        user_group: IUserGroup | None = None,
    ) -> IServerlessCache:
        """Whatever is a serverless cache to aws-cdk-lib, such as the ServerlessCache of its alpha module."""
        own = resource if isinstance(resource, elasticache.CfnServerlessCache) else None
        return cls.from_serverless_cache_attributes(
            scope,
            construct_id,
            serverless_cache_name=resource.serverless_cache_ref.serverless_cache_name,
            engine=engine,
            endpoint_address=own.attr_endpoint_address if own is not None else None,
            reader_endpoint_address=own.attr_reader_endpoint_address if own is not None else None,
            security_groups=security_groups,
            user_group=user_group,
        )

    def _subnet_ids(
        self, vpc: ec2.IVpc, vpc_subnets: ec2.SubnetSelection | None, network_type: NetworkType | None
    ) -> list[str]:
        subnets = chosen_subnets(vpc, vpc_subnets)
        if not subnets:
            refuse("vpc_subnets", "select at least one subnet", [], "select subnets the VPC has")
        require_addresses(self, network_type, subnets)
        warn_public_subnets(self, vpc, subnets)
        zones = [subnet.availability_zone for subnet in subnets]
        if known(*zones) and (len(set(zones)) < len(zones) or not 2 <= len(zones) <= _SUBNETS_MAX):
            warn(
                self,
                WarningId.SERVERLESS_SUBNETS,
                f"vpc_subnets should be two or three subnets in different availability zones, got {', '.join(zones)}; "
                "select one subnet per zone",
            )
        return [subnet.subnet_id for subnet in subnets]


def _require_reach(
    engine: ServerlessEngine,
    *,
    is_public: bool,
    vpc: ec2.IVpc | None,
    vpc_subnets: ec2.SubnetSelection | None,
    security_groups: Sequence[ec2.ISecurityGroup] | None,
) -> None:
    if not is_public:
        if vpc is None:
            refuse("vpc", "be given", vpc, "pass the VPC whose clients use the cache")
        return
    if vpc is not None or vpc_subnets is not None or security_groups is not None:
        raise ValidationError(
            "vpc, vpc_subnets and security_groups must be left out with connection_type PUBLIC, got one of them; a public "
            "cache is in no VPC"
        )
    if not engine.is_valkey_from(9):
        refuse("engine", "be Valkey 9 or newer with connection_type PUBLIC", engine, "use ServerlessEngine.VALKEY_9")


def _require_users(engine: ServerlessEngine, user_group: IUserGroup, *, is_public: bool) -> None:
    if engine.engine is Engine.REDIS and user_group.engine is not Engine.REDIS:
        refuse(
            "user_group",
            "be a Redis group for a Redis cache",
            user_group.engine,
            "make the UserGroup and its users with engine=Engine.REDIS",
        )
    for user in user_group.users:
        if isinstance(user, User):
            user.access_string.validate(engine.newest_version)
    others = [user.user_name for user in user_group.users if not user.connects_with_iam]
    if is_public and others:
        refuse("users", "all use IAM with connection_type PUBLIC", ", ".join(others), "make each an IamUser")


def _require_texts(name: str | None, description: str | None) -> None:
    require_id("serverless_cache_name", name)
    require_match(
        "description",
        description,
        r"[^<>]{0,255}",
        "hold at most 255 characters, none of them < or >",
        remedy="shorten or reword it",
    )


def _require_restore(arns: Sequence[str]) -> None:
    for arn in known_elements(arns):
        require_match(
            "snapshot_arns_to_restore",
            arn,
            r"arn:aws[a-z-]*:(s3:::[^,]+/[^,]+|elasticache:[^,]+:(serverlesscache)?snapshot:[^,]+)",
            "name snapshots of ElastiCache or RDB files in S3, without a comma",
            remedy="write one entry per snapshot or file",
        )


def _require_final(name: str | None, removal_policy: cdk.RemovalPolicy) -> None:
    require_match(
        "final_snapshot_name",
        name,
        r"[a-z][a-z0-9]*(-[a-z0-9]+)*",
        "be lower case: a letter, then letters, digits and single hyphens between them",
        remedy="choose such a name",
    )
    if name is not None and removal_policy is not cdk.RemovalPolicy.SNAPSHOT:
        refuse(
            "final_snapshot_name",
            f"be left out with removal_policy {removal_policy.name}, which takes no snapshot",
            name,
            "leave removal_policy out, or the name",
        )


def _require_backups(retention_days: int, daily_snapshot_time: str | None) -> None:
    require_between("snapshot_retention_days", retention_days, 0, RETENTION_MAX_DAYS, unit="days")
    require_match(
        "daily_snapshot_time",
        daily_snapshot_time,
        r"([01]\d|2[0-3]):[0-5]\d",
        "be written hh:mm, in UTC",
        remedy="write it as 03:00",
    )
    if daily_snapshot_time is not None and retention_days == 0:
        raise ValidationError(
            "daily_snapshot_time must be left out when snapshot_retention_days is 0, got both; set a retention or remove "
            "the time"
        )
