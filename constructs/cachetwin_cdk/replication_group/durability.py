"""Durability: writes in a log in several zones, from Valkey 9 on."""

from enum import StrEnum

from constructs import IConstruct

from cachetwin_cdk.checks._validate import ValidationError, WarningId, refuse, warn
from cachetwin_cdk.engine.engine_version import EngineVersion
from cachetwin_cdk.engine.node_type import NodeType

from .topology import ClusterMode, Topology

# Families of the durability guide (read in November 2026), which has grown: others are warned of, not refused.
_FAMILIES = frozenset({"c7gn", "c8gn", "m6g", "m7g", "m8g", "r6g", "r7g", "r8g"})


class Durability(StrEnum):
    """When a write is put into the log."""

    DEFAULT = "default"
    """ElastiCache decides."""
    ASYNC = "async"
    """Soon after the reply."""
    SYNC = "sync"
    """Before the reply."""
    DISABLED = "disabled"
    """Never: data are in memory and in snapshots only."""

    @property
    def is_durable(self) -> bool:
        """Whether all writes are logged."""
        return self in {Durability.ASYNC, Durability.SYNC}


def require_durability(
    durability: Durability | None,
    engine_version: EngineVersion,
    node_type: NodeType,
    topology: Topology,
    *,
    is_encrypted: bool,
) -> None:
    """Require what durability needs: Valkey 9, cluster mode, Multi-AZ, encryption, no data tiering."""
    if durability is None or not durability.is_durable:
        return
    if not engine_version.at_least(valkey="9.0"):
        refuse(
            "engine_version",
            f"be at least Valkey 9.0 for durability {durability}",
            engine_version,
            "choose EngineVersion.VALKEY_9_0",
        )
    if topology.cluster_mode is not ClusterMode.ENABLED:
        refuse(
            "topology",
            f"have cluster mode enabled for durability {durability}",
            topology.cluster_mode,
            "choose Topology.cluster(); one shard will do",
        )
    if not topology.multi_az:
        refuse("multi_az", f"be True for durability {durability}", topology.multi_az, "leave it on, with a replica")
    if not is_encrypted:
        raise ValidationError(
            f"encryption must be required in transit and on at rest for durability {durability}, got one that is not; "
            "leave both as they are by default"
        )
    if node_type.has_ssd:
        refuse(
            "node_type",
            f"not tier data for durability {durability}",
            node_type,
            "choose a node type without SSD such as NodeType.R7G_LARGE",
        )


def warn_unconfirmed_family(scope: IConstruct, durability: Durability | None, node_type: NodeType) -> None:
    """Warn of node families that the documentation does not list for durability."""
    if durability is None or not durability.is_durable or not node_type.family or node_type.family in _FAMILIES:
        return
    warn(
        scope,
        WarningId.DURABILITY_FAMILY_UNCONFIRMED,
        f"durability {durability} is documented for {', '.join(sorted(_FAMILIES))}, not for {node_type}; choose one of "
        "those, or check that your region offers it and acknowledge this warning",
    )
