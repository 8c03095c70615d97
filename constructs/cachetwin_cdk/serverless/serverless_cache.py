"""Serverless caches, whose capacity follows the load within limits."""

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_kms as kms
from aws_cdk.interfaces import aws_elasticache as refs
from constructs import Construct

from cachetwin_cdk.access._created_group import create_user_group
from cachetwin_cdk.access.access import Access
from cachetwin_cdk.access.user_group import IUserGroup
from cachetwin_cdk.access.users import PasswordUser, User
from cachetwin_cdk.checks._claims import claim_name
from cachetwin_cdk.checks._names import SNAPSHOT_NAME_LENGTH_MAX, generated_id, require_existing_id, require_id
from cachetwin_cdk.checks._places import require_region
from cachetwin_cdk.checks._retention import keep_with, warn_destroyed_key
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import ValidationError, known, refuse, require_match, validate_at_synth
from cachetwin_cdk.compliance import Compliance, retain_unless_destroyed
from cachetwin_cdk.engine._offers import warn_newer_version
from cachetwin_cdk.engine.engine_version import Engine
from cachetwin_cdk.engine.serverless_engine import ServerlessEngine
from cachetwin_cdk.network._placement import groups_of, l1_of
from cachetwin_cdk.network.endpoint import Endpoint
from cachetwin_cdk.network.network import NetworkType
from cachetwin_cdk.operations._rotating import Rotating
from cachetwin_cdk.operations.backups import Backups, RestoreFrom
from cachetwin_cdk.replication_group._authentication import warn_unauthenticated

from ._base import ImportedServerlessCache, IServerlessCache, ServerlessCacheBase, connections_of
from .limits import UsageLimits as UsageLimits  # noqa: PLC0414  (it is imported from here, too)
from .reach import ConnectionType, Reach, acknowledge_schema


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
        access: How clients log in: ``Access.users()``, ``Access.user_group()`` or ``Access.unauthenticated()``. By
            default one PasswordUser is created that may use all data commands. Memcached has no users.
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
        backups: Daily snapshots. By default each is kept for 7 days, or 15 with ``compliance=REGULATED``.
        restore: Snapshots of ElastiCache, or RDB files in S3, to fill the cache from when it is created, by their
            ARNs. By default the cache starts empty. Changing it replaces the cache.
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
        access: Access | None = None,
        usage_limits: UsageLimits | None = None,
        kms_key: kms.IKey | None = None,
        compliance: Compliance = Compliance.STANDARD,
        connection_type: ConnectionType = ConnectionType.VPC,
        network_type: NetworkType | None = None,
        backups: Backups | None = None,
        restore: RestoreFrom | None = None,
        serverless_cache_name: str | None = None,
        description: str | None = None,
        final_snapshot_name: str | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.SNAPSHOT,
    ) -> None:
        snapshots, limits = backups or Backups(), usage_limits or UsageLimits()
        reach = Reach(connection_type, vpc, vpc_subnets, security_groups, network_type)
        reach.validate(engine, compliance)
        limits.validate()
        _require_access(access, engine, compliance, is_public=reach.is_public)
        _require_texts(serverless_cache_name, description)
        _require_final(final_snapshot_name, removal_policy)
        if restore is not None:
            restore.validate_for_serverless(scope, engine.engine)
        given_group = access.given_group if access is not None else None
        for argument, given in {"vpc": vpc, "user_group": given_group, "kms_key": kms_key}.items():
            require_region(argument, scope, given)
        rendered_backups = snapshots.render_for_serverless(compliance)
        super().__init__(scope, construct_id)
        claim_name("serverless_cache_name", self, "serverless cache", serverless_cache_name)
        self.engine, self.compliance, self.usage_limits = engine, compliance, limits
        self.is_public, self._vpc = reach.is_public, vpc
        self._add_warnings(snapshots, kms_key, removal_policy)
        self.user_group, self._user = self._create_group(access, is_public=reach.is_public)
        self._create_resource(
            reach,
            compliance.data_key(self, kms_key, retain_unless_destroyed(removal_policy)),
            removal_policy,
            name=serverless_cache_name,
            final_name=final_snapshot_name,
            description=description,
            snapshot_arns_to_restore=list(restore.source_arns) if restore is not None else None,
            **rendered_backups,
        )

    def _add_warnings(self, snapshots: Backups, kms_key: kms.IKey | None, removal_policy: cdk.RemovalPolicy) -> None:
        if self.engine.is_unconfirmed:
            warn_newer_version(self, self.engine)
        snapshots.add_warnings(self)
        warn_destroyed_key(self, kms_key, removal_policy)

    def _create_resource(
        self,
        reach: Reach,
        data_key: kms.IKey | None,
        removal_policy: cdk.RemovalPolicy,
        *,
        name: str | None,
        final_name: str | None,
        snapshot_arns_to_restore: list[str] | None,
        **properties: Any,  # noqa: ANN401  (the properties of CfnServerlessCache)
    ) -> None:
        groups = reach.groups(self)
        self._connections = connections_of(self.engine.engine, groups)
        key_arn = data_key.key_arn if data_key is not None else None
        name = name or generated_id(self, *reach.identity, key_arn, *reach.kind, snapshot_arns_to_restore)
        name = name.lower() if known(name) else name
        is_final = removal_policy is cdk.RemovalPolicy.SNAPSHOT
        resource = elasticache.CfnServerlessCache(
            self,
            "Resource",
            serverless_cache_name=name,
            engine=self.engine.engine.value,
            major_engine_version=self.engine.major_version,
            cache_usage_limits=self.usage_limits.render() if self.usage_limits is not None else None,
            user_group_id=self.user_group.user_group_id if self.user_group is not None else None,
            kms_key_id=key_arn,
            snapshot_arns_to_restore=snapshot_arns_to_restore,
            final_snapshot_name=(final_name or f"{name}-final") if is_final else None,
            **reach.render(self, groups),
            **properties,
        )
        if reach.is_newer_than_the_schema:
            acknowledge_schema(resource)
        self._keep(resource, groups, removal_policy)
        self._set_attributes(resource)

    def _create_group(self, access: Access | None, *, is_public: bool) -> tuple[IUserGroup | None, PasswordUser | None]:
        """The user group of the cache and the user created for it; None for what it does not have."""
        engine = self.engine
        if engine.engine is Engine.MEMCACHED:
            self.compliance.warn_unmet(self, "users", "Memcached has none: choose Valkey for data that need them")
            return None, None
        if access is not None and access.is_open:
            warn_unauthenticated(self)
            return None, None
        with_iam = self.compliance.is_regulated or is_public
        group, user = create_user_group(self, engine.newest_version, access, with_iam=with_iam)
        _require_users(engine, group, is_public=is_public)
        # Users may be added to the group later.
        validate_at_synth(self, lambda: _require_users(engine, group, is_public=is_public))
        return group, user

    def _keep(
        self,
        resource: elasticache.CfnServerlessCache,
        groups: Sequence[ec2.ISecurityGroup],
        removal_policy: cdk.RemovalPolicy,
    ) -> None:
        keep_with(removal_policy, *groups)
        if self.user_group is not None:
            self.user_group._keep(removal_policy)
        # The service takes the last snapshot itself; CloudFormation's own Snapshot policy does not know this type.
        resource.apply_removal_policy(
            cdk.RemovalPolicy.DESTROY if removal_policy is cdk.RemovalPolicy.SNAPSHOT else removal_policy
        )

    def _set_attributes(self, resource: elasticache.CfnServerlessCache) -> None:
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
        require_existing_id("serverless_cache_name", serverless_cache_name)
        if engine is Engine.MEMCACHED and user_group is not None:
            refuse("user_group", "be left out for Memcached, which has no users", user_group.node.path, "leave it out")
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
        """Whatever is a serverless cache to aws-cdk-lib, such as the ServerlessCache of its alpha module.

        Of one that is, or has, an L1 its endpoints and security groups are known."""
        own = l1_of(resource, elasticache.CfnServerlessCache)
        return cls.from_serverless_cache_attributes(
            scope,
            construct_id,
            serverless_cache_name=resource.serverless_cache_ref.serverless_cache_name,
            engine=engine,
            endpoint_address=own.attr_endpoint_address if own is not None else None,
            reader_endpoint_address=own.attr_reader_endpoint_address if own is not None else None,
            security_groups=security_groups
            or groups_of(scope, construct_id, resource, own.security_group_ids if own is not None else None),
            user_group=user_group,
        )


