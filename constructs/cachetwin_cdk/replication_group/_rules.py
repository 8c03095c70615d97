"""Rules of ElastiCache for replication groups, as functions of plain values.

Each function is one concern. Sources: the API reference of CreateReplicationGroup, and the user guide's pages on
role-based access control, automatic failover, data tiering, supported nodes and log delivery.
"""

from collections.abc import Mapping

from constructs import IConstruct

from cachetwin_cdk.access.user_group import IUserGroup
from cachetwin_cdk.access.users import User
from cachetwin_cdk.checks._validate import (
    ValidationError,
    WarningId,
    known,
    refuse,
    require_between,
    require_one_of,
    warn,
)
from cachetwin_cdk.engine.engine_version import Engine, EngineVersion
from cachetwin_cdk.engine.node_type import NodeType
from cachetwin_cdk.engine.parameter_group import IParameterGroup

# User guide, search features and limits: the least reserved-memory-percent of small nodes; 25 is the default.
_SEARCH_RESERVED_PERCENT = {"micro": 50, "small": 30}
_SEARCH_PARAMETERS = "search-"
_TIERING_POLICIES = ("volatile-lru", "allkeys-lru", "noeviction")


def require_engine(engine_version: EngineVersion) -> None:
    """Memcached has no replication groups."""
    if engine_version.engine is Engine.MEMCACHED:
        refuse("engine_version", "be a Valkey or Redis version", engine_version, "use MemcachedCluster for Memcached")


def require_node_type(node_type: NodeType, *, multi_az: bool, retention_days: int) -> None:
    """The oldest node types have neither Multi-AZ nor snapshots."""
    if node_type.family == "t1" and (multi_az or retention_days):
        refuse(
            "node_type",
            "not be a t1 node with Multi-AZ or backups",
            node_type,
            "choose a current node type such as NodeType.T4G_SMALL",
        )


def require_graviton(node_type: NodeType, engine_version: EngineVersion) -> None:
    """Graviton nodes run Redis from 5.0.6 and Memcached from 1.5.16 on (API reference of CacheNode)."""
    if node_type.is_graviton and not engine_version.at_least(valkey="7.2", redis="5.0.6", memcached="1.5.16"):
        refuse(
            "engine_version",
            f"be at least Redis 5.0.6 or Memcached 1.5.16 on {node_type}",
            engine_version,
            "choose a newer engine_version, or a node type such as NodeType.T3_SMALL",
        )


def require_tls_nodes(node_type: NodeType) -> None:
    """M1 and M2 nodes have no TLS (user guide, in-transit encryption)."""
    if node_type.family in {"m1", "m2", "t1", "c1"}:
        refuse(
            "node_type",
            "not be of m1, m2, t1 or c1 with transit_encryption",
            node_type,
            "choose a current node type such as NodeType.T4G_SMALL",
        )


def require_data_tiering(node_type: NodeType, engine_version: EngineVersion, parameters: Mapping[str, str]) -> None:
    """Nodes with an SSD need a newer engine and one of three eviction policies."""
    if not node_type.has_ssd:
        return
    if not engine_version.at_least(valkey="7.2", redis="6.2"):
        refuse(
            "engine_version",
            f"be at least Redis 6.2 or Valkey 7.2 on {node_type}, which tiers data to its SSD",
            engine_version,
            "choose a newer engine_version or a node type without SSD",
        )
    require_one_of(
        "parameters['maxmemory-policy']",
        parameters.get("maxmemory-policy"),
        _TIERING_POLICIES,
        remedy=f"choose one of those on {node_type}, which tiers data to its SSD",
    )


def require_enough_replicas(parameters: Mapping[str, str], replicas: int | None) -> None:
    """A primary refuses every write that fewer replicas follow than its parameter says."""
    least = parameters.get("min-replicas-to-write", "0")
    if replicas is None or not known(least, replicas) or int(least) <= replicas:
        return
    refuse(
        "parameters['min-replicas-to-write']",
        f"be at most the number of replicas, {replicas}, or the cache refuses every write",
        least,
        "lower it, or add replicas",
    )


def uses_search(parameters: Mapping[str, str], user_group: IUserGroup | None) -> bool:
    """Whether parameters or users name search (vectors, full text), which Valkey has from 8.2 on."""
    users = user_group.users if user_group is not None else ()
    return any(name.startswith(_SEARCH_PARAMETERS) for name in parameters) or any(
        isinstance(user, User) and user.access_string.names_search for user in users
    )


def require_search(node_type: NodeType) -> None:
    """Nodes with an SSD have no search."""
    if node_type.has_ssd:
        refuse(
            "node_type",
            "not tier data with search, which parameters or users name",
            node_type,
            "choose a node type without SSD such as NodeType.R7G_LARGE",
        )


def warn_search_memory(scope: IConstruct, node_type: NodeType, parameters: Mapping[str, str]) -> None:
    """Warn of small nodes that search leaves too little memory to."""
    least = _SEARCH_RESERVED_PERCENT.get(node_type.size)
    reserved = parameters.get("reserved-memory-percent", "25")
    if least is None or not known(reserved) or int(reserved) >= least:
        return
    warn(
        scope,
        WarningId.SEARCH_MEMORY,
        f"search on {node_type} needs reserved-memory-percent of {least} at least, got {reserved}; set it in parameters, "
        "or choose larger nodes",
    )


def require_users(engine_version: EngineVersion, user_group: IUserGroup) -> None:
    """Which engine versions have users, and which groups they accept."""
    if not engine_version.at_least(valkey="7.2", redis="6.0"):
        refuse(
            "engine_version",
            "be at least Redis 6.0 or Valkey 7.2 to have users",
            engine_version,
            "choose a newer engine_version, or set access=Access.unauthenticated()",
        )
    if engine_version.engine is Engine.REDIS and user_group.engine is not Engine.REDIS:
        refuse(
            "user_group",
            "be a Redis group for a Redis cache",
            user_group.engine,
            "make the UserGroup and its users with engine=Engine.REDIS",
        )
    if any(user.connects_with_iam for user in user_group.users) and not engine_version.at_least(
        valkey="7.2", redis="7.0"
    ):
        refuse(
            "engine_version",
            "be at least Redis 7.0 or Valkey 7.2 for users with IAM authentication",
            engine_version,
            "choose a newer engine_version, or use a PasswordUser",
        )
    for user in user_group.users:
        if isinstance(user, User):
            user.access_string.validate(engine_version)


def require_parameter_group(
    engine_version: EngineVersion, parameter_group: IParameterGroup, *, is_clustered: bool
) -> None:
    """The family has to match the engine version, and ``cluster-enabled`` the cluster mode."""
    family = parameter_group.family
    if family is not None and known(family, engine_version.version) and family != engine_version.parameter_family:
        refuse(
            "parameter_group",
            f"be of family {engine_version.parameter_family} for {engine_version}",
            family,
            "make the ParameterGroup with the same engine_version",
        )
    if parameter_group.is_cluster_enabled is None or parameter_group.is_cluster_enabled == is_clustered:
        return
    if is_clustered:
        raise ValidationError(
            "parameter_group must set cluster-enabled=yes with cluster mode, got a group without it; add the parameter, "
            "or give parameters= to have a group made"
        )
    raise ValidationError(
        "parameter_group must not set cluster-enabled=yes with cluster mode disabled, got it; remove the parameter, or "
        "choose topology=Topology.cluster()"
    )


def require_port(port: int) -> None:
    """A TCP port that a server may listen on."""
    require_between("port", port, 1, 65535, remedy="6379 is what clients expect")
