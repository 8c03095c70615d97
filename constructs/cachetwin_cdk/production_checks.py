"""ProductionChecks: what AWS's ElastiCache skill asks of caches in production, as rules over every construct of an app.

Each rule is a check of the skill in ``aws/agent-toolkit-for-aws`` (``skills/specialized-skills/database-skills/
amazon-elasticache``, read at d6ad2e4 of 2026-08-20), with the file that has it. The constructs of this library satisfy most
rules by default; what costs money, or is the app's to choose, is not a default and found here. The rules read L1 resources,
so they also hold for plain L1 and for other libraries.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_elasticache as elasticache
from constructs import IConstruct

from .checks._types import checked_arguments
from .checks._validate import known, refuse

_Group, _Serverless, _Cluster = (
    elasticache.CfnReplicationGroup,
    elasticache.CfnServerlessCache,
    elasticache.CfnCacheCluster,
)
_REPLICAS_MIN = 2
_TAGS = ("Environment", "Owner", "Application")


@dataclass(frozen=True)
class _Rule:
    """A check of the skill: which resources it reads, whether one satisfies it, and what is said if not."""

    name: str
    source: str
    applies_to: tuple[type[Any], ...]
    holds: Callable[[Any], bool]
    advice: str

    @property
    def warning_id(self) -> str:
        return f"cachetwin:production-{self.name}"


def _on(value: Any) -> bool:  # noqa: ANN401  (a property of an L1: a value, a token or nothing)
    """Whether a switch is on, or not known."""
    return value is True or not known(value)


def _member(group: Any) -> bool:  # noqa: ANN401  (a CfnReplicationGroup)
    """Whether a group is a secondary of a global datastore, whose encryption and backups are the primary's."""
    return group.global_replication_group_id is not None


def _has_replicas(group: elasticache.CfnReplicationGroup) -> bool:
    if group.num_cache_clusters is not None:
        return not known(group.num_cache_clusters) or group.num_cache_clusters > _REPLICAS_MIN
    shards = group.node_group_configuration
    if isinstance(shards, list):
        counts = [getattr(shard, "replica_count", None) for shard in shards]
        return all(count is None or not known(count) or count >= _REPLICAS_MIN for count in counts)
    replicas = group.replicas_per_node_group
    return replicas is not None and (not known(replicas) or replicas >= _REPLICAS_MIN)


def _has_maxima(cache: elasticache.CfnServerlessCache) -> bool:
    limits: Any = cache.cache_usage_limits
    if limits is None or cdk.Token.is_unresolved(limits):
        return limits is not None
    parts = (limits.data_storage, limits.ecpu_per_second)
    return all(cdk.Token.is_unresolved(part) or (part is not None and part.maximum is not None) for part in parts)


def _is_tagged(resource: cdk.CfnResource) -> bool:
    tags = cdk.TagManager.of(resource)
    return tags is None or set(_TAGS) <= set(tags.tag_values())


_AUDIT = "security_audit"
_RULES = (
    _Rule(
        "tls", f"{_AUDIT}: TLS in-transit encryption", (_Group,),
        lambda group: _member(group) or _on(group.transit_encryption_enabled), "encrypt in transit",
    ),
    _Rule(
        "at-rest", f"{_AUDIT}: Encryption at rest", (_Group,),
        lambda group: _member(group) or _on(group.at_rest_encryption_enabled), "encrypt at rest; it replaces the cache",
    ),
    _Rule(
        "users", f"{_AUDIT}: Authentication, users before tokens", (_Group,),
        lambda group: bool(group.user_group_ids),
        "let clients log in as users, whose rights differ, in place of an AUTH token or of nothing",
    ),
    _Rule(
        "users", f"{_AUDIT}: Authentication", (_Serverless,),
        lambda cache: cache.user_group_id is not None or cache.engine == "memcached",
        "let clients log in as users: give the cache a user group",
    ),
    _Rule(
        "multi-az", f"{_AUDIT}: Multi-AZ", (_Group,), lambda group: _on(group.multi_az_enabled),
        "spread the nodes of a shard over zones, with Multi-AZ",
    ),
    _Rule(
        "failover", f"{_AUDIT}: Automatic failover", (_Group,), lambda group: _on(group.automatic_failover_enabled),
        "let a replica take over by itself",
    ),
    _Rule(
        "backups", f"{_AUDIT}: Automatic backups", (_Group, _Serverless),
        lambda cache: getattr(cache, "engine", None) == "memcached" or _is_member(cache)
        or bool(cache.snapshot_retention_limit),
        "keep daily snapshots for a day at least",
    ),
    _Rule(
        "usage-limits", f"{_AUDIT}: Data storage limit, ECPU limit", (_Serverless,), _has_maxima,
        "set a maximum for storage and one for processing, and alarms below them: without, the bill has no bound but the "
        "quotas of the service",
    ),
    _Rule(
        "replicas", "cluster-topology: two replicas of each shard", (_Group,), _has_replicas,
        "have two replicas of each shard, so that one is left beside the new primary after a failover",
    ),
    _Rule(
        "tags", f"{_AUDIT}: Resource tags", (_Group, _Serverless, _Cluster), _is_tagged,
        f"tag it with {', '.join(_TAGS)}: cdk.Tags.of(app).add('Owner', 'team-orders')",
    ),
)  # fmt: skip
RULES = tuple(sorted({rule.name for rule in _RULES}))


def _is_member(cache: Any) -> bool:  # noqa: ANN401  (an L1 cache)
    return isinstance(cache, _Group) and _member(cache)


@jsii.implements(cdk.IAspect)
class _Aspect:
    def __init__(self, rules: Collection[_Rule]) -> None:
        self._rules = rules

    def visit(self, node: IConstruct) -> None:
        for rule in self._rules:
            if isinstance(node, rule.applies_to) and not rule.holds(node):
                cdk.Annotations.of(node).add_warning_v2(
                    rule.warning_id, f"AWS's ElastiCache skill ({rule.source}) advises for production: {rule.advice}"
                )


@checked_arguments
class ProductionChecks:
    """Warn of every cache below a construct that is not as AWS's ElastiCache skill asks of one in production.

    ``ProductionChecks.add_to(app)`` reads replication groups, serverless caches and Memcached clusters, whoever made them.
    Each finding is a warning ``cachetwin:production-<rule>``, to be acknowledged where it does not matter; ``cdk synth
    --strict`` fails for the others.
    """

    @staticmethod
    def add_to(scope: IConstruct, *, without: Collection[str] = ()) -> None:
        """Check what is below ``scope`` when it is synthesised.

        Args:
            scope: An app, a stage or a stack.
            without: Names of rules that are left out, such as ``replicas``. By default all are checked.
        """
        for name in without:
            if name not in RULES:
                refuse("without", f"name rules, which are {', '.join(RULES)}", name, "correct or remove that name")
        rules = [rule for rule in _RULES if rule.name not in without]
        cdk.Aspects.of(scope).add(_Aspect(rules), priority=cdk.AspectPriority.READONLY)

    @staticmethod
    def rules() -> Iterator[tuple[str, str]]:
        """The id of each warning, and the check of the skill that it stands for."""
        for rule in _RULES:
            yield rule.warning_id, rule.source