def _require_access(
    access: Access | None, engine: ServerlessEngine, compliance: Compliance, *, is_public: bool
) -> None:
    if access is None:
        return
    if engine.engine is Engine.MEMCACHED:
        refuse("access", "be left out for Memcached", engine, "guard it by security groups")
    if access.token is not None:
        refuse("access", "be users for a serverless cache, which has no AUTH token", "a token", "use Access.users()")
    compliance.require(is_encrypted=True, has_users=not access.is_open)
    if is_public and access.is_open:
        refuse("access", "be IAM users with connection_type PUBLIC", "unauthenticated", "leave it out for one IAM user")


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
            if user.access_string.names_search:
                # User guide, search features and limits: node-based clusters only.
                refuse(
                    "access_string",
                    "name no commands of search for a serverless cache, which has none",
                    user.access_string,
                    "leave them out, or use ReplicationGroup",
                )
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


def _require_final(name: str | None, removal_policy: cdk.RemovalPolicy) -> None:
    require_match(
        "final_snapshot_name",
        name,
        rf"(?=.{{1,{SNAPSHOT_NAME_LENGTH_MAX}}}$)[a-z][a-z0-9]*(-[a-z0-9]+)*",
        f"be lower case: a letter, then at most {SNAPSHOT_NAME_LENGTH_MAX} letters, digits and single hyphens in all",
        remedy="choose such a name",
    )
    if name is not None and removal_policy is not cdk.RemovalPolicy.SNAPSHOT:
        refuse(
            "final_snapshot_name",
            f"be left out with removal_policy {removal_policy.name}, which takes no snapshot",
            name,
            "leave removal_policy out, or the name",
        )
